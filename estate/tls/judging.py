"""Judge one endpoint from its evidence alone: its chains, then its grade."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from estate.certificates.certificate import Certificate
from estate.certificates.chains import judge_chain
from estate.certificates.reading import read_certificates
from estate.certificates.trust import TrustStore
from estate.certificates.verdicts import ChainVerdict
from estate.errors import BadReport
from estate.tls.evidence import TlsEvidence
from estate.tls.rating import Rating, rate, weakest_chain

_REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Judged:
    """An endpoint's grade, the verdict on what it served, and the leaves themselves.

    `unreadable` says why a certificate that was sent could not be read; a chain without it is not judged.
    """

    rating: Rating
    chain: ChainVerdict | None
    leaves: tuple[Certificate, ...]
    unreadable: str = ""


def judge_endpoint(
    evidence: TlsEvidence, roots: TrustStore, now: datetime, intermediates: Iterable[Certificate] = ()
) -> Judged:
    """Grade an endpoint.

    Args:
        evidence: one look at it.
        roots: whom to trust.
        now: what an expiry is measured against.
        intermediates: others that we know, over which a chain that lacks one may be completed.
    """
    verdicts: list[ChainVerdict] = []
    leaves: list[Certificate] = []
    unreadable = ""
    known = tuple(intermediates)
    for deployment in evidence.served:
        try:
            chain = [certificate for pem in deployment.chain for certificate in read_certificates(pem.encode())]
            revoked = [chain[0].sha256] if evidence.revocation.state == _REVOKED else ()
            verdicts.append(judge_chain(chain, evidence.asked.name, now, roots, known, revoked))
        except (BadReport, IndexError) as error:
            unreadable = str(error) or "an empty chain"
            continue
        leaves.append(chain[0])
    # A chain that cannot be read may be the worst of all: then none of them is known.
    chain_verdict = None if unreadable else weakest_chain(verdicts)
    return Judged(rate(evidence, chain_verdict, now), chain_verdict, tuple(leaves), unreadable)
