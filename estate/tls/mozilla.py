"""How an endpoint compares with Mozilla's server-side TLS guidelines: modern, intermediate and old.

The values are those of guideline 6.0 (6 April 2026, https://ssl-config.mozilla.org/guidelines/6.0.json); it has no
"old" any more, whose last ones are those of 5.8 of the same day. Stapling is left out, since the generator itself
no longer switches it on and large issuers have closed their responders; lifetimes are the certificate rules' business.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from estate.text import printable
from estate.tls.case import Case
from estate.tls.evidence import VERSIONS, Version
from estate.tls.suites import is_tls13

SOURCE = "https://ssl-config.mozilla.org/guidelines/"

_TLS13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
_AEAD = frozenset(
    f"TLS_ECDHE_{key}_WITH_{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
)
_OLD = _AEAD | frozenset(
    (
        *(
            f"TLS_ECDHE_{key}_WITH_AES_{cipher}"
            for key in ("ECDSA", "RSA")
            for cipher in ("128_CBC_SHA256", "128_CBC_SHA", "256_CBC_SHA384", "256_CBC_SHA")
        ),
        *(f"TLS_RSA_WITH_AES_{bits}_{mode}" for bits in (128, 256) for mode in ("CBC_SHA256", "CBC_SHA")),
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    )
)
_GROUPS = frozenset({"x25519mlkem768", "x25519", "secp256r1", "secp384r1"})
_ALSO_CALLED = {"prime256v1": "secp256r1", "p-256": "secp256r1", "p-384": "secp384r1"}


@dataclass(frozen=True, slots=True)
class Guideline:
    """One of the three configurations; `suites` are those before TLS 1.3."""

    version: str
    protocols: frozenset[Version]
    suites: frozenset[str]
    keys: frozenset[str]
    hashes: frozenset[str]
    rsa_bits: int = 2048
    dh_bits: int = 2048
    hsts_seconds: int = 63_072_000


GUIDELINES: Mapping[str, Guideline] = {
    "modern": Guideline(
        "6.0", frozenset({"TLS1.3"}), frozenset(), frozenset({"ec"}), frozenset({"sha256", "sha384", "sha512"})
    ),
    "intermediate": Guideline(
        "6.0",
        frozenset({"TLS1.2", "TLS1.3"}),
        _AEAD,
        frozenset({"ec", "rsa"}),
        frozenset({"sha256", "sha384", "sha512"}),
    ),
    "old": Guideline(
        "5.8",
        frozenset({"TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"}),
        _OLD,
        frozenset({"rsa"}),
        frozenset({"sha256"}),
    ),
}
"""Strictest first."""

_CURVE_SIZES = frozenset({256, 384})


class Compliance(NamedTuple):
    """Whether an endpoint is as a guideline wants it, None where a missing part may hide more, and what is not."""

    ok: bool | None
    issues: tuple[str, ...]


def compare(case: Case) -> Mapping[str, Compliance]:
    """Hold an endpoint against each guideline."""
    return {name: _held_against(case, guideline) for name, guideline in GUIDELINES.items()}


def strictest(found: Mapping[str, Compliance]) -> str | None:
    """The strictest guideline that is met, "none", or None where that cannot be told."""
    for name in GUIDELINES:
        if name not in found or found[name].ok is None:
            return None
        if found[name].ok:
            return name
    return "none"


def _held_against(case: Case, guideline: Guideline) -> Compliance:
    issues = tuple(_issues(case, guideline))
    if issues:
        return Compliance(False, issues)
    return Compliance(None if _hidden(case) else True, ())


def _hidden(case: Case) -> bool:
    evidence = case.evidence
    return (
        case.chain is None
        or case.unknown(*VERSIONS) is not None
        or case.unlisted is not None
        or case.ephemeral_bits[1] is not None
        or evidence.curves.state == "blind"
        or evidence.hsts.state == "blind"
    )


def _issues(case: Case, guideline: Guideline) -> Iterator[str]:
    for version in case.offered:
        if version not in guideline.protocols:
            yield f"{version} is offered"
    if not guideline.protocols & set(case.offered) and case.unknown(*VERSIONS) is None:
        yield f"none of {', '.join(sorted(guideline.protocols))} is offered"
    for name in dict.fromkeys(suite.name for _, suite in case.suites):
        if name not in (_TLS13 if is_tls13(name) else guideline.suites):
            yield printable(f"{name} is offered", 120)
    for curve in case.evidence.curves.names:
        if _ALSO_CALLED.get(curve.lower(), curve.lower()) not in _GROUPS:
            yield printable(f"the group {curve} is offered", 120)
    bits, _ = case.ephemeral_bits
    if bits is not None and bits < guideline.dh_bits:
        yield f"an ephemeral key is worth {bits} bits of RSA, less than {guideline.dh_bits}"
    yield from _about_certificates(case, guideline)
    hsts = case.evidence.hsts
    if hsts.state in {"absent", "invalid"} or (
        hsts.state == "present" and (hsts.max_age or 0) < guideline.hsts_seconds
    ):
        yield f"HSTS is not set for {guideline.hsts_seconds} seconds"


def _about_certificates(case: Case, guideline: Guideline) -> Iterator[str]:
    chain = case.chain
    if chain is None:
        return
    kind = chain.key_kind.lower()
    if kind not in guideline.keys:
        yield f"the certificate's key is {kind}, not {' or '.join(sorted(guideline.keys))}"
    elif kind == "rsa" and chain.key_bits < guideline.rsa_bits:
        yield f"the certificate's key has {chain.key_bits} bits, less than {guideline.rsa_bits}"
    elif kind == "ec" and chain.key_bits not in _CURVE_SIZES:
        yield f"the certificate's key is on a curve of {chain.key_bits} bits, not P-256 or P-384"
    if chain.signature_hash.lower() not in guideline.hashes:
        yield f"the certificate is signed over {chain.signature_hash or 'no named hash'}"
