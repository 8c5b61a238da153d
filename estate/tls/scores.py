"""The three scores of SSL Labs' rating guide, their weighted sum, and the letter that the sum alone would give."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from estate.tls.case import Blind, Case
from estate.tls.chain_caps import unmeasured
from estate.tls.evidence import VERSIONS, Version
from estate.tls.suites import is_anonymous, is_export, strength

_PROTOCOL: Mapping[Version, int] = {
    "SSL2": 0,
    "SSL3": 80,
    "TLS1.0": 90,
    "TLS1.1": 95,
    "TLS1.2": 100,
    "TLS1.3": 100,
}
"""The guide's table never got a row for TLS 1.3; testssl.sh counts it like TLS 1.2."""

_LETTERS = ((80, "A"), (65, "B"), (50, "C"), (35, "D"), (20, "E"))
_EXPORT = 40


@dataclass(frozen=True, slots=True)
class Scores:
    """0 to 100 each; None where a part that it needs is missing."""

    protocol: int | None = None
    key_exchange: int | None = None
    cipher: int | None = None
    total: int | None = None
    hidden: tuple[Blind, ...] = ()


def score(case: Case) -> Scores:
    """Score one endpoint; a category at 0 makes the total 0."""
    protocol, cipher = _protocols(case), _ciphers(case)
    key_exchange = _key_exchange(case)
    hidden = tuple(dict.fromkeys(part for part in (protocol, key_exchange, cipher) if isinstance(part, Blind)))
    if isinstance(protocol, Blind) or isinstance(key_exchange, Blind) or isinstance(cipher, Blind):
        return Scores(
            None if isinstance(protocol, Blind) else protocol // 2,
            None if isinstance(key_exchange, Blind) else key_exchange,
            None if isinstance(cipher, Blind) else cipher // 2,
            hidden=hidden,
        )
    # Best and worst are still to be halved: 30 %, 30 % and 40 % of whole numbers, rounded down once.
    total = (15 * protocol + 30 * key_exchange + 20 * cipher) // 100 if protocol and key_exchange and cipher else 0
    return Scores(protocol // 2, key_exchange, cipher // 2, total)


def letter(total: int) -> str:
    """The letter of a total, before any rule caps it."""
    return next((grade for least, grade in _LETTERS if total >= least), "F")


def _protocols(case: Case) -> int | Blind:
    """Best plus worst."""
    hidden = case.unknown(*VERSIONS)
    if hidden is not None:
        return hidden
    found = [_PROTOCOL[version] for version in case.offered]
    return max(found, default=0) + min(found, default=0)


def _key_exchange(case: Case) -> int | Blind:
    if case.chain is None and case.shows_no_certificate:
        return 0
    if case.chain is None:
        return Blind("certificates", case.evidence.certificates.reason)
    if unmeasured(case.chain):
        return Blind("certificate key", "of a kind that we do not know")
    ephemeral, hidden = case.ephemeral_bits
    if hidden is not None:
        return hidden
    found = [_key(case.chain.rsa_equivalent_bits)]
    if ephemeral is not None:
        found.append(_key(ephemeral))
    for _, suite in case.suites:
        if is_anonymous(suite):
            found.append(0)
        elif is_export(suite.name):
            found.append(_EXPORT)
    return min(found)


def _key(bits: int) -> int:
    if bits < 512:
        return 20
    if bits < 1024:
        return 40
    if bits < 2048:
        return 80
    return 90 if bits < 4096 else 100


def _ciphers(case: Case) -> int | Blind:
    """Strongest plus weakest."""
    if case.unlisted is not None:
        return case.unlisted
    found = list(_strengths(strength(suite) for _, suite in case.suites))
    return max(found, default=0) + min(found, default=0)


def _strengths(bits: Iterable[int]) -> Iterable[int]:
    for size in bits:
        yield 0 if size == 0 else 20 if size < 128 else 80 if size < 256 else 100
