"""Findings as SARIF, which code hosts show beside the code.

Schema: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from estate.findings import Ruling, Severity

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
"""By which GitHub sorts (`security-severity`)."""
_REFUSED = "image-refused"


def render_sarif(
    version: str,
    place: str,
    rulings: Iterable[Ruling],
    reasons: Sequence[str],
    unseen: Sequence[str],
    accepted: Mapping[str, str],
) -> str:
    """One log with one run.

    Args:
        version: Roundsman's.
        place: what was looked at.
        rulings: what was found.
        reasons: why it is refused as a whole.
        unseen: what could not be looked at; then the run was no success.
        accepted: reasons for accepted risks, by locator.
    """
    found = list(rulings)
    rules = {
        one.rule.name: {
            "id": one.rule.name,
            "shortDescription": {"text": one.rule.title},
            "help": {"text": one.rule.remediation},
            "properties": {"tags": ["security"], "security-severity": _SCORES[one.severity]},
        }
        for one in sorted(found, key=lambda one: one.severity.rank)
    }
    if reasons:
        title = "The image is refused by the policy of the gate"
        rules[_REFUSED] = {"id": _REFUSED, "shortDescription": {"text": title}}
    where = {"physicalLocation": {"artifactLocation": {"uri": quote(place, safe="/")}}}
    results = [
        {
            "ruleId": one.rule.name,
            "level": _LEVELS[one.severity],
            "message": _message(": ".join(word for word in (one.subject, one.evidence) if word)),
            "locations": [{**where, "logicalLocations": [{"fullyQualifiedName": one.locator}]}],
            "partialFingerprints": {"roundsman/v1": one.fingerprint},
            **(
                {"suppressions": [{"kind": "external", "justification": accepted[one.locator]}]}
                if one.locator in accepted
                else {}
            ),
        }
        for one in found
    ]
    results += [
        {"ruleId": _REFUSED, "level": "error", "message": _message(reason), "locations": [where]} for reason in reasons
    ]
    notes = [{"level": "error", "message": _message(words)} for words in unseen]
    run = {
        "tool": {"driver": {"name": "Roundsman", "version": version, "rules": list(rules.values())}},
        "invocations": [{"executionSuccessful": not unseen, "toolExecutionNotifications": notes}],
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _message(text: str) -> dict[str, str]:
    """Viewers make links of `[words](place)`, which nobody who names a package shall make."""
    return {"text": text.replace("](", "\\](").replace("[", "\\[") if "](" in text else text}
