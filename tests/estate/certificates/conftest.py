"""A workshop that makes any certificate, right or wrong, byte by byte: the libraries refuse to make the wrong ones."""

import hashlib
import ipaddress
import itertools
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from estate.certificates.certificate import Certificate, read_certificate
from estate.certificates.chains import judge_chain
from estate.certificates.reading import spell_pem
from estate.certificates.trust import TrustStore
from estate.certificates.verdicts import ChainVerdict, Problem

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)

HASHES = {"md5": hashes.MD5(), "sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384()}
RSA_OIDS = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5", "sha256": "1.2.840.113549.1.1.11"}
EC_OIDS = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3"}
SERVER_AUTH, CLIENT_AUTH, ANY = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"


def tlv(tag: int, *content: bytes) -> bytes:
    value = b"".join(content)
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + value


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for number in (first * 40 + second, *rest):
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return tlv(0x06, bytes(out))


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def name(**attributes: str) -> bytes:
    oids = {"CN": "2.5.4.3", "O": "2.5.4.10", "C": "2.5.4.6"}
    return tlv(
        0x30,
        *(
            tlv(0x31, tlv(0x30, oid(oids[kind]), tlv(0x0C, value.encode("utf-8", "surrogateescape"))))
            for kind, value in attributes.items()
        ),
    )


def moment(when: datetime) -> bytes:
    if 1950 <= when.year < 2050:
        return tlv(0x17, f"{when:%y%m%d%H%M%S}Z".encode())
    return tlv(0x18, f"{when.year:04}{when:%m%d%H%M%S}Z".encode())


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return tlv(0x30, oid(dotted), tlv(0x01, b"\xff") if critical else b"", tlv(0x04, value))


def alternative_names(*names: str | bytes) -> bytes:
    return tlv(0x30, *(general_name(one) for one in names))


def general_name(one: str | bytes) -> bytes:
    if isinstance(one, bytes):
        return tlv(0x82, one)
    try:
        return tlv(0x87, ipaddress.ip_address(one).packed)
    except ValueError:
        return tlv(0x82, one.encode())


def bit_flags(*numbers: int) -> bytes:
    value = 0
    for number in numbers:
        value |= 1 << (15 - number)
    return tlv(0x03, b"\0", value.to_bytes(2, "big"))


@dataclass(frozen=True)
class Made:
    """A certificate with the key that belongs to it."""

    der: bytes
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    subject: bytes
    hash: str

    @property
    def certificate(self) -> Certificate:
        return read_certificate(self.der)

    @property
    def key_id(self) -> bytes:
        return hashlib.sha1(spki(self.key), usedforsecurity=False).digest()


def spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class Workshop:
    """Issues certificates; everything has a sound default, and every part of it can be spoiled."""

    now = NOW
    tlv, oid, integer, name = staticmethod(tlv), staticmethod(oid), staticmethod(integer), staticmethod(name)
    extension, flags = staticmethod(extension), staticmethod(bit_flags)
    alternative_names = staticmethod(alternative_names)

    def __init__(self) -> None:
        self._keys: dict[str, object] = {}
        self._serials = itertools.count(0x1000)

    def key(self, kind: str, label: str = ""):
        """A key of this kind; the same label gives the same key."""
        if not label:
            label = f"#{len(self._keys)}" if kind.startswith("ec") else "shared"
        made = self._keys.get(f"{kind} {label}")
        if made is None:
            made = self._make_key(kind)
            self._keys[f"{kind} {label}"] = made
        return made

    @staticmethod
    def _make_key(kind: str):
        if kind.startswith("rsa"):
            return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
        if kind == "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        curves: dict[str, type] = {
            "ec": ec.SECP256R1,
            "ec192": ec.SECP192R1,
            "ec224": ec.SECP224R1,
            "ec384": ec.SECP384R1,
        }
        return ec.generate_private_key(curves[kind]())

    def root(self, common_name: str = "Test Root", **options) -> Made:
        options.setdefault("end", NOW + 3650 * DAY)
        return self.issue(common_name, None, authority=True, **options)

    def issue(
        self,
        common_name: str,
        issuer: Made | None,
        *,
        names: tuple[str | bytes, ...] | None = None,
        authority: bool = False,
        path_length: int | None = None,
        usages: tuple[int, ...] | None = None,
        purposes: tuple[str, ...] | None = None,
        begin: datetime = NOW - 10 * DAY,
        end: datetime = NOW + 80 * DAY,
        kind: str = "ec",
        key_label: str = "",
        hash: str = "sha256",
        serial: int | None = None,
        serial_octets: bytes | None = None,
        version: int = 3,
        subject: bytes | None = None,
        dates: bytes | None = None,
        more: tuple[bytes, ...] = (),
        key_ids: bool = True,
        authority_key_id: bytes | None = None,
        basic: bool = True,
        spoil: bool = False,
        public_key: bytes | None = None,
        organisation: str = "",
    ) -> Made:
        key = self.key(kind, key_label)
        attributes = {"CN": common_name} | ({"O": organisation} if organisation else {})
        subject = name(**attributes) if subject is None else subject
        signer = issuer.key if issuer else key
        number = next(self._serials) if serial is None else serial
        extensions = list(more)
        if names is None:
            names = () if authority else (common_name,)
        if names:
            extensions.append(extension("2.5.29.17", alternative_names(*names)))
        if authority and basic:
            length = integer(path_length) if path_length is not None else b""
            extensions.append(extension("2.5.29.19", tlv(0x30, tlv(0x01, b"\xff"), length), critical=True))
        if usages is None:
            usages = (5, 6) if authority else (0,)
        if usages:
            extensions.append(extension("2.5.29.15", bit_flags(*usages), critical=True))
        if purposes is None:
            purposes = () if authority else (SERVER_AUTH,)
        if purposes:
            extensions.append(extension("2.5.29.37", tlv(0x30, *map(oid, purposes))))
        made = Made(b"", key, subject, hash)
        if key_ids:
            extensions.append(extension("2.5.29.14", tlv(0x04, made.key_id)))
            above = authority_key_id or (issuer or made).key_id
            extensions.append(extension("2.5.29.35", tlv(0x30, tlv(0x80, above))))
        algorithm = self._algorithm(signer, hash)
        body = tlv(
            0x30,
            tlv(0xA0, integer(version - 1)) if version > 1 else b"",
            tlv(0x02, serial_octets) if serial_octets is not None else integer(number),
            algorithm,
            issuer.subject if issuer else subject,
            tlv(0x30, moment(begin), moment(end)) if dates is None else dates,
            subject,
            spki(key) if public_key is None else public_key,
            tlv(0xA3, tlv(0x30, *extensions)) if version == 3 else b"",
        )
        signature = self._sign(signer, hash, body)
        if spoil:
            signature = self._sign(self.key("ec", "a stranger") if kind == "ec" else signer, hash, body + b"x")
        return Made(tlv(0x30, body, algorithm, tlv(0x03, b"\0", signature)), key, subject, hash)

    @staticmethod
    def case(sent: Sequence[Made], roots: Sequence[Made], *expected: Problem, **more) -> "Case":
        return Case(tuple(sent), tuple(roots), frozenset(expected), **more)

    @staticmethod
    def judge(made: "Case") -> ChainVerdict:
        roots = TrustStore.of([one.certificate for one in made.roots], mozilla=False)
        extra = [one.certificate for one in made.extra]
        return judge_chain([one.certificate for one in made.sent], made.name, NOW + made.moment, roots, extra)

    @staticmethod
    def ask_openssl(made: "Case", folder: Path) -> dict[int, frozenset[Problem]]:
        """The errors that OpenSSL finds, at the level that refuses SHA-1 and 1024 bits, and what each means."""
        others = (*made.sent[1:], *made.extra)
        for label, found in (("leaf", made.sent[:1]), ("others", others), ("roots", made.roots)):
            (folder / label).write_text(made.pem(found))
        kind = "-verify_ip" if ":" in made.name or made.name[-1].isdigit() else "-verify_hostname"
        when = str(int((NOW + made.moment).timestamp()))
        command = ["openssl", "verify", "-purpose", "sslserver", "-partial_chain", "-auth_level", "2", "-attime", when]
        command += ["-no-CAfile", "-no-CApath", "-no-CAstore", kind, made.name, "-trusted", "roots"]
        command += [*(("-untrusted", "others") if others else ()), "leaf"]
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        numbers = re.findall(r"^error (\d+) at", told.stderr, re.MULTILINE)
        return {int(number): MEANT[int(number)] for number in numbers}

    @staticmethod
    def _algorithm(signer, hash: str) -> bytes:
        if isinstance(signer, rsa.RSAPrivateKey):
            return tlv(0x30, oid(RSA_OIDS[hash]), b"\x05\0")
        if isinstance(signer, ec.EllipticCurvePrivateKey):
            return tlv(0x30, oid(EC_OIDS[hash]))
        return tlv(0x30, oid("1.3.101.112"))

    @staticmethod
    def _sign(signer, hash: str, body: bytes):
        if isinstance(signer, rsa.RSAPrivateKey):
            return signer.sign(body, padding.PKCS1v15(), HASHES[hash])
        if isinstance(signer, ec.EllipticCurvePrivateKey):
            return signer.sign(body, ec.ECDSA(HASHES[hash]))
        return signer.sign(body)


