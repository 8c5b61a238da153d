"""A session of TLS 1.0 to 1.2 that verifies nobody, for the two things that can only be tried inside of one.

Knows AES with GCM or CBC, and key exchanges by RSA or elliptic curves: what every server of these versions has.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from struct import pack

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509 import load_der_x509_certificate

from tasks.tls.client_hello import VERSIONS
from tasks.tls.converse import Conversation
from tasks.tls.failures import Garbage
from tasks.tls.flight import Flight
from tasks.tls.groups import make_share
from tasks.tls.stream import Stream

SUITES = (0xC02F, 0xC02B, 0x009C, 0xC030, 0xC02C, 0x009D, 0xC013, 0xC009, 0x002F, 0xC014, 0xC00A, 0x0035)
GROUPS = (29, 23, 24, 25)

_ALERT, _HANDSHAKE, _CHANGE = 21, 22, 20
_BIG = frozenset({0xC030, 0xC02C, 0x009D, 0xC014, 0xC00A, 0x0035})
_GCM = frozenset(SUITES[:6])
_MAC = 20


@dataclass(slots=True)
class _Side:
    """The keys of one direction."""

    version: int
    key: bytes
    iv: bytes
    mac: bytes
    sequence: int = 0

    def seal(self, kind: int, data: bytes) -> bytes:
        """One record (RFC 5246 6.2.3, RFC 5288)."""
        head = pack(">QBHH", self.sequence, kind, self.version, len(data))
        if not self.mac:
            nonce = pack(">Q", self.sequence)
            body = nonce + AESGCM(self.key).encrypt(self.iv + nonce, data, head)
        else:
            plain = data + hmac.digest(self.mac, head + data, "sha1")
            fill = 16 - len(plain) % 16
            plain += bytes((fill - 1,)) * fill
            iv = self.iv if self.version == 0x0301 else os.urandom(16)
            cipher = Cipher(algorithms.AES(self.key), modes.CBC(iv)).encryptor()
            sealed = cipher.update(plain) + cipher.finalize()
            body = sealed if self.version == 0x0301 else iv + sealed
            self.iv = sealed[-16:]
        self.sequence += 1
        return pack(">BHH", kind, self.version, len(body)) + body

    def open(self, kind: int, body: bytes) -> bytes:
        """The content of one record.

        Raises:
            Garbage: it was not sealed with the agreed keys.
        """
        try:
            if not self.mac:
                head = pack(">QBHH", self.sequence, kind, self.version, len(body) - 24)
                plain = AESGCM(self.key).decrypt(self.iv + body[:8], body[8:], head)
            else:
                iv, sealed = (self.iv, body) if self.version == 0x0301 else (body[:16], body[16:])
                cipher = Cipher(algorithms.AES(self.key), modes.CBC(iv)).decryptor()
                padded = cipher.update(sealed) + cipher.finalize()
                plain = padded[: -_MAC - 1 - padded[-1]]
                self.iv = sealed[-16:]
        except (InvalidTag, ValueError, IndexError, OverflowError):
            raise Garbage("a record that was not sealed with the agreed keys") from None
        self.sequence += 1
        return plain


class Session:
    """A finished handshake."""

    def __init__(self, stream: Stream, conversation: Conversation, flight: Flight) -> None:
        """Go on where the server waits after its first flight.

        Raises:
            NoConversation: it does not come to a session.
        """
        self._stream = stream
        self._version = VERSIONS[flight.version or ""]
        suite = flight.suite or 0
        self._digest = ("sha384" if suite in {0xC030, 0xC02C, 0x009D} else "sha256") if self._version == 0x0303 else ""
        secret, exchange = _exchange(conversation, flight)
        randoms = conversation.transcript[6:38], conversation.messages[2][2:34]
        master = self._prf(secret, b"master secret", randoms[0] + randoms[1], 48)
        mac, key, iv = (0, 32 if suite in _BIG else 16, 4) if suite in _GCM else (_MAC, 32 if suite in _BIG else 16, 16)
        block = self._prf(master, b"key expansion", randoms[1] + randoms[0], 2 * (mac + key + iv))
        cut = [block[at : at + size] for at, size in _places(mac, key, iv)]
        self._ours = _Side(self._version, cut[2], cut[4], cut[0])
        self._theirs = _Side(self._version, cut[3], cut[5], cut[1])
        messages = _message(11, b"\0\0\0") if flight.certificate_requested else b""
        messages += _message(16, exchange)
        seen = conversation.transcript + messages
        check = self._prf(master, b"client finished", self._hash(seen), 12)
        self._stream.send(
            self._plain(_HANDSHAKE, messages)
            + self._plain(_CHANGE, b"\1")
            + self._ours.seal(_HANDSHAKE, _message(20, check))
        )
        self._await_change()

    def say(self, message: bytes) -> None:
        """Send a handshake message."""
        self._stream.send(self._ours.seal(_HANDSHAKE, message))

    def hear(self) -> tuple[int, bytes]:
        """Kind and content of the next record.

        Raises:
            NoConversation: there is none, or it cannot be read.
        """
        kind, body = _record(self._stream)
        return kind, self._theirs.open(kind, body)

    def _await_change(self) -> None:
        for _ in range(20):
            kind, body = _record(self._stream)
            if kind == _ALERT:
                raise Garbage("the server declines our part of the handshake")
            if kind == _CHANGE:
                # Its Finished comes next, which proves nothing that we want to know.
                self.hear()
                return
            if kind != _HANDSHAKE:
                break
            del body
        raise Garbage("the server does not finish the handshake")

    def _plain(self, kind: int, data: bytes) -> bytes:
        return pack(">BHH", kind, self._version, len(data)) + data

    def _hash(self, data: bytes) -> bytes:
        if self._digest:
            return hashlib.new(self._digest, data).digest()
        # TLS 1.0 and 1.1 (RFC 2246 7.4.9) know no other hashes.
        return hashlib.md5(data).digest() + hashlib.sha1(data).digest()  # noqa: S324 - the protocol's own

    def _prf(self, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
        if self._digest:
            return _expand(self._digest, secret, label + seed, length)
        half = (len(secret) + 1) // 2
        parts = (
            _expand("md5", secret[:half], label + seed, length),
            _expand("sha1", secret[-half:], label + seed, length),
        )
        return bytes(one ^ other for one, other in zip(*parts, strict=True))


def _exchange(conversation: Conversation, flight: Flight) -> tuple[bytes, bytes]:
    """The premaster secret, and our key exchange message."""
    try:
        if flight.group is not None:
            body = conversation.messages[12]
            share = make_share(flight.group)
            if share is None:
                raise Garbage("a curve that we cannot do")
            return share.finish(body[4 : 4 + body[3]]), bytes((len(share.public),)) + share.public
        public = load_der_x509_certificate(flight.chain[0]).public_key()
        if not isinstance(public, rsa.RSAPublicKey):
            raise Garbage("a key that cannot exchange")
        secret = pack(">H", 0x0303 if conversation.transcript[4:6] == b"\x03\x03" else 0x0301) + os.urandom(46)
        secret = conversation.transcript[4:6] + secret[2:]
        sealed = public.encrypt(secret, padding.PKCS1v15())
    except (KeyError, IndexError, ValueError, UnsupportedAlgorithm) as error:
        raise Garbage(f"no key exchange: {error}") from None
    return secret, pack(">H", len(sealed)) + sealed


def _places(mac: int, key: int, iv: int) -> tuple[tuple[int, int], ...]:
    """Where the six keys lie in the key block (RFC 5246 6.3)."""
    sizes = (mac, mac, key, key, iv, iv)
    return tuple((sum(sizes[:number]), size) for number, size in enumerate(sizes))


def _record(stream: Stream) -> tuple[int, bytes]:
    header = stream.read(5)
    length = int.from_bytes(header[3:], "big")
    if header[1] != 3 or length > 18_432:
        raise Garbage("no record of TLS")
    return header[0], stream.read(length)


def _message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def _expand(digest: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash of RFC 5246 5."""
    out, step = b"", seed
    while len(out) < length:
        step = hmac.digest(secret, step, digest)
        out += hmac.digest(secret, step + seed, digest)
    return out[:length]
