"""A workshop for evidence: one perfect endpoint, and whatever a test wants to be otherwise."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from estate.certificates.verdicts import ChainVerdict, Problem
from estate.tls.evidence import TlsEvidence, read_tls
from estate.tls.rating import Rating, rate
from infra.lab.tls_documents import ECDHE_GCM, GONE, OFF, blind, document, offered, suite

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


class Workshop:
    """Makes documents, evidence, chains and ratings; a change is a path such as `protocols/TLS1.1` and what to put."""

    now = NOW
    gone = GONE
    off = OFF
    gcm = ECDHE_GCM
    suite = staticmethod(suite)
    offered = staticmethod(offered)
    blind = staticmethod(blind)

    def document(self, changes: Mapping[str, object] | None = None) -> dict[str, object]:
        """A perfect endpoint, but for the changes."""
        return document(changes)

    def read(self, document: object) -> TlsEvidence:
        """The document as its reader sees it."""
        return read_tls(io.BytesIO(json.dumps(document).encode()))

    def evidence(self, changes: Mapping[str, object] | None = None) -> TlsEvidence:
        """The evidence of a perfect endpoint, but for the changes."""
        return self.read(self.document(changes))

    def chain(self, *problems: str, **changes: object) -> ChainVerdict:
        """A trusted chain with a P-256 key, but for these problems and changes."""
        found = frozenset(map(Problem, problems))
        good = ChainVerdict(
            trusted=not found - {Problem.COMPLETABLE, Problem.WEAK_KEY, Problem.NAME_MISMATCH},
            problems=found,
            name_matches=Problem.NAME_MISMATCH not in found,
            key_kind="EC",
            key_bits=256,
            rsa_equivalent_bits=3072,
            signature_hash="sha256",
            expires=datetime(2027, 1, 1, tzinfo=UTC),
            path=("11" * 32, "22" * 32),
        )
        return replace(good, **changes)  # type: ignore[arg-type]  # Each test names fields that there are.

    def rate(self, changes: Mapping[str, object] | None = None, chain: ChainVerdict | None = None) -> Rating:
        """The rating of a perfect endpoint, but for the changes."""
        return rate(self.evidence(changes), chain or self.chain(), NOW)


@pytest.fixture(scope="session")
def tls() -> Workshop:
    """The workshop."""
    return Workshop()