@dataclass(frozen=True)
class Case:
    """A chain as sent, what is known besides, whom to trust, for which name; and what is wrong with it."""

    sent: tuple[Made, ...]
    roots: tuple[Made, ...]
    expected: frozenset[Problem]
    extra: tuple[Made, ...] = ()
    name: str = "web.example"
    moment: timedelta = timedelta(0)

    def pem(self, found: Iterable[Made]) -> str:
        return "".join(spell_pem(one.certificate) for one in found)


NOT_FOUND = frozenset({Problem.INCOMPLETE, Problem.UNKNOWN_CA})
OPENSSL = {
    7: Problem.BAD_SIGNATURE, 9: Problem.NOT_YET_VALID, 10: Problem.EXPIRED, 18: Problem.SELF_SIGNED,
    19: Problem.UNKNOWN_CA, 24: Problem.WRONG_USAGE, 25: Problem.PATH_LENGTH, 26: Problem.WRONG_USAGE,
    32: Problem.WRONG_USAGE, 34: Problem.WRONG_USAGE, 47: Problem.WRONG_USAGE, 48: Problem.WRONG_USAGE,
    62: Problem.NAME_MISMATCH, 64: Problem.NAME_MISMATCH, 66: Problem.WEAK_KEY, 67: Problem.WEAK_KEY,
    79: Problem.WRONG_USAGE,
}  # fmt: skip
"""OpenSSL's error numbers (x509_vfy.h) in our words."""

MEANT = {number: frozenset({problem}) for number, problem in OPENSSL.items()} | {
    20: NOT_FOUND,
    21: NOT_FOUND | {Problem.SELF_SIGNED},
    68: frozenset({Problem.SHA1, Problem.MD5}),
}


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW
