from datetime import UTC, datetime, timedelta

import pytest

from estate.containers.policy import Candidate, Decision, GatePolicy, judge
from estate.containers.reference import read_reference
from estate.containers.signatures import Signature, Verdict

NOW = datetime(2031, 5, 1, tzinfo=UTC)
DIGEST = "@sha256:" + "a" * 64


def vulnerability(cve="CVE-2023-4911", severity="high", fixed="2", package="libc6"):
    value = {"package": package, "installed": "1", "fixed": fixed, "severity": severity}
    return {f"vuln/pkg:deb/debian/{package}:{cve}": tuple(sorted(value.items()))}


def word(policy=None, name="registry.example.org/team/app:1", **image) -> Decision:
    told = {
        "created": NOW - timedelta(days=10),
        "labels": {},
        "facts": {},
        "database": NOW - timedelta(hours=5),
        "exploited": frozenset(),
        **image,
    }
    candidate = Candidate(read_reference(name) if name else None, **told)
    return judge(GatePolicy.model_validate(policy or {}), candidate, NOW)


def test_an_image_with_nothing_against_it_is_allowed_without_a_warning():
    assert word() == Decision(True, (), ())


@pytest.mark.parametrize(
    ("policy", "image", "reason"),
    [
        ({"registries": ["registry.example.org"]}, {"name": "registry.example.org.evil.example/app:1"}, "is in no reg"),
        ({"registries": ["registry.example.org"]}, {"name": ""}, "does not say which registry"),
        ({"latest": "refuse"}, {"name": "nginx"}, "latest"),
        ({"maximum_age_days": 9}, {}, "built 10 days ago"),
        ({"maximum_age_days": 9}, {"created": None}, "does not say when"),
        ({"labels": ["owner"]}, {"labels": {"owner": " "}}, "lacks the label owner"),
        ({}, {"facts": {"secret/aws-access-key-id:app/.env": (("severity", "critical"),)}}, "holds 1 secret: aws"),
        ({}, {"facts": {"problem/os-eol": (("os", "debian 8"),)}}, "debian 8 gets no more"),
        ({}, {"facts": {"config/DS031": (("title", "a secret in ENV"),)}}, "check DS031 failed: a secret in ENV"),
        ({}, {"facts": vulnerability()}, "CVE-2023-4911 (libc6 1 → 2)"),
        (
            {"vulnerabilities": {"fixable_only": False}},
            {"facts": vulnerability(fixed="")},
            "1 vulnerability of severity high or worse: CVE-2023-4911 (libc6 1)",
        ),
        (
            {},
            {"facts": vulnerability(severity="low", fixed=""), "exploited": frozenset({"CVE-2023-4911"})},
            "1 vulnerability is known to be exploited",
        ),
        ({}, {"database": NOW - timedelta(days=8)}, "the vulnerability database is of 2031-04-23"),
        ({"signatures": {"keys": ["a.pub"]}}, {}, "no registry is known to have it"),
        ({"signatures": {"keys": ["a.pub"]}}, {"signature": Signature(Verdict.UNSIGNED)}, "it is not signed"),
        ({"signatures": {"keys": ["a.pub"]}}, {"signature": Signature(Verdict.UNKNOWN_KEY)}, "no key that is trusted"),
        (
            {"signatures": {"keys": ["a.pub"]}},
            {"signature": Signature(Verdict.OTHER_DIGEST, "a.pub")},
            "what a.pub signed there is another image",
        ),
    ],
)
def test_each_rule_refuses_with_its_reason(policy, image, reason):
    found = word(policy, **image)
    assert not found.allowed
    assert len(found.reasons) == 1
    assert reason in found.reasons[0]
    assert found.blind == ()


