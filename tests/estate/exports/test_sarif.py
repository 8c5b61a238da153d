import json

from estate.assets import Asset
from estate.exports.sarif import render_sarif
from estate.findings import Detection, Rule, Ruling, Severity

RULE = Rule("image", "image-secret", "The image holds a secret", "Call it back.")


def ruling(locator: str, severity: Severity = Severity.HIGH, evidence: str = "seen") -> Ruling:
    return Ruling(RULE, Asset("image", "lab/app"), locator, severity, Detection.PRESENT, "a secret", evidence)


def rendered(*rulings: Ruling, reasons=(), unseen=(), accepted=None):
    (run,) = json.loads(render_sarif("0.1.0", "lab/app \x1b", rulings, reasons, unseen, accepted or {}))["runs"]
    return run


def test_each_finding_is_a_result_with_its_rule_level_and_fingerprint():
    run = rendered(ruling("secret/a"), ruling("secret/b", Severity.LOW), accepted={"secret/b": "a test's"})
    assert [one["level"] for one in run["results"]] == ["error", "note"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["image-secret"]
    assert run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == "8.0"
    assert run["results"][0]["partialFingerprints"]["roundsman/v1"].startswith("f1:")
    assert run["results"][1]["suppressions"] == [{"kind": "external", "justification": "a test's"}]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "lab/app%20%1B"


def test_reasons_are_results_and_blindness_is_no_success():
    assert rendered()["results"] == []
    assert rendered()["invocations"][0]["executionSuccessful"] is True
    run = rendered(reasons=("it is not signed",), unseen=("no database",))
    assert run["results"][0]["message"] == {"text": "it is not signed"}
    assert run["invocations"][0]["executionSuccessful"] is False


def test_a_stranger_makes_no_link():
    run = rendered(ruling("secret/a", evidence="[click](https://evil.example)"))
    assert run["results"][0]["message"]["text"] == "a secret: \\[click\\](https://evil.example)"
