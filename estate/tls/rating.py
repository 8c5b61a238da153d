"""The grade of one endpoint, with the exact rules that made it; where an unknown could change it, there is none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from estate.certificates.verdicts import ChainVerdict
from estate.text import printable
from estate.tls.advice import Advice, advise
from estate.tls.caps import CAPS, CRITERIA, NOT_TESTED, NOT_TESTED_WITH_CBC, Cap, worst
from estate.tls.case import Blind, Case
from estate.tls.evidence import VERSIONS, TlsEvidence
from estate.tls.mozilla import Compliance, compare
from estate.tls.scores import Scores, letter, score
from estate.tls.suites import is_cbc

_NOT_TLS = {
    "refused": "the port is closed",
    "unreachable": "out of reach",
    "silent": "accepts and stays silent",
    "reset": "resets the connection",
    "plaintext": "speaks, but no TLS",
    "garbage": "answers with something that is no TLS",
    "starttls-refused": "refuses STARTTLS",
}
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that applies, what it does to the grade, and the evidence for it."""

    rule: str
    effect: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Rating:
    """What the guide says of an endpoint.

    `grade` is None wherever a missing part could change it, and `not_gradable` says which; `at_best` is the grade that
    the known parts leave possible. `missing` are the parts that stand in the way, `blind` all that rules ask for and
    that nobody saw.
    """

    grade: str | None
    grade_trust_ignored: str | None
    not_gradable: str
    at_best: str | None
    scores: Scores
    reasons: tuple[Reason, ...]
    advice: tuple[Advice, ...]
    mozilla: Mapping[str, Compliance]
    missing: tuple[Blind, ...] = ()
    blind: tuple[Blind, ...] = ()
    not_tested: tuple[str, ...] = ()
    criteria: str = CRITERIA


@dataclass(frozen=True, slots=True)
class _Judged:
    """The grade that holds, if one does, the best that is possible, and which missing parts stand in the way."""

    grade: str | None
    at_best: str
    missing: tuple[Blind, ...]


def rate(evidence: TlsEvidence, chain: ChainVerdict | None, now: datetime) -> Rating:
    """Grade an endpoint by SSL Labs' guide.

    Args:
        evidence: one look at the endpoint.
        chain: the weakest of the chains that it served (see `weakest_chain`), or None where none is known.
        now: what an expiry is measured against.
    """
    if evidence.certificates.state == "blind":
        chain = None
    why = _why_not_tls(evidence)
    if why:
        return Rating(None, None, f"not gradable: {why}", None, Scores(), (), (), {})
    case = Case(evidence, chain, now)
    scores = score(case)
    answers = [(cap, cap.applies(case)) for cap in CAPS]
    fired = [(cap, found) for cap, found in answers if isinstance(found, str) and found]
    unknown = [(cap, found) for cap, found in answers if isinstance(found, Blind)]
    whole = _judge([cap for cap, _ in fired], unknown, scores)
    aside = _judge(
        [cap for cap, _ in fired if not cap.of_trust], [each for each in unknown if not each[0].of_trust], scores
    )
    reasons = [Reason(cap.rule, cap.effect, found) for cap, found in fired]
    if scores.total is not None and scores.total < 80:
        reasons.append(Reason("score", f"is {letter(scores.total)}", f"the scores add up to {scores.total} of 100"))
    return Rating(
        whole.grade,
        aside.grade,
        "" if whole.grade else f"not gradable: {_listed(whole.missing)}",
        whole.at_best,
        scores,
        tuple(reasons),
        advise(reason.rule for reason in reasons),
        compare(case),
        whole.missing,
        tuple(dict.fromkeys((*(found for _, found in unknown), *scores.hidden))),
        NOT_TESTED + (NOT_TESTED_WITH_CBC if _may_use_cbc(case) else ()),
    )


def _judge(fired: Sequence[Cap], unknown: Sequence[tuple[Cap, Blind]], scores: Scores) -> _Judged:
    """Answer every unknown for the best and for the worst: where that makes no difference, the grade is known."""
    known = [cap.grade for cap in fired]
    if scores.total is not None and scores.total < 80:
        known.append(letter(scores.total))
    best = worst(known)
    hidden = [(cap.grade, blind) for cap, blind in unknown]
    if scores.total is None:
        hidden += [("F", blind) for blind in scores.hidden]
    missing = tuple(dict.fromkeys(blind for grade, blind in hidden if worst((best, grade)) != best))
    return _Judged(None if missing else best, best, missing)


def _why_not_tls(evidence: TlsEvidence) -> str:
    hello = evidence.hello
    states = [evidence.protocol(version).state for version in VERSIONS]
    # A server that our hello does not please may still take another one.
    if hello.outcome != "tls" and "offered" not in states:
        detail = f" ({printable(hello.detail, 120)})" if hello.detail else ""
        return _NOT_TLS[hello.outcome] + detail
    if evidence.asked.profile == "certificate":
        return "only the certificate was asked for"
    if set(states) == {"not-offered"}:
        alert = f" ({printable(hello.alert, 60)})" if hello.alert else ""
        return f"refuses every version of the protocol{alert}"
    return ""


def _listed(missing: Iterable[Blind]) -> str:
    parts = [str(part) for part in missing]
    more = f", and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return "could not determine " + ", ".join(parts[:_NAMED]) + more


def _may_use_cbc(case: Case) -> bool:
    return case.unlisted is not None or any(is_cbc(suite.name) for _, suite in case.suites)


def weakest_chain(chains: Iterable[ChainVerdict]) -> ChainVerdict | None:
    """One verdict for an endpoint with several chains (RSA and ECDSA): whatever is wrong with any of them is wrong."""
    found = sorted(chains, key=lambda chain: (chain.rsa_equivalent_bits, chain.key_kind, chain.path))
    if len(found) < 2:
        return found[0] if found else None
    weakest = found[0]
    return ChainVerdict(
        trusted=all(chain.trusted for chain in found),
        problems=frozenset().union(*(chain.problems for chain in found)),
        name_matches=all(chain.name_matches for chain in found),
        key_kind=weakest.key_kind,
        key_bits=weakest.key_bits,
        rsa_equivalent_bits=weakest.rsa_equivalent_bits,
        signature_hash=min((chain.signature_hash for chain in found), key=_hash_rank),
        expires=min((chain.expires for chain in found if chain.expires is not None), default=None),
        path=weakest.path,
        explained=tuple(dict(pair for chain in reversed(found) for pair in chain.explained).items()),
        rsa_exponent=min((chain.rsa_exponent for chain in found if chain.rsa_exponent), default=0),
    )


def _hash_rank(name: str) -> int:
    return _HASHES.index(name.lower()) if name.lower() in _HASHES else len(_HASHES)


_HASHES = ("md2", "md4", "md5", "sha1")
"""The weak ones, weakest first."""
