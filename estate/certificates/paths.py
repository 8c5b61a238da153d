"""Find every way from a leaf to a root we trust, by names and signatures alone; their fitness is judged later."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from estate.certificates.certificate import Certificate
from estate.certificates.names import Canonical
from estate.certificates.signatures import Signed, check
from estate.certificates.trust import TrustStore

Path = tuple[Certificate, ...]

_DEEPEST = 10
_MOST_PATHS = 32
_MOST_SENT = 100
_MOST_CHECKS = 400
"""A hostile chain can be cross-signed a thousand ways; no honest one needs a tenth of this."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What the search found: whole paths from leaf to anchor, or else how far it came.

    `broken` says why the furthest path has no next certificate although an issuer of that name is there: its key did
    not make the signature (`BAD`), or we cannot check one of this kind (`UNCHECKED`).
    """

    whole: tuple[Path, ...]
    furthest: Path
    broken: Signed | None


def find_paths(chain: Sequence[Certificate], extra: Iterable[Certificate], roots: TrustStore) -> Ways:
    """Search over what the server sent, in any order, over other intermediates that we know, and over the roots."""
    search = _Search(chain, extra, roots)
    whole: list[Path] = []
    for path in search.from_here((chain[0],)):
        whole.append(path)
        if len(whole) == _MOST_PATHS:
            break
    return Ways(tuple(whole), search.furthest, search.broken)


def is_self_signed(certificate: Certificate) -> bool:
    """Whether it names itself as issuer, and its own key does not disprove it."""
    return certificate.self_issued and check(certificate, certificate.key) is not Signed.BAD


class _Search:
    def __init__(self, chain: Sequence[Certificate], extra: Iterable[Certificate], roots: TrustStore) -> None:
        self.furthest: Path = (chain[0],)
        self.broken: Signed | None = None
        self._roots = roots
        self._checks = 0
        self._by_subject: dict[Canonical, list[Certificate]] = {}
        for certificate in dict.fromkeys((*chain[:_MOST_SENT], *extra)):
            self._by_subject.setdefault(certificate.subject.canonical, []).append(certificate)

    def from_here(self, path: Path) -> Iterator[Path]:
        """Whole paths that begin so, those over the roots first."""
        top = path[-1]
        if self._roots.anchor(top):
            yield path
            return
        broken: Signed | None = None
        dead_end = True
        for issuer in self._issuers(path) if len(path) < _DEEPEST else ():
            signed = self._check(top, issuer)
            if signed is Signed.GOOD:
                dead_end = False
                yield from self.from_here((*path, issuer))
            elif _is_meant(top, issuer):
                broken = signed
        if dead_end and (len(path) > len(self.furthest) or path == self.furthest):
            self.furthest, self.broken = path, broken

    def _issuers(self, path: Path) -> Iterator[Certificate]:
        """Certificates that bear the issuer's name, none whose name and key the path has already: that would circle."""
        top = path[-1]
        known = {(one.subject.canonical, one.key.spki_sha256) for one in path}
        candidates = (*self._roots.issuers(top), *self._by_subject.get(top.issuer.canonical, ()))
        for issuer in dict.fromkeys(candidates):
            if (issuer.subject.canonical, issuer.key.spki_sha256) not in known:
                yield issuer

    def _check(self, certificate: Certificate, issuer: Certificate) -> Signed:
        self._checks += 1
        return check(certificate, issuer.key) if self._checks <= _MOST_CHECKS else Signed.UNCHECKED


def _is_meant(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the certificate means this issuer, and not another of the same name: their key identifiers agree."""
    wanted, there = certificate.authority_key_id, issuer.subject_key_id
    return wanted is None or there is None or wanted == there
