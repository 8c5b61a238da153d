"""A workshop for evidence: one perfect endpoint, and whatever a test wants to be otherwise."""

import io
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from estate.certificates.verdicts import ChainVerdict, Problem
from estate.tls.evidence import CHECKS, TlsEvidence, read_tls
from estate.tls.rating import Rating, rate

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
ECDHE_GCM = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
GONE = object()


def suite(name: str, bits: int = 128, **more: object) -> dict[str, object]:
    """A suite as it is written, with the ephemeral key that its name promises."""
    found: dict[str, object] = {"name": name, "bits": bits, "anonymous": "_anon_" in name}
    if "_ECDHE_" in name or "_WITH_" not in name:
        found |= {"curve": "x25519", "curve_bits": 253}
    if "_DHE_" in name:
        found |= {"dh_bits": 2048}
    return found | more


def offered(*suites: dict[str, object] | str, preferred: str | None = None) -> dict[str, object]:
    """A version that is on, with these suites."""
    written = [suite(each) if isinstance(each, str) else each for each in suites]
    return {"state": "offered", "preferred": preferred or written[0]["name"], "suites": written}


def blind(reason: str = "reset") -> dict[str, object]:
    """Any part that nobody saw."""
    return {"state": "blind", "reason": reason}


OFF: dict[str, object] = {"state": "not-offered"}


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
        quiet = {name: {"state": "no"} for name in CHECKS}
        document: dict[str, object] = {
            "schema": 1,
            "asked": {"address": "127.0.0.2", "port": 8443, "name": "a.example", "starttls": None, "profile": "full"},
            "started": "2026-11-24T15:00:00Z",
            "seconds": 1.25,
            "engine": {"sslyze": "6.3.1", "roundsman": "0.1.0"},
            "hello": {"outcome": "tls", "version": "TLS1.3", "curve": "x25519"},
            "protocols": {
                **dict.fromkeys(("SSL2", "SSL3", "TLS1.0", "TLS1.1"), OFF),
                "TLS1.2": offered(ECDHE_GCM, suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256)),
                "TLS1.3": offered("TLS_AES_128_GCM_SHA256", suite("TLS_AES_256_GCM_SHA384", 256)),
            },
            "modern": {"state": "known", "version": "TLS1.3", "suite": "TLS_AES_256_GCM_SHA384"},
            "checks": {**quiet, "secure_renegotiation": {"state": "yes"}, "session_tickets": {"state": "yes"}},
            "curves": {"state": "known", "names": ["x25519", "secp256r1"]},
            "client_certificate": {"state": "none"},
            "certificates": {"state": "known", "deployments": [{"with_sni": True, "chain": ["-----BEGIN …"]}]},
            "hsts": {"state": "present", "values": ["max-age=63072000"], "max_age": 63072000},
            "revocation": {"state": "good", "how": "staple"},
            "errors": [],
        }
        document = deepcopy(document)
        for path, value in (changes or {}).items():
            put(document, path, deepcopy(value) if value is not GONE else GONE)
        return document

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


def put(document: dict[str, object], path: str, value: object) -> None:
    """Change one place of a document, or take it out."""
    *way, last = path.split("/")
    place = document
    for step in way:
        below = place.setdefault(step, {})
        assert isinstance(below, dict)
        place = below
    if value is GONE:
        place.pop(last, None)
    else:
        place[last] = value


@pytest.fixture(scope="session")
def tls() -> Workshop:
    """The workshop."""
    return Workshop()
