"""Sets of addresses and names that somebody asked to look at, without spelling out a /8."""

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate

from estate.assets import Address, canonical_address, canonical_name
from estate.errors import BadTarget

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}\Z", re.ASCII)
_OCTETS = {str(number): number for number in range(256)}
LARGEST = 1 << 24
"""More addresses than a /8 are never walked through one by one: it would take days at any pace."""


class Targets:
    """An immutable set of addresses (as ranges per IP version) and names, in one spelling and one order."""

    __slots__ = ("_before", "_ranges", "_starts", "names")

    def __init__(self, ranges: Iterable[tuple[int, int, int]] = (), names: Iterable[str] = ()) -> None:
        """Take ranges as (IP version, first, last)."""
        merged: list[tuple[int, int, int]] = []
        for version, low, high in sorted(ranges):
            if merged and merged[-1][0] == version and low <= merged[-1][2] + 1:
                merged[-1] = (version, merged[-1][1], max(high, merged[-1][2]))
            else:
                merged.append((version, low, high))
        self._ranges = tuple(merged)
        self._starts = [(version, low) for version, low, _ in merged]
        self._before = [0, *accumulate(high - low + 1 for _, low, high in merged)]
        self.names = tuple(sorted(set(names)))

    @classmethod
    def parse(cls, words: str | Iterable[str]) -> "Targets":
        """Read addresses, networks, `10.0.0.1-20`, `10.0.0.1-10.0.1.9` and names, separated by commas or as a list.

        Raises:
            BadTarget: naming the word that is none of these.
        """
        ranges: list[tuple[int, int, int]] = []
        names: list[str] = []
        for word in words.split(",") if isinstance(words, str) else words:
            text = word.strip()
            if not text:
                raise BadTarget("an empty target: is there a comma too many?")
            found = _range(text)
            if found is None:
                names.append(canonical_name(text))
            else:
                ranges.append(found)
        return cls(ranges, names)

    @property
    def size(self) -> int:
        """How many addresses and names there are; unlike `len()` it has a word for IPv6 networks."""
        return self._before[-1] + len(self.names)

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return bool(self._ranges or self.names)

    def __contains__(self, subject: object) -> bool:
        return self.index(str(subject)) is not None

    def index(self, subject: str) -> int | None:
        """Where the subject stands in iteration order, or None where it is not in the set."""
        found = _number(subject)
        if found is None:
            at = self.names.index(subject) if subject in self.names else None
            return None if at is None else self._before[-1] + at
        at = bisect_right(self._starts, found) - 1
        if at < 0:
            return None
        version, low, high = self._ranges[at]
        return self._before[at] + found[1] - low if version == found[0] and found[1] <= high else None

    def __iter__(self) -> Iterator[str]:
        if self.size > LARGEST:
            raise BadTarget(f"{self.size:,} addresses are too many to walk through: name the hosts or smaller networks")
        for version, low, high in self._ranges:
            for number in range(low, high + 1):
                yield str(_address(version, number))
        yield from self.names

    def chunks(self, size: int) -> Iterator["Targets"]:
        """Cut into sets of at most `size` addresses, at multiples of `size` (a /24 for 256); names come last, alone."""
        for version, low, high in self._ranges:
            start = low
            while start <= high:
                end = min(high, start - start % size + size - 1)
                yield Targets([(version, start, end)])
                start = end + 1
        if self.names:
            yield Targets((), self.names)

    def without(self, subjects: Iterable[str]) -> "Targets":
        """The set less these single addresses and names."""
        left = list(self._ranges)
        names = set(self.names)
        for subject in subjects:
            names.discard(subject)
            if canonical_address(subject) is None:
                continue
            address = ipaddress.ip_address(subject)
            version, number = address.version, int(address)
            kept: list[tuple[int, int, int]] = []
            for found, low, high in left:
                if found != version or not low <= number <= high:
                    kept.append((found, low, high))
                    continue
                if low < number:
                    kept.append((found, low, number - 1))
                if number < high:
                    kept.append((found, number + 1, high))
            left = kept
        return Targets(left, names)

    def words(self) -> tuple[str, ...]:
        """The set as networks, ranges and names; `parse` reads it back."""
        found: list[str] = []
        for version, low, high in self._ranges:
            networks = _networks(version, low, high)
            found += networks if len(networks) <= 4 else [f"{_address(version, low)}-{_address(version, high)}"]
        return (*found, *self.names)

    def __str__(self) -> str:
        return ",".join(self.words())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Targets) and (self._ranges, self.names) == (other._ranges, other.names)

    def __hash__(self) -> int:
        return hash((self._ranges, self.names))


def _number(subject: str) -> tuple[int, int] | None:
    """An address as (version, number): this is asked of every host of a report, so IPv4 takes no detour."""
    network, _, last = subject.rpartition(".")
    octet = _OCTETS.get(last)
    if octet is not None and (first := _first_of(network)) is not None:
        return 4, first | octet
    if ":" not in subject:
        return None
    try:
        address = ipaddress.ip_address(subject)
    except ValueError:
        return None
    return address.version, int(address)


@lru_cache(maxsize=4096)
def _first_of(network: str) -> int | None:
    """The number of the first address of a /24, given as its first three octets."""
    if not _IPV4.match(f"{network}.0"):
        return None
    one, two, three = map(int, network.split("."))
    return (one << 24) | (two << 16) | (three << 8)


def _range(text: str) -> tuple[int, int, int] | None:
    """The text as (version, first, last), or None where it is no address, network or range of addresses."""
    single = canonical_address(text)
    if single is not None:
        address = ipaddress.ip_address(single)
        return address.version, int(address), int(address)
    if "/" in text:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise BadTarget(f"{text!r} is not a network: {error}") from None
        return network.version, int(network.network_address), int(network.broadcast_address)
    first, dash, last = text.partition("-")
    start = canonical_address(first) if dash else None
    if start is None:
        return None
    low = ipaddress.ip_address(start)
    if last.isascii() and last.isdigit() and low.version == 4:
        last = f"{start.rpartition('.')[0]}.{int(last)}"
    end = canonical_address(last)
    if end is None:
        raise BadTarget(f"{text!r} is not a range of addresses")
    high = ipaddress.ip_address(end)
    if high.version != low.version or int(high) < int(low):
        raise BadTarget(f"{text!r} is not a range: its end must not come before its start")
    return low.version, int(low), int(high)


def _networks(version: int, low: int, high: int) -> list[str]:
    """The range as networks, single addresses without their prefix."""
    if version == 4:
        blocks = ipaddress.summarize_address_range(ipaddress.IPv4Address(low), ipaddress.IPv4Address(high))
        return [str(block).removesuffix("/32") for block in blocks]
    wide = ipaddress.summarize_address_range(ipaddress.IPv6Address(low), ipaddress.IPv6Address(high))
    return [str(block).removesuffix("/128") for block in wide]


def _address(version: int, number: int) -> Address:
    return ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)
