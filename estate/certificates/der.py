"""The bytes that certificates are made of: one tag, length and value at a time, and no trust in any of them.

Our own reader next to `cryptography`'s, for two reasons: that one refuses a certificate as a whole where a single
extension is odd, and an expired certificate with an odd extension is still expired.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31

_LONGEST_OID = 64
_ENCODINGS = {0x0C: "utf-8", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}
_TIME = re.compile(rb"(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,]\d{1,9})?(Z|[+-]\d{4})\Z")


class Malformed(ValueError):
    """Bytes that are no DER, or not the DER that belongs here."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its identifier byte, its value, and all of its bytes."""

    tag: int
    value: bytes
    raw: bytes

    @property
    def context(self) -> int | None:
        """The number of a context-specific tag, else None."""
        return self.tag & 0x1F if self.tag & 0xC0 == 0x80 else None

    def parts(self) -> tuple["Element", ...]:
        """The elements that a constructed one is made of."""
        return tuple(walk(self.value))

    def part(self, number: int) -> "Element":
        """One of the elements that a constructed one is made of.

        Raises:
            Malformed: it has not so many.
        """
        parts = self.parts()
        if number >= len(parts):
            raise Malformed("a part is missing")
        return parts[number]

    def expect(self, *tags: int) -> "Element":
        """This element.

        Raises:
            Malformed: it bears none of these tags.
        """
        if self.tag not in tags:
            raise Malformed(f"tag 0x{self.tag:02x} where 0x{tags[0]:02x} belongs")
        return self


def walk(data: bytes) -> Iterator[Element]:
    """The elements of a run of bytes, one after the other.

    Raises:
        Malformed: where a length says more than there is, or is spelled in a way that DER does not know.
    """
    at, end = 0, len(data)
    while at < end:
        header = _header(data, at)
        size = _length(data, at)
        value_end = at + header + size
        if value_end > end:
            raise Malformed(f"{size} bytes announced, {max(end - at - header, 0)} there")
        yield Element(data[at], data[at + header : value_end], data[at:value_end])
        at = value_end


def read(data: bytes) -> Element:
    """The one element that these bytes are.

    Raises:
        Malformed: no element, or bytes after it.
    """
    element = first(data)
    if len(element.raw) != len(data):
        raise Malformed(f"{len(data) - len(element.raw)} bytes too many")
    return element


def first(data: bytes) -> Element:
    """The element that these bytes begin with; what follows it is not looked at.

    Raises:
        Malformed: there is none.
    """
    for element in walk(data):
        return element
    raise Malformed("nothing there")


def integer(element: Element) -> int:
    """The number of an INTEGER or ENUMERATED; the caller bounds its size."""
    if not element.value:
        raise Malformed("an INTEGER without a byte")
    return int.from_bytes(element.expect(INTEGER, 0x0A).value, "big", signed=True)


def small(element: Element) -> int:
    """An INTEGER that is a count.

    Raises:
        Malformed: longer than four bytes, or negative.
    """
    number = integer(element) if len(element.value) <= 4 else -1
    if number < 0:
        raise Malformed("a number out of range")
    return number


def boolean(element: Element) -> bool:
    """The value of a BOOLEAN."""
    if len(element.expect(BOOLEAN).value) != 1:
        raise Malformed("a BOOLEAN of other than one byte")
    return element.value != b"\0"


def bits(element: Element) -> bytes:
    """The bytes of a BIT STRING that is made of whole bytes, as keys and signatures are."""
    if element.expect(BIT_STRING).value[:1] != b"\0":
        raise Malformed("a BIT STRING that is no whole bytes")
    return element.value[1:]


def flags(element: Element) -> frozenset[int]:
    """The numbers of the bits that are set in a short BIT STRING."""
    data = element.expect(BIT_STRING).value[1:]
    if len(data) > 4:
        raise Malformed("more flags than there are meanings")
    return frozenset(number for number in range(len(data) * 8) if data[number // 8] & (0x80 >> number % 8))


def oid(element: Element) -> str:
    """An OBJECT IDENTIFIER as dotted numbers."""
    data = element.expect(OID).value
    if not data or len(data) > _LONGEST_OID or data[-1] & 0x80:
        raise Malformed("an OBJECT IDENTIFIER that is none")
    numbers: list[int] = []
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    top = min(numbers[0] // 40, 2)
    return ".".join(map(str, (top, numbers[0] - 40 * top, *numbers[1:])))


def text(element: Element) -> str:
    """A string of any of the kinds that names use; bytes that do not fit show as replacement characters."""
    return element.value.decode(_ENCODINGS.get(element.tag, "latin-1"), "replace")


def time(element: Element) -> datetime:
    """A UTCTime (years 1950 to 2049) or GeneralizedTime.

    Raises:
        Malformed: a day that no calendar has, or another spelling.
    """
    spelled = element.expect(UTC_TIME, GENERALIZED_TIME).value
    match = _TIME.match(spelled[:40])
    shown = spelled[:40].decode("ascii", "backslashreplace")
    if match is None or len(match[1]) != (2 if element.tag == UTC_TIME else 4):
        raise Malformed(f"{shown!r} is not a time")
    year = int(match[1])
    if element.tag == UTC_TIME:
        year += 1900 if year >= 50 else 2000
    zone = match[7].decode()
    try:
        month, day, hour, minute, second = (int(match[group] or 0) for group in range(2, 7))
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if zone != "Z":
            ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
            moment += -ahead if zone[0] == "+" else ahead
    except (ValueError, OverflowError):
        raise Malformed(f"{shown!r} is not a day of the calendar") from None
    return moment


def _header(data: bytes, at: int) -> int:
    """How many bytes stand before the value."""
    if data[at] & 0x1F == 0x1F:
        raise Malformed("a tag above 30, which no certificate has")
    if at + 1 >= len(data):
        raise Malformed("it ends after a tag")
    return 2 + (data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0)


def _length(data: bytes, at: int) -> int:
    head = data[at + 1]
    if not head & 0x80:
        return head
    count = head & 0x7F
    if not 1 <= count <= 4 or at + 2 + count > len(data):
        raise Malformed("a length that DER does not know")
    return int.from_bytes(data[at + 2 : at + 2 + count], "big")
