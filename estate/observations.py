"""What was seen, subject by subject: present keys with their attributes, and the looks that cover the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from estate.coverage import NOTHING, Keys, Look, Verdict

# To look a member up in its class costs as much as a call, and this is done for every host.
_NEGATIVE = Verdict.NEGATIVE
Attributes = tuple[tuple[str, str], ...]
"""Sorted (name, value) pairs: only what was really probed, so that a missing name means "not asked"."""

NO_ATTRIBUTES: Attributes = ()

_BY_STRENGTH = (
    (Verdict.NEGATIVE, False),
    (Verdict.SILENT, False),
    (Verdict.SILENT, True),
    (Verdict.BLIND, False),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one piece of evidence says of one subject.

    `present` holds every key that was seen with its attributes; `looks` hold the verdicts on other keys
    (never POSITIVE). `look` numbers the look within the run: retries share a number, a second look has its own.
    `whole` is there where whoever read the evidence knows that they make up all that was asked, each key once.
    """

    subject: str
    present: Mapping[str, Attributes]
    looks: tuple[Look, ...]
    look: int = 0
    notes: tuple[tuple[str, str], ...] = field(default=())
    whole: "Whole | None" = None


class Whole(NamedTuple):
    """All that was asked, and as a set what of it is present; `of` is the very mapping that this was worked out for."""

    asked: Keys
    seen: Keys
    of: Mapping[str, Attributes]


@dataclass(frozen=True, slots=True)
class Sight:
    """All evidence of one run on one subject, merged: the strongest verdict per key, in any order of arrival.

    `silences[n]` are the silent keys that at least n + 1 distinct looks found silent.
    """

    subject: str
    asked: Keys
    present: Mapping[str, Attributes]
    negative: tuple[Look, ...]
    silent: tuple[Look, ...]
    blind: tuple[Look, ...]
    silences: tuple[Keys, ...] = ()
    whole: Whole | None = None

    @property
    def seen(self) -> Keys:
        """The present keys as a set."""
        if self.whole is not None and self.whole.of is self.present:
            return self.whole.seen
        return Keys.of(self.present)

    def verdict(self, key: str) -> Look | None:
        """The look that decides on this key, or None where it was not asked."""
        for look in (*self.negative, *self.silent, *self.blind):
            if key in look.keys:
                return look
        return None

    def silent_looks(self, key: str) -> int:
        """In how many distinct looks of this run the key kept silent."""
        return sum(key in keys for keys in self.silences)


def merge(subject: str, asked: Keys, readings: Iterable[Reading], unreported: str = "not-in-report") -> Sight:
    """Merge what a run's evidence says of one subject; keys that nobody asked for are dropped.

    Strength per key: positive, negative, silent, weakly silent, blind. `unreported` is the reason of
    asked keys that no evidence speaks of.
    """
    found = tuple(readings)
    if len(found) == 1:
        sight = _merge_one(subject, asked, found[0], unreported)
        if sight is not None:
            return sight
    values: dict[str, dict[str, tuple[int, str]]] = {}
    for reading in found:
        for key, attributes in reading.present.items():
            if key in asked:
                told = values.setdefault(key, {})
                for name, value in attributes:
                    # The later look knows better; between equals the greater value, so that order never matters.
                    told[name] = max(told.get(name, (-1, "")), (reading.look, value))
    present = {key: tuple(sorted((name, value) for name, (_, value) in told.items())) for key, told in values.items()}
    left = asked - Keys.of(present)
    sorted_out = _by_strength(look for reading in found for look in reading.looks)
    parts: list[tuple[Look, ...]] = []
    for strength in _BY_STRENGTH:
        looks = _by_reason(sorted_out[strength], left)
        left -= _all(looks)
        parts.append(looks)
    negative, silent, weakly_silent, blind = parts
    if left:
        blind = _by_reason((*blind, Look(Verdict.BLIND, unreported, left)), asked)
    return Sight(
        subject, asked, present, negative, (*silent, *weakly_silent), blind, _count_silences(found, _all(silent))
    )


