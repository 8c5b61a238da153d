"""A judged problem: how it is recognised again, how bad it is, and where its life stands."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from estate.assets import Asset


class Severity(StrEnum):
    """How bad, in the five words that every sink knows."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """4 for critical down to 0 for info."""
        return 4 - list(Severity).index(self)

    def raised(self, steps: int = 1) -> "Severity":
        """So many steps worse (better where negative), between critical and info."""
        return list(Severity)[min(4, max(0, 4 - self.rank - steps))]


class Detection(StrEnum):
    """What evidence says of a finding today; a person's opinion is on the triage axis."""

    PRESENT = "present"
    SUSPECTED_ABSENT = "suspected_absent"
    ABSENT = "absent"
    UNOBSERVED = "unobserved"


class Triage(StrEnum):
    """What a person thinks of a finding."""

    NEW = "new"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    FALSE_POSITIVE = "false_positive"


class Step(StrEnum):
    """The steps in a finding's life, each of which names the run that proves it."""

    OPENED = "opened"
    VERIFIED = "verified"
    SUSPECTED = "suspected"
    UNOBSERVED = "unobserved"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    RERATED = "rerated"


def fingerprint(namespace: str, rule: str, asset: Asset, locator: str) -> str:
    """The identity of a finding: never its text, severity, versions, times or order.

    JSON and not concatenation, so that "ab" + "c" differs from "a" + "bc".
    """
    spelled = json.dumps([1, namespace, rule, asset.identity, locator], separators=(",", ":"))
    return "f1:" + hashlib.sha256(spelled.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule is, independent of where it fires."""

    namespace: str
    name: str
    title: str
    remediation: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule's word on one asset and locator, from the facts of one run."""

    rule: Rule
    asset: Asset
    locator: str
    severity: Severity
    detection: Detection
    subject: str
    evidence: str

    @property
    def fingerprint(self) -> str:
        """See `fingerprint()`."""
        return fingerprint(self.rule.namespace, self.rule.name, self.asset, self.locator)


def step(before: Detection | None, after: Detection) -> Step | None:
    """The step between two detections, or None where nothing is to tell.

    Only a presence begins a life, or begins it again: what was never seen or is resolved stays so while we are blind.
    """
    alive = before not in (None, Detection.ABSENT)
    if before is after or not (alive or after is Detection.PRESENT):
        return None
    if after is Detection.PRESENT:
        if before is None:
            return Step.OPENED
        return Step.REOPENED if before is Detection.ABSENT else Step.VERIFIED
    return {
        Detection.SUSPECTED_ABSENT: Step.SUSPECTED,
        Detection.UNOBSERVED: Step.UNOBSERVED,
        Detection.ABSENT: Step.RESOLVED,
    }[after]


_RISK = {
    Severity.CRITICAL: 90.0,
    Severity.HIGH: 70.0,
    Severity.MEDIUM: 40.0,
    Severity.LOW: 20.0,
    Severity.INFO: 5.0,
}
_CRITICALITY = {"low": 0.8, "normal": 1.0, "high": 1.2, "critical": 1.4}


@lru_cache(maxsize=64)
def risk(severity: Severity, criticality: str = "normal") -> float:
    """0 to 100: the severity's share, weighed by how much the asset matters."""
    return round(min(100.0, _RISK[severity] * _CRITICALITY.get(criticality, 1.0)), 1)
