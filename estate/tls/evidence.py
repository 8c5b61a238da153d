"""One endpoint's TLS evidence: the document that the asking side writes, read strictly into frozen values."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, BinaryIO, ClassVar, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from estate.assets import canonical_address, canonical_name
from estate.errors import BadReport, BadTarget
from estate.text import printable

MOST_BYTES = 16 * 1024 * 1024
"""A handshake message ends at 2^24 bytes, so that no honest document is larger."""

Version = Literal["SSL2", "SSL3", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"]
VERSIONS: tuple[Version, ...] = get_args(Version)
"""Oldest first."""

CheckName = Literal[
    "compression",
    "heartbleed",
    "ccs_injection",
    "robot",
    "secure_renegotiation",
    "client_renegotiation",
    "renegotiation_dos",
    "fallback_scsv",
    "early_data",
    "session_ids",
    "session_tickets",
    "extended_master_secret",
    "post_quantum",
]
CHECKS: tuple[CheckName, ...] = get_args(CheckName)
GRADED_CHECKS: tuple[CheckName, ...] = CHECKS[:6]
"""Those without which there is no grade; a `watch` asks for these, a `full` look for all."""

Outcome = Literal["tls", "refused", "unreachable", "silent", "reset", "plaintext", "garbage", "starttls-refused"]
StartTls = Literal["smtp", "imap", "pop3", "ftp", "ldap", "xmpp", "xmpp-server", "rdp", "postgres", "mysql"]
Profile = Literal["full", "watch", "certificate"]
_NOT_ASKED = "not asked"


def _address(text: str) -> str:
    found = canonical_address(text)
    if found is None:
        raise ValueError("this is no address")
    return found


def _name(text: str) -> str:
    try:
        return canonical_name(text)
    except BadTarget as error:
        raise ValueError(str(error)) from None


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this is no moment of our calendar") from None


def _unwrapped(told: object) -> object:
    return b64decode(told, validate=True) if isinstance(told, str) else told


def _pairs(told: object) -> object:
    return tuple(sorted(told.items())) if isinstance(told, dict) else told


_Bits = Annotated[int, Field(ge=0, le=1_000_000)]
_Name = Annotated[str, Field(max_length=200)]
_Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
_Wrapped = Annotated[bytes, BeforeValidator(_unwrapped)]
_Pairs = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs)]


class _Strict:
    """Unknown fields and foreign types are refused: a misspelt one must not read as a clean answer."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Asked(_Strict):
    """What was asked of whom; without a `name` no SNI was sent."""

    address: Annotated[str, AfterValidator(_address)]
    port: Annotated[int, Field(ge=1, le=65535)]
    profile: Profile
    name: Annotated[str, AfterValidator(_name)] | None = None
    starttls: StartTls | None = None


@dataclass(frozen=True, slots=True)
class Hello(_Strict):
    """What our own first hello met."""

    outcome: Outcome
    detail: str = ""
    version: _Name | None = None
    alert: _Name | None = None
    dh_bits: _Bits | None = None
    curve: _Name | None = None


@dataclass(frozen=True, slots=True)
class Suite(_Strict):
    """A cipher suite that was accepted, by its IANA name, with the ephemeral key that came with it."""

    name: _Name
    bits: _Bits
    anonymous: bool = False
    dh_bits: _Bits | None = None
    curve: _Name | None = None
    curve_bits: _Bits | None = None


@dataclass(frozen=True, slots=True)
class Protocol(_Strict):
    """One version of the protocol, with what the server prefers where it was asked with everything on offer."""

    state: Literal["offered", "not-offered", "blind"]
    reason: str = ""
    preferred: _Name | None = None
    suites: Annotated[tuple[Suite, ...], Field(max_length=1_000)] = ()


@dataclass(frozen=True, slots=True)
class Modern(_Strict):
    """What a client of today negotiates."""

    state: Literal["known", "blind"]
    reason: str = ""
    version: _Name | None = None
    suite: _Name | None = None


