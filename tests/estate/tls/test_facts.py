import pytest

from estate.assets import host
from estate.coverage import Keys, Verdict
from estate.diff import Fact, Kind, Past, Rules, compare
from estate.observations import merge
from estate.tls.evidence import CHECKS, VERSIONS
from estate.tls.facts import endpoint_reading, explain_grade, join_endpoints
from estate.tls.keys import asked_keys
from estate.tls.rating import rate

CBC, RC4 = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA"
HERE = "tls/8443/a.example/"
DARK = ("protocols", "checks", "modern", "hsts", "certificates", "curves", "client_certificate")


def read(tls, changes=None, chain=None, look=0):
    evidence = tls.evidence(changes)
    return endpoint_reading("a.example", evidence, rate(evidence, chain or tls.chain(), tls.now), look)


def sight(tls, changes=None, chain=None, profile="full"):
    return merge("a.example", asked_keys(8443, "a.example", profile), [read(tls, changes, chain)])


def changes_between(tls, before, after, profile="full"):
    facts = {key: Fact(True, value) for key, value in sight(tls, before, profile=profile).present.items()}
    told = compare(
        host("a.example"), "tls", facts, sight(tls, after, profile=profile), lambda _: Past.PROVED, Rules()
    ).changes
    return {(change.kind, change.key.removeprefix(HERE)): change for change in told}


def test_a_perfect_endpoint_shows_what_is_good_about_it(tls):
    present = {key.removeprefix(HERE): dict(value) for key, value in sight(tls).present.items()}
    assert present.keys() == {
        *("endpoint", "grade", "hsts", "protocol/TLS1.2", "protocol/TLS1.3"),
        *("check/secure_renegotiation", "check/session_tickets"),
    }
    assert present["grade"] == {
        "criteria": "2009r",
        "grade": "A+",
        "mozilla": "intermediate",
        "reasons": "",
        "trust-ignored": "A+",
    }
    assert present["endpoint"] == {
        "client-certificate": "none",
        "curves": "secp256r1 x25519",
        "suite": "TLS_AES_256_GCM_SHA384",
        "version": "TLS1.3",
    }
    assert present["hsts"] == {"include-subdomains": "no", "max-age": "63072000", "preload": "no"}
    assert present["protocol/TLS1.3"] == {"suites": "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hsts": {"state": "blind"}},
        {"protocols/TLS1.2": {"state": "blind"}},
        {"checks": {}},
        {"hello": {"outcome": "refused"}, "protocols": {}},
        {"hello": {"outcome": "silent"}, "protocols": {}},
    ],
)
def test_every_key_gets_one_verdict(tls, changes):
    reading = read(tls, changes)
    told = [*reading.present, *(key for look in reading.looks for key in look.keys)]
    assert sorted(told) == sorted(asked_keys(8443, "a.example", "full"))


def test_the_same_look_twice_is_no_change(tls):
    assert changes_between(tls, {}, {}) == {}


def test_switching_tls_11_on_is_a_version_and_a_grade(tls):
    found = changes_between(tls, {}, {"protocols/TLS1.1": tls.offered(CBC)})
    assert found.keys() == {(Kind.APPEARED, "protocol/TLS1.1"), (Kind.CHANGED, "grade")}
    grade = found[Kind.CHANGED, "grade"]
    assert grade.before is not None
    assert grade.after is not None
    told = explain_grade(grade.before.value, grade.after.value)
    assert told == "grade fell from A+ to B: TLS 1.1 is offered"
    assert explain_grade(grade.after.value, grade.before.value) == (
        "grade rose from B to A+: no longer: TLS 1.1 is offered"
    )


def test_one_more_suite_changes_its_version_and_what_is_wrong_with_it(tls):
    found = changes_between(tls, {}, {"protocols/TLS1.2/suites": [tls.suite(tls.gcm), tls.suite(RC4)]})
    assert {(Kind.CHANGED, "protocol/TLS1.2"), (Kind.APPEARED, "weakness/rc4-offered"), (Kind.CHANGED, "grade")} <= set(
        found
    )


def test_what_nobody_could_ask_is_out_of_sight_and_never_gone(tls):
    dark = {"protocols/TLS1.1": tls.blind("reset: after 60 connections"), "checks/robot": {"state": "blind"}}
    before = {"protocols/TLS1.1": tls.offered(CBC), "checks/robot": {"state": "yes"}}
    found = changes_between(tls, before, dark)
    assert {(kind, key) for kind, key in found if kind is Kind.GONE} == set()
    assert (Kind.LOST_SIGHT, "protocol/TLS1.1") in found
    assert (Kind.LOST_SIGHT, "check/robot") in found
    assert found[Kind.LOST_SIGHT, "grade"].reason == "not gradable: protocol TLS1.1, robot"
    assert found[Kind.LOST_SIGHT, "protocol/TLS1.1"].reason == "reset"


