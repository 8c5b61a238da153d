"""What evidence proves was looked at: sets of keys, and one of four verdicts on each."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from urllib.parse import quote, unquote

from estate.errors import BadTarget

Spans = tuple[tuple[int, int], ...]
_NUMBERED = {"tcp": 65535, "udp": 65535, "sctp": 65535}
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?\Z", re.ASCII)


class Verdict(IntEnum):
    """What one look said of one key; a larger one is the stronger evidence."""

    BLIND = 0
    SILENT = 1
    NEGATIVE = 2
    POSITIVE = 3

    @property
    def word(self) -> str:
        """As it is stored and printed."""
        return self.name.lower()


WEAK_SILENCES = frozenset({"host-down", "sweep"})
"""Reasons whose silence never speaks against a fact.

A sweep sends one probe: at 10 % loss it misses 8 % of open ports (measured), and a host that is away
says nothing about its ports. Such silence still counts as having asked where nothing is known.
"""


class Keys:
    """An immutable set of keys `family/item`: numbers as ranges, other names one by one, `*` for all of a family.

    Spelled `tcp/1-1024,8080 udp/53`; equal sets have one spelling. Names are percent-quoted in the spelling.
    """

    __slots__ = ("_families", "_text")

    def __init__(self, families: dict[str, Spans | frozenset[str] | None] | None = None) -> None:
        """Take families as merged spans, as names, or as None for the whole family."""
        self._families = {name: items for name, items in (families or {}).items() if items is None or items}
        self._text: str | None = None

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str) -> "Keys":
        """Read the spelling that `str()` gives.

        Raises:
            BadTarget: a range that is none, or a port above 65535.
        """
        families: dict[str, Spans | frozenset[str] | None] = {}
        for word in text.split():
            family, found, items = word.partition("/")
            if not found or not items or family in families:
                raise BadTarget(f"{text!r} is not a list of keys such as tcp/1-1024,8080")
            if items == "*":
                families[family] = None
            elif family in _NUMBERED:
                families[family] = parse_spans(items, _NUMBERED[family])
            else:
                families[family] = frozenset(unquote(item) for item in items.split(","))
        return Keys(families)

    @staticmethod
    def of(keys: Iterable[str]) -> "Keys":
        """The set of these single keys, each `family/item`."""
        numbers: dict[str, list[int]] = {}
        names: dict[str, set[str]] = {}
        for key in keys:
            family, _, item = key.partition("/")
            if family in _NUMBERED:
                numbers.setdefault(family, []).append(int(item))
            else:
                names.setdefault(family, set()).add(item)
        families: dict[str, Spans | frozenset[str] | None] = {
            family: merge_spans((number, number) for number in found) for family, found in numbers.items()
        }
        families.update((family, frozenset(found)) for family, found in names.items())
        return Keys(families)

    @property
    def families(self) -> tuple[str, ...]:
        """The families that occur, sorted."""
        return tuple(sorted(self._families))

    def spans(self, family: str) -> Spans:
        """The ranges of a numbered family."""
        items = self._families.get(family, ())
        if items is None:
            return ((0, _NUMBERED[family]),)
        return items if isinstance(items, tuple) else ()

    def __contains__(self, key: object) -> bool:
        family, _, item = str(key).partition("/")
        if family not in self._families:
            return False
        items = self._families[family]
        if items is None:
            return True
        if isinstance(items, frozenset):
            return item in items
        number = int(item)
        at = bisect_right(items, (number, 65536)) - 1
        return at >= 0 and items[at][0] <= number <= items[at][1]

    def __or__(self, other: "Keys") -> "Keys":
        if not other._families or self is other:
            return self
        if not self._families:
            return other
        families = dict(self._families)
        for family, items in other._families.items():
            families[family] = _union(families[family], items) if family in families else items
        return Keys(families)

    def __sub__(self, other: "Keys") -> "Keys":
        if not self._families or not other._families:
            return self
        families: dict[str, Spans | frozenset[str] | None] = {}
        for family, items in self._families.items():
            families[family] = _minus(family, items, other._families[family]) if family in other._families else items
        return Keys(families)

    def __and__(self, other: "Keys") -> "Keys":
        if self is other:
            return self
        families: dict[str, Spans | frozenset[str] | None] = {}
        for family, items in self._families.items():
            if family in other._families:
                families[family] = _both(items, other._families[family])
        return Keys(families)

    def __len__(self) -> int:
        """How many keys; a whole family of names counts as one, since nobody knows its size."""
        total = 0
        for family, items in self._families.items():
            if items is None:
                total += _NUMBERED.get(family, 0) + 1
            elif isinstance(items, frozenset):
                total += len(items)
            else:
                total += sum(high - low + 1 for low, high in items)
        return total

    def __bool__(self) -> bool:
        return bool(self._families)

    def __iter__(self) -> Iterator[str]:
        for family in self.families:
            items = self._families[family]
            if items is None and family not in _NUMBERED:
                yield f"{family}/*"
            elif isinstance(items, frozenset):
                yield from (f"{family}/{item}" for item in sorted(items))
            else:
                for low, high in self.spans(family):
                    yield from (f"{family}/{number}" for number in range(low, high + 1))

    def __str__(self) -> str:
        if self._text is None:
            self._text = " ".join(f"{family}/{_spell(self._families[family])}" for family in self.families)
        return self._text

    def __repr__(self) -> str:
        return f"Keys({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and self._families == other._families

    def __hash__(self) -> int:
        return hash(str(self))


NOTHING = Keys()


def parse_spans(text: str, highest: int = 65535) -> Spans:
    """Read `1-21,23` into merged ranges.

    Raises:
        BadTarget: anything else, a reversed range, or a number above `highest`.
    """
    found = []
    for item in text.split(","):
        match = _RANGE.match(item)
        if match is None:
            raise BadTarget(f"{item!r} in {text[:60]!r} is not a port or a range of ports")
        low = int(match[1])
        high = int(match[2]) if match[2] else low
        if low > high or high > highest:
            raise BadTarget(f"{item!r} is not a range between 0 and {highest}")
        found.append((low, high))
    return merge_spans(found)


def merge_spans(spans: Iterable[tuple[int, int]]) -> Spans:
    """Sorted, with touching and overlapping ranges joined."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            if high > merged[-1][1]:
                merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return tuple(merged)


