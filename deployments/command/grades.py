"""A graded endpoint as the plain object that `--json` prints."""

from typing import TypedDict

from estate.store.documents import iso
from estate.tls.evidence import TlsEvidence
from estate.tls.judging import Judged


class ReasonObject(TypedDict):
    """A rule that made the grade."""

    rule: str
    effect: str
    evidence: str


class AdviceObject(TypedDict):
    """What to change."""

    rules: list[str]
    text: str
    snippets: dict[str, str]


class ComplianceObject(TypedDict):
    """How the endpoint compares with one of Mozilla's guidelines."""

    ok: bool | None
    issues: list[str]


class LeafObject(TypedDict):
    """The certificate that was served."""

    sha256: str
    subject: str
    names: list[str]
    issuer: str
    not_before: str
    not_after: str
    key: str
    trusted: bool
    problems: list[str]


class GradeObject(TypedDict):
    """A graded endpoint; `grade` is null where `not_gradable` says why."""

    address: str
    port: int
    name: str | None
    starttls: str | None
    outcome: str
    grade: str | None
    grade_trust_ignored: str | None
    not_gradable: str
    at_best: str | None
    criteria: str
    reasons: list[ReasonObject]
    scores: dict[str, int | float | None]
    advice: list[AdviceObject]
    mozilla: dict[str, ComplianceObject]
    certificate: LeafObject | None
    not_tested: list[str]
    seconds: float


def grade_object(evidence: TlsEvidence, judged: Judged) -> GradeObject:
    """All that is known of the endpoint's grade."""
    asked, rating = evidence.asked, judged.rating
    return {
        "address": asked.address,
        "port": asked.port,
        "name": asked.name,
        "starttls": asked.starttls,
        "outcome": evidence.hello.outcome,
        "grade": rating.grade,
        "grade_trust_ignored": rating.grade_trust_ignored,
        "not_gradable": rating.not_gradable,
        "at_best": rating.at_best,
        "criteria": rating.criteria,
        "reasons": [{"rule": r.rule, "effect": r.effect, "evidence": r.evidence} for r in rating.reasons],
        "scores": {
            "protocol": rating.scores.protocol,
            "key_exchange": rating.scores.key_exchange,
            "cipher": rating.scores.cipher,
            "total": rating.scores.total,
        },
        "advice": [{"rules": list(a.rules), "text": a.text, "snippets": dict(a.snippets)} for a in rating.advice],
        "mozilla": {name: {"ok": c.ok, "issues": list(c.issues)} for name, c in rating.mozilla.items()},
        "certificate": _leaf(judged),
        "not_tested": list(rating.not_tested),
        "seconds": evidence.seconds,
    }


def _leaf(judged: Judged) -> LeafObject | None:
    if judged.chain is None or not judged.leaves:
        return None
    leaf = judged.leaves[0]
    return {
        "sha256": leaf.sha256,
        "subject": str(leaf),
        "names": list(leaf.names[:100]),
        "issuer": leaf.issuer.shown,
        "not_before": iso(leaf.not_before),
        "not_after": iso(leaf.not_after),
        "key": f"{judged.chain.key_kind} {judged.chain.key_bits}",
        "trusted": judged.chain.trusted,
        "problems": sorted(problem.value for problem in judged.chain.problems),
    }
