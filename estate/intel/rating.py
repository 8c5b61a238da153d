"""How bad a known vulnerability is: the record's own word, then attacks that are known, then how likely they are.

The steps: KEV makes it critical; EPSS of a half and more at least high, and critical from CVSS 7 on; EPSS of a tenth
raises it by one. https://www.first.org/epss/ and https://www.cisa.gov/known-exploited-vulnerabilities-catalog.
"""

from collections.abc import Iterable, Mapping

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

from estate.findings import Severity
from estate.intel.osv import Record

_URGENCY: Mapping[str, Severity] = {
    "unimportant": Severity.INFO,
    "low": Severity.LOW,
    "low**": Severity.LOW,
    "medium": Severity.MEDIUM,
    "medium**": Severity.MEDIUM,
    "high": Severity.HIGH,
    "high**": Severity.HIGH,
}
_WORDS: Mapping[str, Severity] = {
    "negligible": Severity.INFO,
    "unimportant": Severity.INFO,
    "low": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
_LIKELY, _RAISED = 0.5, 0.1


def score_of(records: Iterable[Record]) -> float | None:
    """The CVSS base score, of the newest version that is there and then the highest; None where there is none."""
    best: tuple[int, float] | None = None
    for record in records:
        for kind, vector in record.severity:
            scored = _score(kind, vector)
            if scored is not None and (best is None or scored > best):
                best = scored
    return best[1] if best else None


def _score(kind: str, vector: str) -> tuple[int, float] | None:
    try:
        if kind == "CVSS_V4":
            return 4, float(CVSS4(vector).base_score)
        if kind == "CVSS_V3":
            return 3, float(CVSS3(vector).base_score)
        if kind == "CVSS_V2":
            return 2, float(CVSS2(vector).base_score)
    except (CVSSError, ValueError, KeyError, TypeError):
        return None
    return None


def severity_of_score(score: float) -> Severity:
    """CVSS's own words (https://www.first.org/cvss/v3.1/specification-document, section 5)."""
    steps = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for least, severity in steps if score >= least), Severity.INFO)


def base_severity(records: Iterable[Record], urgencies: Iterable[str]) -> Severity:
    """By score, else by the distribution's word; what nobody rated is medium. `unimportant` goes before all."""
    words = [word.lower() for word in urgencies if word]
    if "unimportant" in words:
        return Severity.INFO
    found = list(records)
    score = score_of(found)
    if score is not None:
        return severity_of_score(score)
    rated = [_URGENCY[word] for word in words if word in _URGENCY]
    rated += [_WORDS[word.lower()] for record in found for _, word in record.severity if word.lower() in _WORDS]
    return max(rated, key=lambda severity: severity.rank, default=Severity.MEDIUM)


def rate(base: Severity, score: float | None, *, exploited: bool, epss: float | None, fixable: bool) -> Severity:
    """The severity in the light of attacks."""
    if exploited:
        return Severity.CRITICAL
    rated = base
    if epss is not None and epss >= _LIKELY:
        rated = Severity.CRITICAL if (score or 0.0) >= 7 else max(rated, Severity.HIGH, key=lambda one: one.rank)
    elif epss is not None and epss >= _RAISED:
        rated = rated.raised()
    return rated if fixable else min(rated, Severity.MEDIUM, key=lambda one: one.rank)
