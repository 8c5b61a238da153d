"""PKCS#12 keystores: their certificates without their keys, and never at the price that the file's writer names."""

from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from estate.certificates.certificate import Certificate, read_certificate
from estate.errors import BadReport

LONGEST_KEYSTORE = 4 << 20
MOST_ROUNDS = 5_000_000
"""Rounds of key derivation in all: more than any keystore needs (OWASP asks for 600,000), and seconds at most."""

_DEEPEST = 60
_MOST_ELEMENTS = 200_000
_INTEGER, _OCTETS, _CONSTRUCTED_OCTETS = 0x02, 0x04, 0x24


class _Lost(Exception):
    """Bytes that are no element."""


def read_keystore(data: bytes, password: bytes | None = None) -> tuple[Certificate, ...]:
    """The certificates of a PKCS#12 file, its own one first.

    Args:
        data: the file.
        password: what opens it; without one, none and the empty one are tried, which differ here.

    Raises:
        BadReport: it is none, is not opened by this password, or asks for too much work.
    """
    if len(data) > LONGEST_KEYSTORE:
        raise BadReport(f"{len(data)} bytes are over the limit of {LONGEST_KEYSTORE} for a keystore")
    rounds = _Rounds()
    try:
        rounds.count(data, 0)
    except _Lost:
        raise BadReport("not a keystore: its outermost structure is damaged") from None
    if rounds.total > MOST_ROUNDS:
        raise BadReport(f"a keystore that asks for {rounds.total:.2g} rounds of key derivation")
    for attempt in (password,) if password else (None, b""):
        try:
            store = pkcs12.load_pkcs12(data, attempt)
        except ValueError:
            continue
        # The private key is not even looked at; it goes out of reach with the end of this function.
        found = [entry.certificate for entry in (store.cert, *store.additional_certs) if entry is not None]
        if not found:
            raise BadReport("a keystore without certificates")
        return tuple(read_certificate(certificate.public_bytes(Encoding.DER)) for certificate in found)
    raise BadReport("a keystore that this password does not open" if password else "a keystore that needs a password")


class _Rounds:
    """Adds up what the derivations in a keystore cost: each is a salt (octets) followed by its count (a number)."""

    def __init__(self) -> None:
        self.total = 0
        self._elements = 0

    def count(self, data: bytes, depth: int) -> None:
        """Look at all elements of these bytes.

        Raises:
            _Lost: they are none.
        """
        at = 0
        while at < len(data):
            _, at = self._run(data, at, len(data), depth)

    def _run(self, data: bytes, at: int, end: int, depth: int) -> tuple[bytes, int]:
        """Look at the elements up to `end`, or up to the mark that ends an indefinite length; their octets joined."""
        if depth > _DEEPEST:
            raise BadReport(f"a keystore nested more than {_DEEPEST} deep")
        before = 0
        joined: list[bytes] = []
        while at < end:
            self._elements += 1
            if self._elements > _MOST_ELEMENTS:
                raise BadReport(f"a keystore of more than {_MOST_ELEMENTS} elements")
            tag, start, size = _header(data, at, end)
            if tag == 0 and size == 0:
                return b"".join(joined), start
            if tag & 0x20:
                stop = end if size is None else start + size
                value, at = self._run(data, start, stop, depth + 1)
            else:
                value, at = data[start : start + (size or 0)], start + (size or 0)
            if tag in (_OCTETS, _CONSTRUCTED_OCTETS):
                joined.append(value)
                self._look_inside(value, depth)
            elif tag == _INTEGER and before in (_OCTETS, _CONSTRUCTED_OCTETS):
                self.total += max(0, int.from_bytes(value[:16], "big", signed=True))
            before = tag
        return b"".join(joined), at

    def _look_inside(self, value: bytes, depth: int) -> None:
        """Octets often hold elements again; most hold none."""
        try:
            self.count(value, depth + 1)
        except _Lost:
            return


def _header(data: bytes, at: int, end: int) -> tuple[int, int, int | None]:
    """Tag, where the value starts, and its size, None where a mark ends it."""
    if at + 2 > end:
        raise _Lost
    tag, size, start = data[at], data[at + 1], at + 2
    if size == 0x80 and tag & 0x20:
        return tag, start, None
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4:
            raise _Lost
        size, start = int.from_bytes(data[start : start + count], "big"), start + count
    if start + size > end:
        raise _Lost
    return tag, start, size


def is_keystore(data: bytes) -> bool:
    """Whether these bytes begin as PKCS#12 does: a sequence whose first element is the number 3."""
    try:
        _, start, _ = _header(data, 0, len(data))
    except _Lost:
        return False
    return data[:1] == b"\x30" and data[start : start + 3] == b"\x02\x01\x03"
