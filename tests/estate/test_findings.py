"""How a finding is recognised again, and which steps its life can take."""

import hashlib
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.assets import Asset, host
from estate.findings import Detection, Rule, Ruling, Severity, Step, fingerprint, risk, step

WEB = host("10.0.0.7")
RULE = Rule("ports", "unexpected-port", "A port answers that nobody expects", "Close it.")

P, S, A, U = Detection.PRESENT, Detection.SUSPECTED_ABSENT, Detection.ABSENT, Detection.UNOBSERVED


def test_a_fingerprint_is_the_hash_that_the_design_promises() -> None:
    """Spelled out, since suppressions and sinks keep fingerprints for years."""
    # printf '[1,"ports","unexpected-port","host:10.0.0.7","tcp/443"]' | sha256sum
    assert fingerprint("ports", "unexpected-port", WEB, "tcp/443") == (
        "f1:a40ff4dfce0da0b258d426baa984094488793356cd17bd1075025cd2f8cf983c"
    )


def test_the_same_address_in_another_zone_is_another_finding() -> None:
    assert fingerprint("ports", "r", WEB, "tcp/443") == fingerprint(
        "ports", "r", host("10.0.0.7", "default"), "tcp/443"
    )
    assert fingerprint("ports", "r", WEB, "tcp/443") != fingerprint("ports", "r", host("10.0.0.7", "dmz"), "tcp/443")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(("ab", "c", WEB, "x"), ("a", "bc", WEB, "x"), id="parts do not run into each other"),
        pytest.param(("a", "b", WEB, "tcp/53"), ("a", "b", WEB, "udp/53"), id="tcp and udp are two"),
        pytest.param(("a", "b", WEB, "x"), ("a", "b", Asset("image", "10.0.0.7"), "x"), id="kinds are told apart"),
        pytest.param(('a","b', "c", WEB, "x"), ("a", "b", WEB, "x"), id="quotes do not end a part"),
    ],
)
def test_findings_that_differ_have_fingerprints_that_differ(
    one: tuple[str, str, Asset, str], two: tuple[str, str, Asset, str]
) -> None:
    assert fingerprint(*one) != fingerprint(*two)


def test_any_locator_can_be_hashed_even_the_path_of_a_file_whose_name_is_no_text() -> None:
    spelled = json.dumps([1, "secrets", "key", "host:10.0.0.7", "/etc/\udcff/ключ"], separators=(",", ":"))

    assert fingerprint("secrets", "key", WEB, "/etc/\udcff/ключ") == (
        "f1:" + hashlib.sha256(spelled.encode("ascii")).hexdigest()
    )


@given(severity=st.sampled_from(Severity), detection=st.sampled_from(Detection), text=st.text())
def test_neither_severity_nor_detection_nor_words_are_part_of_the_identity(
    severity: Severity, detection: Detection, text: str
) -> None:
    ruling = Ruling(RULE, WEB, "tcp/443", severity, detection, subject=text, evidence=text)

    assert ruling.fingerprint == fingerprint("ports", "unexpected-port", WEB, "tcp/443")


