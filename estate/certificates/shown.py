"""One chain as one place shows it, with our judgement of it: what rules and facts are made from."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from estate.certificates.certificate import Certificate
from estate.certificates.chains import judge_chain
from estate.certificates.ocsp import Staple, StapleVerdict, judge_staple
from estate.certificates.trust import MOZILLA, TrustStore
from estate.certificates.verdicts import ChainVerdict

FILE = "file"
"""The place of what was read from a disk; every other place is the number of a port."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A chain with its verdict.

    `place` is a port's number, or `file`; `name` what was asked for there (SNI, or none), or the file's path.
    `path` are the certificates in use, leaf first. `staple` is None where none came; a file has none to show.
    """

    place: str
    name: str | None
    chain: tuple[Certificate, ...]
    path: tuple[Certificate, ...]
    verdict: ChainVerdict
    now: datetime
    staple: StapleVerdict | None = None
    private_limit: int | None = None

    @property
    def leaf(self) -> Certificate:
        """What it is all about."""
        return self.chain[0]

    @property
    def served(self) -> bool:
        """Whether a server showed it."""
        return self.place != FILE

    @property
    def public(self) -> bool:
        """Whether the leaf's chain leads to one of Mozilla's roots, so that the public's rules hold for it."""
        return self.verdict.anchor == MOZILLA


def show(
    place: str,
    name: str | None,
    chain: Sequence[Certificate],
    now: datetime,
    roots: TrustStore,
    *,
    host: str | None = None,
    extra_intermediates: Iterable[Certificate] = (),
    staple: bytes | None = None,
    revoked: Collection[str] = (),
    private_limit: int | None = None,
) -> Shown:
    """Judge a chain where it was seen; a staple that says revoked, and is vouched for, counts.

    Args:
        place: a port's number, or `file`.
        name: the SNI that was sent, or the file's path.
        chain: as it was sent, leaf first.
        now: the moment to judge at.
        roots: whom to trust.
        host: the name or address that the leaf should be for; None judges no name.
        extra_intermediates: others that we know.
        staple: the OCSP response that came with it.
        revoked: sha256 of certificates that their issuers took back.
        private_limit: the longest life in days that the operator grants where no root is public.
    """
    extras = tuple(extra_intermediates)
    verdict = judge_chain(chain, host, now, roots, extras, revoked)
    known = {certificate.sha256: certificate for certificate in (*chain, *extras)}
    issuer = _issuer(verdict, known, roots, chain[0])
    told = None if staple is None else judge_staple(staple, chain[0], issuer, now)
    if told is not None and told.state is Staple.REVOKED:
        verdict = judge_chain(chain, host, now, roots, extras, {*revoked, chain[0].sha256})
    path = tuple(known[sha256] for sha256 in verdict.path if sha256 in known)
    return Shown(place, name, tuple(chain), path, verdict, now, told, private_limit)


def _issuer(
    verdict: ChainVerdict, known: dict[str, Certificate], roots: TrustStore, leaf: Certificate
) -> Certificate | None:
    """The certificate above the leaf on the path, which may be a root that nobody sent."""
    if len(verdict.path) < 2:
        return leaf if leaf.self_issued else None
    above = verdict.path[1]
    found = known.get(above)
    return found or next((root for root in roots.issuers(leaf) if root.sha256 == above), None)
