"""Whom we trust: Mozilla's roots, and the operator's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import certifi

from estate.certificates.certificate import Certificate
from estate.certificates.names import Canonical
from estate.certificates.reading import read_certificates

MOZILLA, OWN = "mozilla", "own"


@dataclass(frozen=True, slots=True, eq=False)
class TrustStore:
    """Trust anchors by subject; `own` ones are as good as Mozilla's, but what they issue is not public.

    Every certificate in it is an anchor, also one that another CA issued.
    """

    mozilla: tuple[Certificate, ...]
    own: tuple[Certificate, ...]
    by_subject: Mapping[Canonical, tuple[Certificate, ...]]
    by_sha256: Mapping[str, str]

    @staticmethod
    def of(own: Iterable[Certificate] = (), *, mozilla: bool = True) -> "TrustStore":
        """The operator's own roots, on top of Mozilla's or alone."""
        public, private = mozilla_roots() if mozilla else (), tuple(own)
        by_subject: dict[Canonical, tuple[Certificate, ...]] = {}
        for root in dict.fromkeys((*public, *private)):
            by_subject[root.subject.canonical] = (*by_subject.get(root.subject.canonical, ()), root)
        by_sha256 = {root.sha256: OWN for root in private} | {root.sha256: MOZILLA for root in public}
        return TrustStore(public, private, by_subject, by_sha256)

    def anchor(self, certificate: Certificate) -> str:
        """`mozilla` or `own` where this very certificate is an anchor, else an empty string."""
        return self.by_sha256.get(certificate.sha256, "")

    def issuers(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Anchors that bear the name of its issuer."""
        return self.by_subject.get(certificate.issuer.canonical, ())


@lru_cache(maxsize=1)
def mozilla_roots() -> tuple[Certificate, ...]:
    """The roots that certifi took from Mozilla's store."""
    return read_certificates(certifi.contents().encode())
