from estate.assets import Asset, host
from estate.findings import Detection, Severity, fingerprint
from estate.tls.caps import CAPS
from estate.tls.keys import key_of
from estate.tls.rules import FOUND, RULES, WEAKNESSES, finding

WEB = host("web-7.example")


def test_every_weakness_is_told_with_remedy_and_sources():
    for weakness in WEAKNESSES.values():
        assert weakness.rule.title
        assert weakness.rule.remediation.endswith(".")
        assert weakness.rule.refs
        assert all(ref.startswith("https://") for ref in weakness.rule.refs)


def test_every_rule_of_the_endpoint_is_a_finding_but_those_that_others_tell():
    of_endpoints = {cap.rule for cap in CAPS if cap.applies.__module__.endswith("endpoint_caps")}
    told = {name for _, name in RULES}
    assert of_endpoints - told == {"ssl3-best", "rc4-only", "poodle", "no-hsts-possible"}
    assert told - of_endpoints == {"renegotiation-flood", "ssllabs-differs"}
    assert len(RULES) == len(WEAKNESSES) + 1


def test_an_offered_version_is_a_finding_with_its_suites_as_evidence():
    key = key_of(443, "a.example", "protocol/TLS1.1")
    ruling = finding(WEB, key, (("suites", "TLS_X"),), Detection.PRESENT)
    assert ruling is not None
    assert (ruling.rule.name, ruling.severity, ruling.locator) == ("tls11-offered", Severity.MEDIUM, key)
    assert ruling.subject == "TLS 1.1 is offered on web-7.example:443 as a.example"
    assert ruling.evidence == "TLS_X"
    assert ruling.fingerprint == fingerprint("tls", "tls11-offered", WEB, "tls/443/a.example/protocol/TLS1.1")


def test_a_name_that_is_the_assets_own_is_not_repeated():
    for name in (None, "web-7.example"):
        ruling = finding(WEB, key_of(443, name, "check/robot"), (), Detection.ABSENT)
        assert ruling is not None
        assert ruling.subject == "ROBOT on web-7.example:443"
        assert ruling.detection is Detection.ABSENT


def test_a_weakness_tells_what_was_found():
    ruling = finding(WEB, key_of(25, None, "weakness/no-forward-secrecy"), ((FOUND, "gets RSA"),), Detection.PRESENT)
    assert ruling is not None
    assert ruling.evidence == "gets RSA"


def test_features_and_foreign_keys_are_no_findings():
    for key in (
        "tls/443/-/grade",
        "tls/443/-/protocol/TLS1.3",
        "tls/443/-/check/session_tickets",
        "tcp/443",
        "tls/443",
    ):
        assert finding(WEB, key, (), Detection.PRESENT) is None


def test_the_same_weakness_of_two_names_is_two_findings():
    found = {
        finding(asset, key_of(443, name, "check/robot"), (), Detection.PRESENT).fingerprint  # type: ignore[union-attr]  # Findings.
        for asset in (WEB, Asset("host", "10.0.0.1", "dmz"))
        for name in ("a.example", "b.example")
    }
    assert len(found) == 4