@dataclass(frozen=True, slots=True)
class Check(_Strict):
    """`yes` means that the named thing is there: a hole, or a feature."""

    state: Literal["yes", "no", "not-applicable", "blind"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Curves(_Strict):
    """The groups that the server takes for a key exchange."""

    state: Literal["known", "blind"]
    names: Annotated[tuple[_Name, ...], Field(max_length=200)] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClientCertificate(_Strict):
    """Whether the server wants a certificate from its clients."""

    state: Literal["none", "optional", "required", "blind"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deployment(_Strict):
    """A chain as it was sent, leaf first, with the stapled answer; an endpoint may have one per key type."""

    with_sni: bool
    chain: Annotated[tuple[str, ...], Field(max_length=1_000)]
    staple: _Wrapped | None = None
    trust: _Pairs = ()


@dataclass(frozen=True, slots=True)
class Certificates(_Strict):
    """Every chain that the endpoint showed."""

    state: Literal["known", "blind"]
    reason: str = ""
    deployments: Annotated[tuple[Deployment, ...], Field(max_length=100)] = ()


@dataclass(frozen=True, slots=True)
class Hsts(_Strict):
    """The Strict-Transport-Security header (RFC 6797), as our own request saw it."""

    state: Literal["present", "absent", "invalid", "blind", "not-http"]
    values: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    max_age: Annotated[int, Field(ge=0)] | None = None
    include_subdomains: bool = False
    preload: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Revocation(_Strict):
    """What the issuer says of the leaf today."""

    state: Literal["good", "revoked", "unknown", "not-asked", "blind"]
    how: Literal["staple", "ocsp", "crl", ""] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failure(_Strict):
    """A command that failed, and why."""

    command: _Name
    reason: str


_NO_PROTOCOL = Protocol("blind", _NOT_ASKED)
_NO_CHECK = Check("blind", _NOT_ASKED)


@dataclass(frozen=True, slots=True)
class TlsEvidence(_Strict):
    """Everything that one look at one endpoint brought; what is missing was not asked, so that we are blind to it."""

    schema: Literal[1]
    asked: Asked
    started: _Moment
    hello: Hello
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] = 0.0
    engine: _Pairs = ()
    protocols: Mapping[Version, Protocol] = field(default_factory=dict)
    modern: Modern = Modern("blind", _NOT_ASKED)
    checks: Mapping[CheckName, Check] = field(default_factory=dict)
    curves: Curves = Curves("blind", reason=_NOT_ASKED)
    client_certificate: ClientCertificate = ClientCertificate("blind", _NOT_ASKED)
    certificates: Certificates = Certificates("blind", _NOT_ASKED)
    hsts: Hsts = Hsts("blind", reason=_NOT_ASKED)
    revocation: Revocation = Revocation("not-asked")
    errors: Annotated[tuple[Failure, ...], Field(max_length=1_000)] = ()

    def protocol(self, version: Version) -> Protocol:
        """What is known of a version."""
        return self.protocols.get(version, _NO_PROTOCOL)

    def check(self, name: CheckName) -> Check:
        """What is known of a check."""
        return self.checks.get(name, _NO_CHECK)

    @property
    def served(self) -> tuple[Deployment, ...]:
        """The chains that whoever asks as we did gets: with the name, or without one."""
        return tuple(each for each in self.certificates.deployments if each.with_sni is (self.asked.name is not None))


@lru_cache(maxsize=1)
def _reader() -> TypeAdapter[TlsEvidence]:
    # Built when first needed: reading commands that read no TLS evidence should not pay for it.
    return TypeAdapter(TlsEvidence)


def read_tls(stream: BinaryIO) -> TlsEvidence:
    """Read one evidence document.

    Raises:
        BadReport: it is too large, no JSON, of another schema, or says what the schema does not know.
    """
    text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise BadReport(f"a TLS evidence document of more than {MOST_BYTES:,} bytes")
    try:
        return _reader().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadReport(f"TLS evidence, {printable(place, 120)}: {printable(first['msg'], 200)}{more}") from None
