"""Ranges of numbers: read and spelled as scanners do, merged, and cut."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from estate.errors import BadTarget

Spans = tuple[tuple[int, int], ...]
_SPANS = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*+\Z")
_KNOWN = 65_536
_SPAN = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?\Z")


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
    return ",".join([f"{low}-{high}" if high > low else f"{low}" for low, high in spans])


def _word(low: int, high: int) -> str:
    return f"{low}-{high}" if high > low else f"{low}"


def join_numbers(numbers: Iterable[int]) -> Spans:
    """Sorted numbers as merged ranges."""
    spans: list[tuple[int, int]] = []
    low = high = -2
    for number in numbers:
        if number > high + 1:
            spans.append((low, high))
            low = number
        high = number
    spans.append((low, high))
    return tuple(spans[1:])


def cut(one: Spans, two: Spans, *, keep_inside: bool) -> Spans:
    """The stretches of `one` that lie within `two`, or those that lie outside."""
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


def left_between(whole: Spans, pieces: list[tuple[int, int]]) -> Spans | None:
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


class _Numbers(dict[str, int]):
    """From a key of a family to its number, found out once; keys of others have one that is in no range."""

    def __init__(self, family: str) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, key: str) -> int:
        family, _, item = key.partition("/")
        number = int(item) if family == self._family and item.isascii() and item.isdecimal() else -1
        if len(self) < _KNOWN:
            self[key] = number
        return number


class Spelled:
    """The spelling of one numbered family, divided by single numbers.

    `known` gives the number of each of its keys.
    """

    __slots__ = ("_lows", "_spans", "_starts", "_text", "family", "known")

    def __init__(self, family: str, spans: Spans) -> None:
        self.family = family
        self.known = _Numbers(family)
        self._spans = spans
        self._lows = [low for low, _ in spans]
        words = [_word(low, high) for low, high in spans]
        self._text = ",".join(words)
        self._starts = [0, *accumulate(len(word) + 1 for word in words)]

    def split(self, numbers: Sequence[int]) -> tuple[str, str] | None:
        """These sorted numbers and the rest, both spelled; None where one of them is not in here, or is twice."""
        kept: list[str] = []
        low, high, at = 0, -1, 0
        apart = True
        for number in numbers:
            if number > high:
                if low <= high:
                    kept.append(_word(low, high))
                found = bisect_right(self._lows, number, at) - 1
                if found > at:
                    kept.append(self._text[self._starts[at] : self._starts[found] - 1])
                low, high = self._spans[found] if found >= at else (-2, -2)
                at = found + 1
            if low < number <= high:
                kept.append(f"{low}-{number - 1}" if low < number - 1 else f"{low}")
            elif low == number:
                apart = False
            else:
                return None
            low = number + 1
        if low <= high:
            kept.append(_word(low, high))
        if at < len(self._spans):
            kept.append(self._text[self._starts[at] :])
        taken = ",".join(map(str, numbers)) if apart else spell_spans(join_numbers(numbers))
        return taken, ",".join(kept)
