"""The handshake keys of TLS 1.3, with which a client that verifies nothing reads the server's certificates."""

import hashlib
import hmac
from dataclasses import dataclass
from struct import pack

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from tasks.tls.failures import Garbage


@dataclass(slots=True)
class Reader:
    """Opens the records that a server seals after its hello (RFC 8446 5.2)."""

    aead: AESGCM | AESCCM | ChaCha20Poly1305
    iv: bytes
    sequence: int = 0

    def open(self, record: bytes, header: bytes) -> tuple[int, bytes]:
        """Content type and content.

        Raises:
            Garbage: it was not sealed with the agreed keys.
        """
        nonce = (int.from_bytes(self.iv, "big") ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        try:
            plain = self.aead.decrypt(nonce, record, header).rstrip(b"\0")
        except InvalidTag:
            raise Garbage("a record that was not sealed with the agreed keys") from None
        if not plain:
            raise Garbage("an empty record")
        return plain[-1], plain[:-1]


def handshake_reader(suite: int, shared: bytes, transcript: bytes) -> Reader:
    """The server's handshake keys (RFC 8446 7.1), after its hello.

    Args:
        suite: what the server chose.
        shared: the result of the key exchange.
        transcript: client hello to server hello, handshake messages only.

    Raises:
        Garbage: the suite is none of TLS 1.3.
    """
    if not 0x1301 <= suite <= 0x1305:
        raise Garbage(f"{suite:04x} is no suite of TLS 1.3")
    digest = hash_of(suite)
    size = hashlib.new(digest).digest_size
    empty = hashlib.new(digest).digest()
    early = _extract(digest, bytes(size), bytes(size))
    handshake = _extract(digest, _expand(digest, early, b"derived", empty, size), shared)
    traffic = _expand(digest, handshake, b"s hs traffic", hashlib.new(digest, transcript).digest(), size)
    key = _expand(digest, traffic, b"key", b"", 16 if suite in {0x1301, 0x1304, 0x1305} else 32)
    iv = _expand(digest, traffic, b"iv", b"", 12)
    if suite == 0x1303:
        return Reader(ChaCha20Poly1305(key), iv)
    if suite in {0x1304, 0x1305}:
        return Reader(AESCCM(key, tag_length=8 if suite == 0x1305 else 16), iv)
    return Reader(AESGCM(key), iv)


def hash_of(suite: int) -> str:
    """The hash of a suite of TLS 1.3."""
    return "sha384" if suite == 0x1302 else "sha256"


def replaced_hello(suite: int, hello: bytes) -> bytes:
    """What stands for the first client hello after a retry (RFC 8446 4.4.1)."""
    digest = hashlib.new(hash_of(suite), hello).digest()
    return b"\xfe" + len(digest).to_bytes(3, "big") + digest


def _extract(digest: str, salt: bytes, key: bytes) -> bytes:
    return hmac.digest(salt, key, digest)


def _expand(digest: str, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label for at most one block."""
    full = b"tls13 " + label
    info = pack(">H", length) + bytes((len(full),)) + full + bytes((len(context),)) + context
    return hmac.digest(secret, info + b"\x01", digest)[:length]