def test_a_refused_port_ends_everything_by_proof(tls):
    found = changes_between(tls, {}, {**dict.fromkeys(DARK, tls.gone), "hello": {"outcome": "refused"}})
    assert {kind for kind, _ in found} == {Kind.GONE}
    assert {change.reason for change in found.values()} == {"refused"}
    assert (Kind.GONE, "endpoint") in found


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        ("refused", Verdict.NEGATIVE),
        ("plaintext", Verdict.NEGATIVE),
        ("garbage", Verdict.NEGATIVE),
        ("starttls-refused", Verdict.NEGATIVE),
        ("silent", Verdict.SILENT),
        ("reset", Verdict.BLIND),
        ("unreachable", Verdict.BLIND),
    ],
)
def test_how_a_port_fails_to_speak_tls_decides_what_that_proves(tls, outcome, verdict):
    reading = read(tls, {**dict.fromkeys(DARK, tls.gone), "hello": {"outcome": outcome}})
    assert reading.present == {}
    assert [(look.verdict, look.reason) for look in reading.looks] == [(verdict, outcome)]


@pytest.mark.parametrize(
    ("hsts", "verdict", "reason"),
    [
        ({"state": "absent"}, Verdict.NEGATIVE, "absent"),
        ({"state": "not-http"}, Verdict.NEGATIVE, "not-http"),
        ({"state": "present", "max_age": 0}, Verdict.NEGATIVE, "disabled"),
        ({"state": "blind", "reason": "timeout: 5 s"}, Verdict.BLIND, "timeout"),
    ],
)
def test_hsts_is_there_only_if_it_means_something(tls, hsts, verdict, reason):
    look = sight(tls, {"hsts": hsts}).verdict(f"{HERE}hsts")
    assert look is not None
    assert (look.verdict, look.reason) == (verdict, reason)


def test_a_cheaper_profile_takes_nothing_out_of_sight_that_it_does_not_ask(tls):
    watch = {**{f"checks/{name}": tls.gone for name in CHECKS[6:]}, "asked/profile": "watch"}
    facts = {key: Fact(True, value) for key, value in sight(tls).present.items()}
    told = compare(host("a.example"), "tls", facts, sight(tls, watch, profile="watch"), lambda _: Past.PROVED, Rules())
    assert told.changes == ()


def test_an_attribute_that_nobody_saw_is_compared_with_nothing(tls):
    assert changes_between(tls, {}, {"curves": {"state": "blind"}}) == {}


def test_a_server_that_takes_no_version_is_there_and_has_no_grade(tls):
    off = dict.fromkeys((f"protocols/{version}" for version in VERSIONS), tls.off)
    found = sight(tls, off)
    assert f"{HERE}endpoint" in found.present
    look = found.verdict(f"{HERE}grade")
    assert look is not None
    assert (look.verdict, look.reason) == (Verdict.BLIND, "not gradable: refuses every version of the protocol")


def joined(*sights):
    return join_endpoints("a.example", asked_keys(8443, "a.example", "full"), sights)


def test_of_several_addresses_the_worst_grade_counts(tls):
    good, warned = sight(tls), sight(tls, {"hsts": {"state": "absent"}})
    plain = sight(tls, {"hsts": {"state": "not-http"}})
    for several in ((good, warned), (warned, good), (plain, good, warned)):
        assert dict(joined(*several).present[f"{HERE}grade"])["grade"] == "A-"
    assert dict(joined(good, plain).present[f"{HERE}grade"])["grade"] == "A"
    assert joined(good) == good


def test_an_address_that_could_not_be_graded_may_be_the_worst(tls):
    half = sight(tls, {"checks/robot": {"state": "blind"}})
    found = joined(sight(tls), half)
    assert f"{HERE}grade" not in found.present
    look = found.verdict(f"{HERE}grade")
    assert look is not None
    assert (look.verdict, look.reason) == (Verdict.BLIND, "not gradable: robot")


def test_an_address_without_tls_leaves_the_grade_to_the_others(tls):
    closed = sight(tls, {**dict.fromkeys(DARK, tls.gone), "hello": {"outcome": "refused"}})
    assert dict(joined(sight(tls), closed).present[f"{HERE}grade"])["grade"] == "A+"


def test_reasons_are_told_even_where_the_letter_stays(tls):
    before = dict(sight(tls, {"protocols/TLS1.1": tls.offered(CBC)}).present)[f"{HERE}grade"]
    after = dict(sight(tls, {"protocols/TLS1.0": tls.offered(CBC)}).present)[f"{HERE}grade"]
    assert explain_grade(before, after) == "grade is still B: TLS 1.0 is offered; no longer: TLS 1.1 is offered"


def test_a_second_look_has_its_number(tls):
    assert read(tls, look=2).look == 2
    assert isinstance(read(tls).looks[0].keys, Keys)
