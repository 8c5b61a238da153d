"""One certificate as a frozen value: everything that rules, grades and the inventory ask about it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from estate.certificates.der import INTEGER, SEQUENCE, Element, Malformed, bits, oid, read, small, time
from estate.certificates.extensions import Extensions, Subtrees, read_extensions
from estate.certificates.keys import PublicKey, read_key
from estate.certificates.names import DistinguishedName, matches_host, read_name
from estate.errors import BadReport

LONGEST_CERTIFICATE = 4 << 20
_LONGEST_SERIAL = 20
_SERIAL_SHOWN = 64

_SIGNATURES = {
    "1.2.840.113549.1.1.2": ("RSA", "md2"),
    "1.2.840.113549.1.1.3": ("RSA", "md4"),
    "1.2.840.113549.1.1.4": ("RSA", "md5"),
    "1.2.840.113549.1.1.5": ("RSA", "sha1"),
    "1.3.14.3.2.29": ("RSA", "sha1"),
    "1.2.840.113549.1.1.14": ("RSA", "sha224"),
    "1.2.840.113549.1.1.11": ("RSA", "sha256"),
    "1.2.840.113549.1.1.12": ("RSA", "sha384"),
    "1.2.840.113549.1.1.13": ("RSA", "sha512"),
    "1.2.840.10045.4.1": ("ECDSA", "sha1"),
    "1.2.840.10045.4.3.1": ("ECDSA", "sha224"),
    "1.2.840.10045.4.3.2": ("ECDSA", "sha256"),
    "1.2.840.10045.4.3.3": ("ECDSA", "sha384"),
    "1.2.840.10045.4.3.4": ("ECDSA", "sha512"),
    "1.2.840.10040.4.3": ("DSA", "sha1"),
    "2.16.840.1.101.3.4.3.1": ("DSA", "sha224"),
    "2.16.840.1.101.3.4.3.2": ("DSA", "sha256"),
    "1.3.101.112": ("Ed25519", ""),
    "1.3.101.113": ("Ed448", ""),
    "2.16.840.1.101.3.4.3.17": ("ML-DSA-44", ""),
    "2.16.840.1.101.3.4.3.18": ("ML-DSA-65", ""),
    "2.16.840.1.101.3.4.3.19": ("ML-DSA-87", ""),
}
_RSA_PSS = "1.2.840.113549.1.1.10"
_HASHES = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Signature:
    """How a certificate is signed: `algorithm` and `hash` in words (both may be empty), and over which bytes."""

    algorithm: str
    hash: str
    salt_length: int
    value: bytes
    signed: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A certificate; two are equal where their bytes are.

    `serial` is hexadecimal with whole bytes, `-` before a negative one. `dns_names` are in lower case and printable;
    what is no host name never matches any. `key_usages` and `purposes` are None where the extension is absent, which
    permits all. `faults` says what a well-formed certificate would not have.
    """

    der: bytes
    sha256: str
    subject: DistinguishedName
    issuer: DistinguishedName
    serial: str
    not_before: datetime
    not_after: datetime
    key: PublicKey
    signature: Signature
    version: int
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    other_names: tuple[str, ...]
    authority: bool
    path_length: int | None
    key_usages: frozenset[str] | None
    purposes: frozenset[str] | None
    subject_key_id: bytes | None
    authority_key_id: bytes | None
    sct_count: int
    precertificate: bool
    must_staple: bool
    ocsp_urls: tuple[str, ...]
    issuer_urls: tuple[str, ...]
    crl_urls: tuple[str, ...]
    permitted: Subtrees | None
    excluded: Subtrees | None
    unknown_critical: tuple[str, ...]
    faults: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __str__(self) -> str:
        return self.subject.shown or (self.names or (f"serial {self.serial}",))[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts it is for: names, then addresses."""
        return self.dns_names + self.addresses

    @property
    def lifetime(self) -> timedelta:
        """How long it is valid in all, its last second included (CA/B Forum BR §1.6.1)."""
        return self.not_after - self.not_before + timedelta(seconds=1)

    @property
    def self_issued(self) -> bool:
        """Whether it names itself as its issuer, which alone proves nothing."""
        return self.subject.canonical == self.issuer.canonical

    @property
    def wildcard(self) -> bool:
        """Whether any of its names is a wildcard."""
        return any(name.startswith("*.") for name in self.dns_names)

    def is_for(self, name: str) -> bool:
        """Whether it is for this host; see `matches_host`."""
        return matches_host(name, self.dns_names, self.addresses)


def read_certificate(der: bytes) -> Certificate:
    """Read one certificate.

    Raises:
        BadReport: what is wrong, where bytes are no certificate, or are too many.
    """
    if len(der) > LONGEST_CERTIFICATE:
        raise BadReport(f"a certificate of {len(der)} bytes is over the limit of {LONGEST_CERTIFICATE}")
    try:
        return _read(der)
    except ValueError as error:
        raise BadReport(f"not a certificate: {error}") from None


def _read(der: bytes) -> Certificate:
    whole = read(der).expect(SEQUENCE).parts()
    if len(whole) != 3:
        raise Malformed(f"{len(whole)} parts where a certificate has 3")
    body, algorithm, signature = whole
    fields = list(body.expect(SEQUENCE).parts())
    version = small(fields.pop(0).part(0)) + 1 if fields and fields[0].context == 0 else 1
    if len(fields) < 6:
        raise Malformed(f"{len(fields)} fields where a certificate has at least 6")
    serial, signed_with, issuer, validity, subject, key, *rest = fields
    dates = _named("validity", validity, lambda element: element.expect(SEQUENCE).parts())
    if len(dates) != 2:
        raise Malformed("a validity without its two dates")
    extensions = Extensions()
    for part in rest:
        if part.context == 3:
            extensions = read_extensions(part.part(0).expect(SEQUENCE).parts())
    faults = [*_faults_of_serial(serial), *extensions.faults]
    signed = _read_signature(algorithm, bits(signature), body.raw)
    if signed_with.raw != algorithm.raw:
        faults.append("two signature algorithms that differ")
        signed = replace(signed, algorithm="")  # Nobody could say by which of them it should be checked.
    if not 1 <= version <= 3:
        faults.append(f"version {version}")
    return Certificate(
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        subject=_named("subject", subject, read_name),
        issuer=_named("issuer", issuer, read_name),
        serial=_spell_serial(serial),
        not_before=_named("notBefore", dates[0], time),
        not_after=_named("notAfter", dates[1], time),
        key=_named("public key", key, read_key),
        signature=signed,
        version=version,
        dns_names=extensions.dns_names,
        addresses=extensions.addresses,
        other_names=extensions.other_names,
        authority=extensions.authority,
        path_length=extensions.path_length,
        key_usages=extensions.key_usages,
        purposes=extensions.purposes,
        subject_key_id=extensions.subject_key_id,
        authority_key_id=extensions.authority_key_id,
        sct_count=extensions.sct_count,
        precertificate=extensions.precertificate,
        must_staple=extensions.must_staple,
        ocsp_urls=extensions.ocsp_urls,
        issuer_urls=extensions.issuer_urls,
        crl_urls=extensions.crl_urls,
        permitted=extensions.permitted,
        excluded=extensions.excluded,
        unknown_critical=extensions.unknown_critical,
        faults=tuple(faults),
    )


def _named(what: str, element: Element, reader: Callable[[Element], _T]) -> _T:
    """What the reader makes of it; its complaint names the field."""
    try:
        return reader(element)
    except ValueError as error:
        raise Malformed(f"{what}: {error}") from None


def _spell_serial(serial: Element) -> str:
    """Whole bytes in hexadecimal without the byte that only keeps a number positive."""
    octets = serial.expect(INTEGER).value
    if not octets:
        raise Malformed("a serial number without a byte")
    if octets[0] & 0x80 and len(octets) <= _SERIAL_SHOWN:
        number = -int.from_bytes(octets, "big", signed=True)
        return "-" + number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big").hex()
    shown = octets.lstrip(b"\0") or b"\0"
    return shown[:_SERIAL_SHOWN].hex() + ("…" if len(shown) > _SERIAL_SHOWN else "")


def _faults_of_serial(serial: Element) -> list[str]:
    """What RFC 5280 §4.1.2.2 forbids, and the CAs of old did."""
    octets = serial.value
    faults = []
    if octets and octets[0] & 0x80:
        faults.append("a negative serial number")
    if not any(octets):
        faults.append("serial number zero")
    if len(octets) > _LONGEST_SERIAL:
        faults.append(f"a serial number of {len(octets)} bytes")
    return faults


def signature_words(dotted: str) -> tuple[str, str]:
    """The algorithm and hash that an object identifier of a signature names; empty where we know none."""
    return _SIGNATURES.get(dotted, ("", ""))


def _read_signature(algorithm: Element, value: bytes, signed: bytes) -> Signature:
    name, *parameters = algorithm.expect(SEQUENCE).parts()
    kind = oid(name)
    if kind == _RSA_PSS:
        digest, salt = _pss(parameters[0]) if parameters else ("sha1", 20)
        return Signature("RSA-PSS", digest, salt, value, signed)
    return Signature(*signature_words(kind), 0, value, signed)


def _pss(parameters: Element) -> tuple[str, int]:
    """The hash and the salt's length (RFC 4055 §3.1), SHA-1 and 20 where they are left out."""
    digest, salt = "sha1", 20
    for part in parameters.parts():
        if part.context == 0:
            digest = _HASHES.get(oid(part.part(0).part(0)), "")
        elif part.context == 2:
            salt = small(part.part(0))
    return digest, salt