@pytest.mark.parametrize(
    ("policy", "image"),
    [
        ({"registries": ["registry.example.org/team"]}, {}),
        ({"latest": "refuse"}, {"name": f"nginx:latest{DIGEST}"}),
        ({"maximum_age_days": 10}, {}),
        ({"labels": ["owner"]}, {"labels": {"owner": "ada"}}),
        ({"secrets": "allow"}, {"facts": {"secret/x:y": ()}, "blind": {"secret": "base-not-searched"}}),
        ({"signatures": {"keys": ["a.pub"]}}, {"signature": Signature(Verdict.SIGNED, "a.pub")}),
        ({}, {"facts": {"image/1": (), "config/DS026": (("severity", "low"),)}}),
        ({"database": {"maximum_age_hours": 5}}, {}),
    ],
)
def test_each_rule_is_quiet_where_it_is_kept(policy, image):
    assert word(policy, **image) == Decision(True, (), ())


def test_what_is_tolerated_is_counted_in_a_warning():
    facts = {**vulnerability("CVE-1999-0001", "low"), **vulnerability("CVE-1999-0002", "critical", fixed="")}
    found = word(facts=facts)
    assert found.allowed
    assert found.warnings == ("2 vulnerabilities below high or without a fix",)
    assert word({"vulnerabilities": {"fail_on": "never"}}, facts=vulnerability()).allowed


def test_an_accepted_vulnerability_is_accepted_until_its_end_and_in_its_package_only():
    def ignoring(until, package="libc6"):
        one = {"cve": "CVE-2023-4911", "package": package, "reason": "no SUID", "until": until}
        return word({"ignore": [one]}, facts=vulnerability())

    accepted = ignoring("2031-05-01")
    assert accepted.allowed
    assert list(accepted.ignored.values()) == ["no SUID"]
    assert accepted.warnings == ("1 vulnerability accepted by the policy",)
    over = ignoring("2031-04-30")
    assert not over.allowed
    assert "accepted until 2031-04-30, which is over" in over.warnings[0]
    assert not ignoring("2031-05-01", "zlib1g").allowed


def test_an_old_database_will_do_while_somebody_says_so():
    def overridden(until):
        override = {"reason": "the mirror is down", "by": "ada", "until": until}
        return word({"database": {"override": override}}, database=NOW - timedelta(days=8))

    allowed = overridden("2031-05-01")
    assert allowed.allowed
    assert "ada allows it until 2031-05-01: the mirror is down" in allowed.warnings[0]
    over = overridden("2031-04-30")
    assert not over.allowed
    assert "ended on 2031-04-30" in over.reasons[0]


@pytest.mark.parametrize(
    "image",
    [
        {"blind": {"vuln": "no-database"}},
        {"blind": {"vuln": "no-os"}},
        {"blind": {"image": "timeout", "vuln": "timeout"}},
        {"database": None},
        {"signature": Signature(Verdict.UNREACHABLE, "no answer")},
    ],
)
def test_nothing_is_allowed_that_could_not_be_looked_at(image):
    found = word({"signatures": {"keys": ["a.pub"]}}, **{"signature": Signature(Verdict.SIGNED), **image})
    assert not found.allowed
    assert found.reasons == ()
    assert len(found.blind) == 1


def test_an_image_from_scratch_may_be_allowed_by_name():
    blind = {"vuln": "no-os", "problem": "no-os"}
    assert word({"unknown_system": "allow"}, blind=blind).allowed
    assert not word(blind=blind).allowed


def test_a_system_past_its_end_is_a_reason_and_no_blindness():
    facts, blind = {"problem/os-eol": (("os", "debian 8"),)}, {"vuln": "os-eol"}
    assert word(facts=facts, blind=blind).blind == ()
    assert word({"end_of_life": "warn"}, facts=facts, blind=blind).allowed


def test_the_catalogue_of_exploited_ones_is_wanted_only_where_the_policy_says_so():
    assert word(facts=vulnerability(severity="low"), exploited=None).allowed
    wanted = word({"vulnerabilities": {"exploited": "refuse"}}, exploited=None)
    assert not wanted.allowed
    assert "catalogue" in wanted.blind[0]


def test_many_reasons_of_one_kind_are_one_sentence():
    facts: dict[str, tuple[tuple[str, str], ...]] = {}
    for number in range(500):
        facts |= vulnerability(f"CVE-2030-{number:04}", "critical")
    found = word(facts=facts)
    assert len(found.reasons) == 1
    assert "500 vulnerabilities" in found.reasons[0]
    assert "and 492 more" in found.reasons[0]
    assert len(found.refusing) == 500
