"""First flights that no living library sends: SSL 2 and export suites, as far as a scanner needs them to go."""

import socket
from collections.abc import Callable, Set
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

EXPORT = 0x0003
"""TLS_RSA_EXPORT_WITH_RC4_40_MD5 (RFC 2246 A.5)."""
_SSL2_KINDS = bytes.fromhex("010080 0700c0 020080".replace(" ", ""))
"""RC4_128_WITH_MD5, DES_192_EDE3_CBC_WITH_MD5, RC4_128_EXPORT40_WITH_MD5."""


def peek(connection: socket.socket) -> bytes:
    """The first record, left where it is."""
    said = b""
    for _ in range(100):
        more = connection.recv(16_384, socket.MSG_PEEK)
        if len(more) == len(said):
            break
        said = more
        if len(said) >= 5 and len(said) >= 5 + int.from_bytes(said[3:5]):
            break
    return said


def is_ssl2(hello: bytes) -> bool:
    """A CLIENT-HELLO in the framing of SSL 2 that wants no more than SSL 2."""
    return len(hello) > 4 and bool(hello[0] & 0x80) and hello[2:5] == b"\1\0\2"


def answer_ssl2(connection: socket.socket, chain: Path) -> None:
    """SERVER-HELLO of SSL 2 (draft-hickman-netscape-ssl-00 5.3), after which nothing is understood."""
    connection.recv(16_384)
    certificate = _leaf(chain)
    body = (
        b"\4\0\1\0\2" + len(certificate).to_bytes(2) + len(_SSL2_KINDS).to_bytes(2) + (16).to_bytes(2)
        + certificate + _SSL2_KINDS + b"c" * 16
    )  # fmt: skip
    connection.sendall((0x8000 | len(body)).to_bytes(2) + body)
    connection.recv(16_384)


def wants_only_export(hello: bytes, others: Callable[[bool], Set[int]]) -> bool:
    """A client hello of TLS that offers the export suite, and none of the others that the server has.

    `others` tells them, given whether the client knows TLS 1.2.
    """
    if len(hello) < 44 or hello[0] != 22 or hello[5] != 1:
        return False
    at = 44 + hello[43]
    size = int.from_bytes(hello[at : at + 2])
    suites = {int.from_bytes(hello[n : n + 2]) for n in range(at + 2, at + 2 + size, 2)}
    return EXPORT in suites and not suites & others(hello[9:11] >= b"\3\3")


def answer_export(connection: socket.socket, chain: Path) -> None:
    """A first flight with an export suite and a key of 512 bits, whose signature is none; the end comes after it."""
    hello = connection.recv(16_384)
    version = min(hello[9:11], b"\3\3")
    certificate = _leaf(chain)
    modulus = b"\xc5" + b"\x5b" * 62 + b"\x0b"
    key = len(modulus).to_bytes(2) + modulus + b"\0\3\1\0\1"
    signature = (b"\4\1" if version == b"\3\3" else b"") + (256).to_bytes(2) + bytes(256)
    messages = (
        _message(2, version + b"s" * 32 + b"\0" + EXPORT.to_bytes(2) + b"\0" + b"\0\5\xff\1\0\1\0"),
        _message(11, (len(certificate) + 3).to_bytes(3) + len(certificate).to_bytes(3) + certificate),
        _message(12, key + signature),
        _message(14, b""),
    )
    connection.sendall(b"".join(b"\x16" + version + len(each).to_bytes(2) + each for each in messages))
    connection.recv(16_384)
    connection.sendall(b"\x15" + version + b"\0\2\2\x28")


def answer_endlessly(connection: socket.socket, chain: Path, size: int = 10_000_000) -> None:
    """A first flight of TLS 1.2 whose chain is the leaf and then itself again until there are ten megabytes of it."""
    hello = connection.recv(16_384)
    if len(hello) < 11 or hello[0] != 22:
        return
    leaf = _leaf(chain)
    entry = len(leaf).to_bytes(3) + leaf
    body = entry * (size // len(entry))
    flight = _message(2, b"\3\3" + b"s" * 32 + b"\0\xc0\x2f\0" + b"\0\5\xff\1\0\1\0")
    flight += _message(11, len(body).to_bytes(3) + body)
    for at in range(0, len(flight), 16_000):
        part = flight[at : at + 16_000]
        connection.sendall(b"\x16\3\3" + len(part).to_bytes(2) + part)


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3) + body


def _leaf(chain: Path) -> bytes:
    return x509.load_pem_x509_certificates(chain.read_bytes())[0].public_bytes(Encoding.DER)
