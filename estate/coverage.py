"""What evidence proves was looked at: sets of keys, and one of four verdicts on each."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from urllib.parse import quote, unquote

from estate.errors import BadTarget

Spans = tuple[tuple[int, int], ...]
Items = Spans | frozenset[str] | None
"""What a family holds: numbers as merged ranges, names one by one, or None for all of it."""

_NUMBERED = {"tcp": 65535, "udp": 65535, "sctp": 65535}
_WHOLE: dict[str, Spans] = {family: ((0, highest),) for family, highest in _NUMBERED.items()}
_SPANS = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*+\Z")
_SPAN = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?\Z")


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

    def __init__(self, families: dict[str, Items] | None = None) -> None:
        """Take families as merged spans, as names, or as None for the whole family."""
        self._families: dict[str, Items] = {
            name: _WHOLE.get(name) if items is None else items
            for name, items in (families or {}).items()
            if items is None or items
        }
        self._text: str | None = None

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str) -> "Keys":
        """Read the spelling that `str()` gives.

        Raises:
            BadTarget: a range that is none, or a port above 65535.
        """
        families: dict[str, Items] = {}
        for word in text.split():
            family, found, items = word.partition("/")
            if not family or not found or not items or family in families:
                raise BadTarget(f"{text!r} is not a list of keys such as tcp/1-1024,8080")
            if items == "*":
                families[family] = None
            elif family in _NUMBERED:
                families[family] = parse_spans(items, _NUMBERED[family])
            else:
                families[family] = frozenset(unquote(item) for item in items.split(","))
        return Keys(families)

    @staticmethod
    def ranges(family: str, spans: Spans) -> "Keys":
        """The set of these merged, not empty ranges of one numbered family, without a detour: readers make many."""
        keys = Keys.__new__(Keys)
        keys._families = {family: spans}
        keys._text = None
        return keys

    @staticmethod
    def of(keys: Iterable[str]) -> "Keys":
        """The set of these keys, each `family/item`, or `family/*` for all of a family."""
        numbers: dict[str, list[int]] = {}
        names: dict[str, set[str]] = {}
        whole: set[str] = set()
        for key in keys:
            family, _, item = key.partition("/")
            if item == "*":
                whole.add(family)
            elif family in _NUMBERED:
                numbers.setdefault(family, []).append(int(item))
            else:
                names.setdefault(family, set()).add(item)
        families: dict[str, Items] = {
            family: merge_spans((number, number) for number in found) for family, found in numbers.items()
        }
        families.update((family, frozenset(found)) for family, found in names.items())
        families.update(dict.fromkeys(whole))
        return Keys(families)

    @property
    def families(self) -> tuple[str, ...]:
        """The families that occur, sorted."""
        return tuple(sorted(self._families))

    def spans(self, family: str) -> Spans:
        """The ranges of a numbered family."""
        items = self._families.get(family)
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
        if not item.isdecimal():
            return False
        number = int(item)
        at = bisect_left(items, (number + 1,)) - 1
        return at >= 0 and number <= items[at][1]

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
        families: dict[str, Items] = {}
        for family, items in self._families.items():
            families[family] = _minus(items, other._families[family]) if family in other._families else items
        return Keys(families)

    def __and__(self, other: "Keys") -> "Keys":
        if self is other:
            return self
        families: dict[str, Items] = {}
        for family, items in self._families.items():
            if family in other._families:
                families[family] = _both(items, other._families[family])
        return Keys(families)

    def rest_after(self, keys: Iterable[str], parts: Iterable["Keys"]) -> "Keys | None":
        """What these single keys and these sets leave of this one, if they lie in it and nowhere overlap; else None.

        Only sure of numbered families: None may also mean that this cheap look could not tell.
        """
        pieces: dict[str, list[tuple[int, int]]] = {}
        for part in parts:
            for family, items in part._families.items():
                if not isinstance(items, tuple):
                    return None
                pieces.setdefault(family, []).extend(items)
        for key in keys:
            family, _, item = key.partition("/")
            if family not in _NUMBERED:
                return None
            number = int(item)
            pieces.setdefault(family, []).append((number, number))
        families = dict(self._families)
        for family, found in pieces.items():
            whole = families.get(family)
            if not isinstance(whole, tuple):
                return None
            left = _left_between(whole, found)
            if left is None:
                return None
            families[family] = left
        return Keys(families)

    def __len__(self) -> int:
        """How many keys; a whole family of names counts as one, since nobody knows its size."""
        total = 0
        for items in self._families.values():
            if items is None:
                total += 1
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
            if items is None:
                yield f"{family}/*"
            elif isinstance(items, frozenset):
                yield from (f"{family}/{item}" for item in sorted(items))
            else:
                for low, high in items:
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
    if not _SPANS.match(text):
        wrong = next(item for item in text.split(",") if not _SPAN.match(item))
        raise BadTarget(f"{wrong[:60]!r} in {text[:60]!r} is not a port or a range of ports")
    spans = []
    for item in text.split(","):
        low, _, high = item.partition("-")
        spans.append((int(low), int(high or low)))
    last = -2
    merged = True
    for first, final in spans:
        if first > final or final > highest:
            raise BadTarget(f"{first}-{final} is not a range between 0 and {highest}")
        merged = merged and first > last + 1
        last = final
    # Scanners write ranges sorted and merged; only people do not.
    return tuple(spans) if merged else merge_spans(spans)


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


def _spell(items: Items) -> str:
    if items is None:
        return "*"
    if isinstance(items, frozenset):
        return ",".join(quote(item, safe=":/@+._-~=#?&[]()") for item in sorted(items))
    return spell_spans(items)


def _names(items: Spans | frozenset[str]) -> frozenset[str]:
    return items if isinstance(items, frozenset) else frozenset()


def _union(one: Items, two: Items) -> Items:
    if one is None or two is None:
        return None
    if isinstance(one, tuple) and isinstance(two, tuple):
        return merge_spans((*one, *two))
    return _names(one) | _names(two)


def _both(one: Items, two: Items) -> Items:
    if one is None or two is None:
        return one if two is None else two
    if isinstance(one, tuple) and isinstance(two, tuple):
        return _cut(one, two, keep_inside=True)
    return _names(one) & _names(two)


def _minus(one: Items, two: Items) -> Items:
    if two is None:
        return ()
    if one is None:
        return None  # all but some names is still "all others", which has no other spelling
    if isinstance(one, tuple) and isinstance(two, tuple):
        return _cut(one, two, keep_inside=False)
    return _names(one) - _names(two)


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


def _left_between(whole: Spans, pieces: list[tuple[int, int]]) -> Spans | None:
    """The gaps that the pieces leave in the whole; None where a piece overlaps another or lies outside."""
    pieces.sort()
    spans = iter(whole)
    low, high = next(spans)
    left: list[tuple[int, int]] = []
    for first, final in pieces:
        while first > high:
            if low <= high:
                left.append((low, high))
            span = next(spans, None)
            if span is None:
                return None
            low, high = span
        if first < low or final > high:
            return None
        if first > low:
            left.append((low, first - 1))
        low = final + 1
    if low <= high:
        left.append((low, high))
    left.extend(spans)
    return tuple(left)
