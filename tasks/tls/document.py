"""The document that is the evidence of one endpoint: what was found, and for everything else why it is not known."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from tasks.tls.client_hello import ALL_VERSIONS
from tasks.tls.hello import Hello
from tasks.tls.question import TlsQuestion

SCHEMA = 1

CHECKS = (
    "compression", "heartbleed", "ccs_injection", "robot", "secure_renegotiation", "client_renegotiation",
    "renegotiation_dos", "fallback_scsv", "early_data", "session_ids", "session_tickets", "extended_master_secret",
    "post_quantum",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfferedSuite:
    """A suite that a server accepts, and the parameters that it came with."""

    name: str
    bits: int
    anonymous: bool
    dh_bits: int | None = None
    curve: str | None = None
    curve_bits: int | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol version."""

    state: Literal["offered", "not-offered", "blind"]
    reason: str = ""
    preferred: str | None = None
    suites: tuple[OfferedSuite, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One yes-or-no question."""

    state: Literal["yes", "no", "not-applicable", "blind"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Modern:
    """What a current browser gets."""

    state: Literal["known", "blind"]
    reason: str = ""
    version: str | None = None
    suite: str | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """The groups that a key exchange may use."""

    state: Literal["known", "blind"]
    names: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Whether the server wants to know who we are."""

    state: Literal["none", "optional", "required", "blind"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One chain as sent, PEM, leaf first."""

    with_sni: bool
    chain: tuple[str, ...]
    staple: str | None = None
    trust: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Every chain that was seen."""

    state: Literal["known", "blind"]
    reason: str = ""
    deployments: tuple[Deployment, ...] = ()


@dataclass(frozen=True, slots=True)
class Hsts:
    """Strict-Transport-Security of the first response."""

    state: Literal["present", "absent", "invalid", "blind", "not-http"]
    values: tuple[str, ...] = ()
    max_age: int | None = None
    include_subdomains: bool = False
    preload: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What was learnt about the leaf's revocation."""

    state: Literal["good", "revoked", "unknown", "not-asked", "blind"]
    how: Literal["staple", "ocsp", "crl", ""] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part of the scan that failed."""

    command: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """All of it; the fields are the keys of the JSON."""

    schema: int
    asked: Mapping[str, str | int | None]
    started: str
    seconds: float
    engine: Mapping[str, str]
    hello: Hello
    protocols: Mapping[str, Protocol]
    modern: Modern
    checks: Mapping[str, Check]
    curves: Curves
    client_certificate: ClientCertificate
    certificates: Certificates
    hsts: Hsts
    revocation: Revocation
    errors: tuple[Trouble, ...] = ()

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), ensure_ascii=True, separators=(",", ":")), "utf-8")
        part.replace(path)

    def blinded(self, reason: str, seconds: float) -> "Document":
        """The same endpoint, of which nothing but the first hello is known."""
        return replace(blind(self.asked, self.started, self.hello, reason), seconds=seconds, errors=self.errors)


def asked_of(question: TlsQuestion) -> Mapping[str, str | int | None]:
    """What the document says was asked."""
    return {
        "address": question.address,
        "port": question.port,
        "name": question.name,
        "starttls": question.starttls,
        "profile": question.profile,
    }


def blind(asked: Mapping[str, str | int | None], started: str, hello: Hello, reason: str) -> Document:
    """A document in which nothing is known but the first hello."""
    return Document(
        schema=SCHEMA,
        asked=asked,
        started=started,
        seconds=0.0,
        engine=engine(),
        hello=hello,
        protocols=dict.fromkeys(ALL_VERSIONS, Protocol("blind", reason)),
        modern=Modern("blind", reason),
        checks=dict.fromkeys(CHECKS, Check("blind", reason)),
        curves=Curves("blind", reason=reason),
        client_certificate=ClientCertificate("blind", reason),
        certificates=Certificates("blind", reason),
        hsts=Hsts("blind", reason=reason),
        revocation=Revocation("blind", reason=reason),
    )


def now() -> str:
    """This moment, as documents spell it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@cache
def engine() -> Mapping[str, str]:
    """The versions of what asked."""
    found = {}
    for name in ("sslyze", "roundsman"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "0"
    return found
