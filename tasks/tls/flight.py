"""What a server answers to a client hello, read up to the point where it waits for us."""

import struct
from dataclasses import dataclass, field
from struct import unpack

from tasks.tls import groups
from tasks.tls.client_hello import COOKIE, KEY_SHARE, SUPPORTED_VERSIONS, VERSION_NAMES
from tasks.tls.failures import Garbage
from tasks.tls.suites import name_of

MOST_BYTES = 512 * 1024
"""More than any honest chain: a server that sends more is not read further."""
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a server hello that is a hello retry request (RFC 8446 4.1.3)."""

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 112: "unrecognized_name", 113: "bad_certificate_status_response",
    115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip


@dataclass(slots=True)
class Flight:
    """One server's answer; `alert` alone where it declined, and `ended` says what cut it short otherwise."""

    version: str | None = None
    suite: int | None = None
    compression: int = 0
    extensions: dict[int, bytes] = field(default_factory=dict)
    alert: str | None = None
    chain: list[bytes] = field(default_factory=list)
    staple: bytes | None = None
    dh_bits: int | None = None
    group: int | None = None
    retry_group: int | None = None
    cookie: bytes = b""
    certificate_requested: bool = False
    complete: bool = False
    ended: str = ""
    closed: str = ""
    consistent: bool = False

    @property
    def answered(self) -> bool:
        """Whether the server chose something."""
        return self.suite is not None or self.retry_group is not None

    @property
    def suite_name(self) -> str | None:
        """The IANA name of what it chose."""
        return None if self.suite is None else name_of(self.suite)

    @property
    def curve(self) -> str | None:
        """The name of the group of its key exchange."""
        return None if self.group is None else groups.name_of(self.group)

    @property
    def declined(self) -> bool:
        """Whether it said no in so many words; a warning (unknown name) is followed by an answer or an end."""
        return self.alert is not None and not self.answered


def read_server_hello(flight: Flight, body: bytes) -> bool:
    """Take the version, suite and extensions (RFC 5246 7.4.1.3, RFC 8446 4.1.3); whether it asks for another hello.

    Raises:
        Garbage: it is none.
    """
    try:
        version = unpack(">H", body[:2])[0]
        random, rest = body[2:34], body[34:]
        rest = rest[1 + rest[0] :]
        suite, compression = unpack(">HB", rest[:3])
        extensions = _extensions(rest[3:])
        if SUPPORTED_VERSIONS in extensions:
            version = unpack(">H", extensions[SUPPORTED_VERSIONS])[0]
        if random == RETRY:
            if KEY_SHARE in extensions:
                flight.retry_group = unpack(">H", extensions[KEY_SHARE])[0]
            else:
                flight.retry_group = 0
            flight.cookie = extensions.get(COOKIE, b"\0\0")[2:]
        elif KEY_SHARE in extensions and version == 0x0304:
            flight.group = unpack(">H", extensions[KEY_SHARE][:2])[0]
    except (struct.error, IndexError):
        raise Garbage("a server hello that is none") from None
    flight.version = VERSION_NAMES.get(version)
    if flight.version is None:
        raise Garbage(f"a server hello of version {version:04x}")
    flight.suite, flight.compression, flight.extensions = suite, compression, extensions
    return random == RETRY


def read_message(flight: Flight, kind: int, body: bytes) -> None:
    """Take one handshake message after the server hello.

    Raises:
        Garbage: it does not hold what it should.
    """
    newest = flight.version == "TLS1.3"
    try:
        if kind == 11:
            if newest:
                _read_certificates13(flight, body[1 + body[0] :])
            else:
                flight.chain = _vector(body, 3, 3)
        elif kind == 22 and body[:1] == b"\x01":
            flight.staple = _sized(body[1:], 3)
        elif kind == 12:
            _read_key_exchange(flight, body)
        elif kind == 13:
            flight.certificate_requested = True
        elif (kind == 14 and not newest) or (kind == 20 and newest):
            flight.complete = True
    except (struct.error, IndexError):
        raise Garbage(f"a handshake message of kind {kind} that is none") from None


def _read_certificates13(flight: Flight, rest: bytes) -> None:
    """RFC 8446 4.4.2: each entry has extensions, among them the staple of RFC 6066."""
    entries = _sized(rest, 3)
    while entries:
        certificate = _sized(entries, 3)
        entries = entries[3 + len(certificate) :]
        extensions = _extensions(entries)
        entries = entries[2 + unpack(">H", entries[:2])[0] :]
        if not flight.chain and extensions.get(5, b"")[:1] == b"\x01":
            flight.staple = _sized(extensions[5][1:], 3)
        flight.chain.append(certificate)


def _read_key_exchange(flight: Flight, body: bytes) -> None:
    """RFC 5246 7.4.3 and RFC 8422 5.4; what the suite is tells which."""
    name = flight.suite_name or ""
    if "ECDH" in name:
        if body[0] == 3:
            flight.group = unpack(">H", body[1:3])[0]
    elif "_DHE_" in name or "_DH_anon_" in name:
        prime = body[2 : 2 + unpack(">H", body[:2])[0]]
        flight.dh_bits = int.from_bytes(prime, "big").bit_length()


def _extensions(rest: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    if len(rest) < 2:
        return found
    rest = rest[2 : 2 + unpack(">H", rest[:2])[0]]
    while rest:
        kind, length = unpack(">HH", rest[:4])
        found[kind] = rest[4 : 4 + length]
        rest = rest[4 + length :]
    return found


def _sized(data: bytes, width: int) -> bytes:
    length = int.from_bytes(data[:width], "big")
    if len(data) < width + length:
        raise IndexError
    return data[width : width + length]


def _vector(data: bytes, outer: int, inner: int) -> list[bytes]:
    rest = _sized(data, outer)
    found = []
    while rest:
        item = _sized(rest, inner)
        found.append(item)
        rest = rest[inner + len(item) :]
    return found