def spell_spans(spans: Spans) -> str:
    """The ranges as `1-21,23`."""
    return ",".join(f"{low}-{high}" if high > low else str(low) for low, high in spans)


@dataclass(frozen=True, slots=True)
class Look:
    """One verdict on a set of keys of one subject, with the reason that the evidence gives."""

    verdict: Verdict
    reason: str
    keys: Keys

    @property
    def weak(self) -> bool:
        """Whether this is a silence that never speaks against a fact."""
        return self.verdict is Verdict.SILENT and self.reason in WEAK_SILENCES


def _spell(items: Spans | frozenset[str] | None) -> str:
    if items is None:
        return "*"
    if isinstance(items, frozenset):
        return ",".join(quote(item, safe=":/@+._-~=#?&[]()") for item in sorted(items))
    return spell_spans(items)


def _union(one: Spans | frozenset[str] | None, two: Spans | frozenset[str] | None) -> Spans | frozenset[str] | None:
    if one is None or two is None:
        return None
    if isinstance(one, frozenset) or isinstance(two, frozenset):
        return frozenset(one) | frozenset(two)  # type: ignore[arg-type]  # one family holds one kind of item
    return merge_spans((*one, *two))


def _both(one: Spans | frozenset[str] | None, two: Spans | frozenset[str] | None) -> Spans | frozenset[str] | None:
    if one is None or two is None:
        return one if two is None else two
    if isinstance(one, frozenset) or isinstance(two, frozenset):
        return frozenset(one) & frozenset(two)  # type: ignore[arg-type]  # one family holds one kind of item
    return _cut(one, two, keep_inside=True)


def _minus(
    family: str, one: Spans | frozenset[str] | None, two: Spans | frozenset[str] | None
) -> Spans | frozenset[str] | None:
    if two is None:
        return ()
    if one is None:
        if family not in _NUMBERED:
            return None  # all but some names is still "all others", which has no other spelling
        one = ((0, _NUMBERED[family]),)
    if isinstance(one, frozenset) or isinstance(two, frozenset):
        return frozenset(one) - frozenset(two)
    return _cut(one, two, keep_inside=False)


def _cut(one: Spans, two: Spans, *, keep_inside: bool) -> Spans:
    kept: list[tuple[int, int]] = []
    at = 0
    for low, high in one:
        while at < len(two) and two[at][1] < low:
            at += 1
        start, index = low, at
        while index < len(two) and two[index][0] <= high:
            other_low, other_high = two[index]
            if keep_inside:
                kept.append((max(low, other_low), min(high, other_high)))
            elif other_low > start:
                kept.append((start, other_low - 1))
            start = max(start, other_high + 1)
            index += 1
        if not keep_inside and start <= high:
            kept.append((start, high))
    return tuple(kept)
