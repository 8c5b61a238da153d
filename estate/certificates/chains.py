"""Judge a chain: does it lead to a root we trust, is it fit for this host at this moment, and if not, why not."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from estate.certificates.certificate import Certificate
from estate.certificates.fitness import Told, judge_path
from estate.certificates.paths import Path, Ways, find_paths, is_self_signed
from estate.certificates.signatures import Signed
from estate.certificates.trust import TrustStore
from estate.certificates.verdicts import HARMLESS_TO_TRUST, ChainVerdict, Problem
from estate.errors import BadReport


def judge_chain(
    chain: Sequence[Certificate],
    name: str | None,
    now: datetime,
    roots: TrustStore,
    extra_intermediates: Iterable[Certificate] = (),
    revoked: Collection[str] = (),
) -> ChainVerdict:
    """Judge a chain as a client would that knows these roots, in the best of all paths that there are.

    Args:
        chain: as the server sent it, leaf first; the order of the rest is nobody's business.
        name: the host name or address that was asked for; None judges no name.
        now: the moment to judge at.
        roots: whom to trust.
        extra_intermediates: others that we know: a path over one of them is `completable`.
        revoked: sha256 of certificates whose issuer took them back.

    Raises:
        BadReport: a chain of no certificates.
    """
    if not chain:
        raise BadReport("a chain without certificates")
    ways = find_paths(chain, extra_intermediates, roots)
    if ways.whole:
        judged = min((_judge_whole(path, chain, now, roots, revoked) for path in ways.whole), key=_badness)
    else:
        judged = _judge_broken(ways, now, revoked)
    leaf = chain[0]
    if name is None or leaf.is_for(name):
        return judged
    shown = ", ".join(leaf.names[:5]) or "no host at all"
    mismatch = (Problem.NAME_MISMATCH, f"{leaf} is not for {name} but for {shown}")
    return replace(
        judged,
        name_matches=False,
        problems=judged.problems | {Problem.NAME_MISMATCH},
        explained=(*judged.explained, mismatch),
    )


def _judge_whole(
    path: Path, chain: Sequence[Certificate], now: datetime, roots: TrustStore, revoked: Collection[str]
) -> ChainVerdict:
    anchor = roots.anchor(path[-1])
    sent = set(chain)
    told = list(judge_path(path, anchor, now, revoked))
    fetched = [certificate for certificate in path[:-1] if certificate not in sent]
    if fetched:
        told.append((Problem.COMPLETABLE, f"the server does not send {fetched[0]}, which most browsers fetch or know"))
    return _verdict(path, told, anchor)


def _judge_broken(ways: Ways, now: datetime, revoked: Collection[str]) -> ChainVerdict:
    path = ways.furthest
    return _verdict(path, [*_explain_break(ways), *judge_path(path, "", now, revoked)], "")


def _explain_break(ways: Ways) -> Iterator[Told]:
    """Why the furthest path leads nowhere."""
    path = ways.furthest
    top = path[-1]
    if is_self_signed(top):
        if len(path) == 1:
            yield Problem.SELF_SIGNED, f"{top} is signed by itself and by no CA"
        else:
            yield Problem.UNKNOWN_CA, f"{top} is the root of it, and is not among those we trust"
    elif ways.broken is Signed.BAD or top.self_issued:
        yield Problem.BAD_SIGNATURE, f"{top} was not signed by the key of {top.issuer}"
    elif ways.broken is Signed.UNCHECKED:
        how = " ".join((top.signature.algorithm or "an unknown algorithm", top.signature.hash)).strip()
        yield Problem.BAD_SIGNATURE, f"the signature of {top} ({how}) cannot be checked"
    elif len(path) == 1:
        yield Problem.INCOMPLETE, f"nobody we know is {top.issuer}, which issued {top}, and the server sends no more"
    else:
        yield Problem.UNKNOWN_CA, f"the path ends at {top}: its issuer {top.issuer} is not among those we trust"


def _verdict(path: Path, told: Sequence[Told], anchor: str) -> ChainVerdict:
    leaf = path[0]
    problems = frozenset(problem for problem, _ in told)
    needed = path[:-1] if anchor and len(path) > 1 else path
    return ChainVerdict(
        trusted=bool(anchor) and not problems - HARMLESS_TO_TRUST,
        problems=problems,
        name_matches=True,
        key_kind=leaf.key.kind,
        key_bits=leaf.key.bits,
        rsa_equivalent_bits=leaf.key.rsa_equivalent_bits,
        signature_hash=leaf.signature.hash,
        expires=min(certificate.not_after for certificate in needed),
        path=tuple(certificate.sha256 for certificate in path),
        explained=tuple(dict.fromkeys(told)),
        rsa_exponent=leaf.key.exponent if leaf.key.kind == "RSA" else 0,
        anchor=anchor,
    )


def _badness(verdict: ChainVerdict) -> tuple[int, int, float]:
    """The best path is the one with the fewest real problems, then without fetching anything, then the longest."""
    ends = verdict.expires.timestamp() if verdict.expires else 0.0
    return len(verdict.problems - HARMLESS_TO_TRUST), len(verdict.problems), -ends