@pytest.mark.parametrize(
    ("before", "after", "taken"),
    [
        pytest.param(None, P, Step.OPENED, id="what is seen first is opened"),
        pytest.param(None, S, None, id="a suspicion opens nothing"),
        pytest.param(None, A, None, id="an absence opens nothing"),
        pytest.param(None, U, None, id="blindness opens nothing"),
        pytest.param(P, P, None, id="what is still there is no step"),
        pytest.param(P, S, Step.SUSPECTED, id="one silence makes us suspect"),
        pytest.param(P, A, Step.RESOLVED, id="a proof resolves"),
        pytest.param(P, U, Step.UNOBSERVED, id="blindness resolves nothing"),
        pytest.param(S, P, Step.VERIFIED, id="a suspicion is withdrawn"),
        pytest.param(S, S, None, id="a suspicion stays"),
        pytest.param(S, A, Step.RESOLVED, id="a suspicion is confirmed"),
        pytest.param(S, U, Step.UNOBSERVED, id="a suspicion goes out of sight"),
        pytest.param(U, P, Step.VERIFIED, id="what comes back into sight is verified and not opened again"),
        pytest.param(U, S, Step.SUSPECTED, id="what was out of sight keeps silent"),
        pytest.param(U, A, Step.RESOLVED, id="what was out of sight is proved absent"),
        pytest.param(U, U, None, id="what is out of sight stays so"),
        pytest.param(A, P, Step.REOPENED, id="what comes back is reopened"),
        pytest.param(A, S, None, id="what is resolved cannot be suspected of it"),
        pytest.param(A, A, None, id="what is resolved stays so"),
        pytest.param(A, U, None, id="what is resolved stays so while we are blind"),
    ],
)
def test_the_life_of_a_finding(before: Detection | None, after: Detection, taken: Step | None) -> None:
    assert step(before, after) is taken


@given(st.lists(st.sampled_from(Detection)))
def test_every_life_is_opened_once_and_reopened_only_after_it_was_resolved(said: list[Detection]) -> None:
    """As the store keeps it: where there is no step, the last detection stands."""
    stands: Detection | None = None
    steps: list[Step] = []
    for detection in said:
        taken = step(stands, detection)
        if taken is not None:
            stands = detection
            steps.append(taken)

    assert steps[:1] in ([], [Step.OPENED])
    assert Step.OPENED not in steps[1:]
    ends = [taken for taken in steps if taken in (Step.OPENED, Step.RESOLVED, Step.REOPENED)]
    for one, two in pairwise(ends):
        assert two is (Step.REOPENED if one is Step.RESOLVED else Step.RESOLVED)


def test_severities_rank_from_critical_down() -> None:
    assert {severity.value: severity.rank for severity in Severity} == {
        "critical": 4,
        "high": 3,
        "medium": 2,
        "low": 1,
        "info": 0,
    }


@pytest.mark.parametrize(
    ("severity", "steps", "raised"),
    [
        (Severity.MEDIUM, 1, Severity.HIGH),
        (Severity.MEDIUM, -1, Severity.LOW),
        (Severity.MEDIUM, 0, Severity.MEDIUM),
        (Severity.HIGH, 1, Severity.CRITICAL),
        (Severity.HIGH, 2, Severity.CRITICAL),
        (Severity.CRITICAL, 1, Severity.CRITICAL),
        (Severity.LOW, -1, Severity.INFO),
        (Severity.LOW, -2, Severity.INFO),
        (Severity.INFO, -1, Severity.INFO),
        (Severity.INFO, 9, Severity.CRITICAL),
    ],
)
def test_a_severity_is_raised_between_info_and_critical(severity: Severity, steps: int, raised: Severity) -> None:
    assert severity.raised(steps) is raised


def test_a_severity_is_raised_by_one_unless_told() -> None:
    assert Severity.LOW.raised() is Severity.MEDIUM


def test_risk_is_the_severity_weighed_by_how_much_the_asset_matters() -> None:
    assert [risk(severity) for severity in Severity] == [90.0, 70.0, 40.0, 20.0, 5.0]
    assert [risk(Severity.MEDIUM, word) for word in ("low", "normal", "high", "critical")] == [32.0, 40.0, 48.0, 56.0]
    assert risk(Severity.MEDIUM, "a word that nobody declared") == 40.0


def test_risk_ends_at_a_hundred() -> None:
    assert risk(Severity.CRITICAL, "critical") == 100.0
    assert risk(Severity.HIGH, "critical") == 98.0


@pytest.mark.parametrize("severity", Severity)
def test_risk_has_one_decimal_wherever_it_is_printed(severity: Severity) -> None:
    assert str(risk(severity)).endswith(".0")
