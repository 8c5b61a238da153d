"""What evidence proves was looked at: sets of keys, and one of four verdicts on each."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from urllib.parse import quote, unquote

from estate.errors import BadTarget
from estate.spans import (
    Spans,
    Spelled,
    cut,
    join_numbers,
    left_between,
    merge_spans,
    parse_spans,
    spell_spans,
)

Items = Spans | frozenset[str] | None
"""What a family holds: numbers as merged ranges, names one by one, or None for all of it."""

_NUMBERED = {"tcp": 65535, "udp": 65535, "sctp": 65535}
_WHOLE: dict[str, Spans] = {family: ((0, highest),) for family, highest in _NUMBERED.items()}


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

    __slots__ = ("_found", "_size", "_spelled", "_text")

    def __init__(self, families: dict[str, Items] | None = None) -> None:
        """Take families as merged spans, as names, or as None for the whole family."""
        self._found: dict[str, Items] | None = {
            name: _WHOLE.get(name) if items is None else items
            for name, items in (families or {}).items()
            if items is None or items
        }
        self._text: str | None = None
        self._size: int | None = None
        self._spelled: Spelled | None = None

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
        return Keys._made({family: spans})

    @staticmethod
    def _made(found: dict[str, Items] | None, text: str | None = None, size: int | None = None) -> "Keys":
        """A set that is known by its items or by its spelling; the other is worked out when somebody asks."""
        keys = Keys.__new__(Keys)
        keys._found, keys._text, keys._size, keys._spelled = found, text, size, None
        return keys

    @property
    def _families(self) -> dict[str, Items]:
        if self._found is None:
            self._found = Keys.parse(self._text or "")._families
        return self._found

    @staticmethod
    def of(keys: Iterable[str]) -> "Keys":
        """The set of these keys, each `family/item`, or `family/*` for all of a family."""
        numbers: dict[str, list[int]] = {}
        names: dict[str, set[str]] = {}
        for key in keys:
            family, item = _divide(key)
            if isinstance(item, str):
                names.setdefault(family, set()).add(item)
            elif family in numbers:
                numbers[family].append(item)
            else:
                numbers[family] = [item]
        found: dict[str, Items] = {family: join_numbers(sorted(numbers[family])) for family in numbers}
        for family, items in names.items():
            found[family] = _WHOLE.get(family) if "*" in items else frozenset(items)
        return Keys._made(found)

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

    def split(self, keys: Iterable[str]) -> "tuple[Keys, Keys] | None":
        """These single keys as a set, and what they leave of this one: spelled only, as readers want it of every host.

        None where they are not all in here once each, or where this set is not one of a single numbered family.
        """
        if self._spelled is None:
            if len(self._families) != 1 or self.families[0] not in _NUMBERED:
                return None
            self._spelled = Spelled(self.families[0], self.spans(self.families[0]))
        family, known = self._spelled.family, self._spelled.known
        numbers = [known[key] for key in keys]
        numbers.sort()
        spelled = self._spelled.split(numbers)
        if spelled is None:
            return None
        taken, rest = spelled
        return (
            Keys._made(None, f"{family}/{taken}" if taken else "", len(numbers)),
            Keys._made(None, f"{family}/{rest}" if rest else "", len(self) - len(numbers)),
        )

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
            left = left_between(whole, found)
            if left is None:
                return None
            families[family] = left
        return Keys(families)

    def __len__(self) -> int:
        """How many keys; a whole family of names counts as one, since nobody knows its size."""
        if self._size is None:
            self._size = sum(map(_count, self._families.values()))
        return self._size

    def __bool__(self) -> bool:
        return len(self) > 0

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
            found = self._families
            self._text = " ".join([f"{family}/{_spell(found[family])}" for family in sorted(found)])
        return self._text

    def __repr__(self) -> str:
        return f"Keys({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Keys) and str(self) == str(other))

    def __hash__(self) -> int:
        return hash(str(self))


NOTHING = Keys()


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


def _divide(key: str) -> tuple[str, int | str]:
    """Family and item of a key: a number, a name, or `*`."""
    # Ports come again and again; names are many, long, and seldom seen twice.
    return _divide_often(key) if key[:4] in _PORTS else _divide_once(key)


def _divide_once(key: str) -> tuple[str, int | str]:
    family, _, item = key.partition("/")
    return family, int(item) if family in _NUMBERED and item != "*" else item


_PORTS = frozenset({"tcp/", "udp/"})
_divide_often = lru_cache(maxsize=65536)(_divide_once)


def _count(items: Items) -> int:
    if items is None:
        return 1
    return len(items) if isinstance(items, frozenset) else sum([high - low + 1 for low, high in items])


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
        return cut(one, two, keep_inside=True)
    return _names(one) & _names(two)


def _minus(one: Items, two: Items) -> Items:
    if two is None:
        return ()
    if one is None:
        return None  # all but some names is still "all others", which has no other spelling
    if isinstance(one, tuple) and isinstance(two, tuple):
        return cut(one, two, keep_inside=False)
    return _names(one) - _names(two)
