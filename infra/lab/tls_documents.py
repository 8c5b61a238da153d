"""Evidence of TLS endpoints that do not exist: one that is perfect, and whatever a test wants to be otherwise."""

from collections.abc import Mapping
from copy import deepcopy

from estate.tls.evidence import CHECKS

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


def document(changes: Mapping[str, object] | None = None) -> dict[str, object]:
    """A perfect endpoint, but for the changes: a path such as `protocols/TLS1.1`, and what to put there."""
    quiet = {name: {"state": "no"} for name in CHECKS}
    written: dict[str, object] = {
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
    written = deepcopy(written)
    for path, value in (changes or {}).items():
        put(written, path, deepcopy(value) if value is not GONE else GONE)
    return written


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
