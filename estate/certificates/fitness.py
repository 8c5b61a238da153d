"""Whether a path is fit for a TLS server: dates, usages, lengths, constraints, and nothing weak or withdrawn on it."""

from collections.abc import Collection, Iterator
from datetime import datetime

from estate.certificates.certificate import Certificate
from estate.certificates.constraints import first_outside
from estate.certificates.distrust import distrusted
from estate.certificates.paths import Path
from estate.certificates.trust import OWN
from estate.certificates.verdicts import Problem

Told = tuple[Problem, str]

_BROKEN_HASHES = {"md2": Problem.MD5, "md4": Problem.MD5, "md5": Problem.MD5, "sha1": Problem.SHA1}
_SERVES = frozenset({"server-auth", "any"})
_SERVER_USAGES = frozenset({"digital-signature", "key-encipherment", "key-agreement"})


def judge_path(path: Path, anchor: str, now: datetime, revoked: Collection[str]) -> Iterator[Told]:
    """Everything that is wrong with a path, leaf first; `anchor` says which store its last certificate is from."""
    for depth, certificate in enumerate(path):
        anchored = bool(anchor) and depth == len(path) - 1
        yield from _judge_dates(certificate, now)
        if depth == 0 or not (anchored or certificate.self_issued):
            yield from _judge_strength(certificate, signed=not anchored)
        if certificate.unknown_critical and not anchored:
            yield Problem.WRONG_USAGE, f"{certificate} demands what we do not know: {certificate.unknown_critical[0]}"
        if certificate.sha256 in revoked:
            yield Problem.REVOKED, f"{certificate} was revoked by its issuer"
        if depth:
            yield from _judge_issuer(path, depth, anchored=anchored)
    yield from _judge_server(path[0])
    whom = distrusted(path) if anchor != OWN else ""
    if whom:
        yield Problem.DISTRUSTED, f"browsers do not trust {whom}"


def _judge_dates(certificate: Certificate, now: datetime) -> Iterator[Told]:
    if now < certificate.not_before:
        yield Problem.NOT_YET_VALID, f"{certificate} is valid from {certificate.not_before:%Y-%m-%d %H:%M} UTC on"
    if now > certificate.not_after:
        yield Problem.EXPIRED, f"{certificate} expired on {certificate.not_after:%Y-%m-%d %H:%M} UTC"


def _judge_strength(certificate: Certificate, *, signed: bool) -> Iterator[Told]:
    if certificate.key.weak:
        detail = " with exponent 1" if certificate.key.exponent == 1 else ""
        yield Problem.WEAK_KEY, f"{certificate} has a key of {certificate.key}{detail}"
    broken = _BROKEN_HASHES.get(certificate.signature.hash)
    if broken and signed:
        yield broken, f"{certificate} is signed with {certificate.signature.hash.upper()}"


def _judge_server(leaf: Certificate) -> Iterator[Told]:
    if leaf.purposes is not None and not leaf.purposes & _SERVES:
        yield Problem.WRONG_USAGE, f"{leaf} is not for servers but for {', '.join(sorted(leaf.purposes)) or 'nothing'}"
    if leaf.key_usages is not None and not leaf.key_usages & _SERVER_USAGES:
        yield Problem.WRONG_USAGE, f"the key of {leaf} may not be used to set up TLS"
    if leaf.precertificate:
        yield Problem.WRONG_USAGE, f"{leaf} is a precertificate, made for logs only"


def _judge_issuer(path: Path, depth: int, *, anchored: bool) -> Iterator[Told]:
    issuer = path[depth]
    usages = issuer.key_usages
    # A root is one because somebody put it into the store; older ones carry no constraints.
    may_sign = issuer.authority or (anchored and (issuer.version < 3 or (usages is not None and "cert-sign" in usages)))
    if not may_sign or (usages is not None and "cert-sign" not in usages):
        yield Problem.WRONG_USAGE, f"{issuer} may not issue certificates"
    if issuer.purposes is not None and not issuer.purposes & _SERVES:
        yield Problem.WRONG_USAGE, f"{issuer} may not issue certificates for servers"
    between = sum(not certificate.self_issued for certificate in path[1:depth])
    if issuer.path_length is not None and between > issuer.path_length:
        yield Problem.PATH_LENGTH, f"{issuer} allows {issuer.path_length} CAs below it, here are {between}"
    outside = first_outside(issuer, path[:depth])
    if outside:
        yield Problem.WRONG_USAGE, f"{issuer} may not vouch for {outside}"