def _merge_one(subject: str, asked: Keys, reading: Reading, unreported: str) -> Sight | None:
    """The same for one reading that says no key twice, as nearly all do, without set algebra; else None."""
    whole = reading.whole is not None and (reading.whole.asked is asked or reading.whole.asked == asked)
    if whole and len(reading.looks) == 1 and reading.looks[0].verdict is _NEGATIVE:
        return Sight(subject, asked, reading.present, reading.looks, (), (), (), reading.whole)
    looks = [look for look in reading.looks if look.keys]
    left = NOTHING if whole else asked.rest_after(reading.present, [look.keys for look in looks])
    if left is None:
        return None
    if left:
        looks.append(Look(Verdict.BLIND, unreported, left))
    if len(looks) > 1:
        looks.sort(key=lambda look: (look.weak, look.reason))
        if len({(look.verdict, look.reason) for look in looks}) < len(looks):
            return None
    by_verdict: dict[Verdict, list[Look]] = {Verdict.NEGATIVE: [], Verdict.SILENT: [], Verdict.BLIND: []}
    for look in looks:
        by_verdict[look.verdict].append(look)
    negative, silent, blind = map(tuple, by_verdict.values())
    strong = _all(look for look in silent if not look.weak)
    return Sight(subject, asked, reading.present, negative, silent, blind, (strong,) if strong else ())


def join_addresses(subject: str, asked: Keys, sights: Iterable[Sight]) -> Sight:
    """One asset behind several addresses: seen where any address shows it, absent only where every address says so.

    Between addresses the weakest word wins, since a port that only IPv6 offers is not closed by a reset over IPv4.
    """
    found = list(sights)
    if len(found) == 1:
        return found[0]
    values: dict[str, dict[str, str]] = {}
    for sight in found:
        for key, attributes in sight.present.items():
            told = values.setdefault(key, {})
            for name, value in attributes:
                told[name] = max(told.get(name, ""), value)
    left = asked - Keys.of(values)
    sorted_out = _by_strength(look for sight in found for look in (*sight.negative, *sight.silent, *sight.blind))
    parts: list[tuple[Look, ...]] = []
    for strength in reversed(_BY_STRENGTH):
        looks = _by_reason(sorted_out[strength], left)
        left -= _all(looks)
        parts.append(looks)
    blind, weakly_silent, silent, negative = parts
    return Sight(
        subject,
        asked,
        {key: tuple(sorted(told.items())) for key, told in values.items()},
        negative,
        (*silent, *weakly_silent),
        blind,
        _common_silences(found, _all(silent)),
    )


def _by_strength(looks: Iterable[Look]) -> dict[tuple[Verdict, bool], list[Look]]:
    found: dict[tuple[Verdict, bool], list[Look]] = {strength: [] for strength in _BY_STRENGTH}
    for look in looks:
        found[look.verdict, look.weak].append(look)
    return found


def _by_reason(looks: Sequence[Look], within: Keys) -> tuple[Look, ...]:
    """Looks of one verdict cut to `within`, one per reason; a key with two reasons keeps the first by name."""
    found: dict[str, Keys] = {}
    for look in looks:
        keys = look.keys & within
        if keys:
            found[look.reason] = found[look.reason] | keys if look.reason in found else keys
    if len(found) <= 1:
        return tuple(Look(looks[0].verdict, reason, keys) for reason, keys in found.items())
    cut: list[Look] = []
    for reason in sorted(found):
        keys = found[reason] & within
        if keys:
            cut.append(Look(looks[0].verdict, reason, keys))
            within -= keys
    return tuple(cut)


def _common_silences(sights: Iterable[Sight], silent: Keys) -> tuple[Keys, ...]:
    """What kept silent in so many looks at every address on which nothing closed it."""
    found = tuple(sights)
    counts: list[Keys] = []
    for number in range(max((len(sight.silences) for sight in found), default=0)):
        left = silent
        for sight in found:
            strong = _all(look for look in sight.silent if not look.weak)
            left -= strong - sight.silences[number] if number < len(sight.silences) else strong
        counts.append(left)
    return tuple(keys for keys in counts if keys)


def _count_silences(readings: Iterable[Reading], silent: Keys) -> tuple[Keys, ...]:
    by_look: dict[int, Keys] = {}
    for reading in readings:
        for look in reading.looks:
            if look.verdict is Verdict.SILENT and not look.weak:
                by_look[reading.look] = by_look.get(reading.look, NOTHING) | (look.keys & silent)
    counts: list[Keys] = []
    for keys in by_look.values():
        carried = keys
        for index, reached in enumerate(counts):
            counts[index], carried = reached | carried, reached & carried
        if carried:
            counts.append(carried)
    return tuple(keys for keys in counts if keys)


def _all(looks: Iterable[Look]) -> Keys:
    union = NOTHING
    for look in looks:
        union |= look.keys
    return union


def differences(before: Attributes, after: Attributes, nothing: str = "") -> str:
    """What is other than before among what both looks probed: `version: 1.2 → 1.3`; `nothing` spells an empty value."""
    old, new = dict(before), dict(after)
    different = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    return "; ".join(f"{name}: {old[name] or nothing} → {new[name] or nothing}" for name in different)
