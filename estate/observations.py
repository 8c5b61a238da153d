"""What was seen, subject by subject: present keys with their attributes, and the looks that cover the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from estate.coverage import NOTHING, Keys, Look, Verdict

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
    """

    subject: str
    present: Mapping[str, Attributes]
    looks: tuple[Look, ...]
    look: int = 0
    notes: tuple[tuple[str, str], ...] = field(default=())


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
        sight = _whole(subject, asked, found[0])
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
    parts: list[tuple[Look, ...]] = []
    for verdict, weak in _BY_STRENGTH:
        looks = _strongest(found, verdict, weak, left)
        left -= _all(looks)
        parts.append(looks)
    negative, silent, weakly_silent, blind = parts
    if left:
        known = tuple(look for look in blind if look.reason != unreported)
        left |= _all(look for look in blind if look.reason == unreported)
        blind = (*known, Look(Verdict.BLIND, unreported, left))
    return Sight(
        subject, asked, present, negative, (*silent, *weakly_silent), blind, _count_silences(found, _all(silent))
    )


def _whole(subject: str, asked: Keys, reading: Reading) -> Sight | None:
    """The same for one reading that answers every asked key once, as nearly all do, without set algebra; else None."""
    looks = [look for look in reading.looks if look.keys]
    if not asked.divided_by(reading.present, [look.keys for look in looks]):
        return None
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
    present: dict[str, dict[str, str]] = {}
    for sight in found:
        for key, value in sight.present.items():
            for name, text in value:
                present.setdefault(key, {})
                present[key][name] = max(text, present[key].get(name, ""))
            present.setdefault(key, {})
    left = asked - Keys.of(present)
    parts: list[tuple[Look, ...]] = []
    for choose in (
        lambda sight: sight.blind,
        lambda sight: tuple(look for look in sight.silent if look.weak),
        lambda sight: tuple(look for look in sight.silent if not look.weak),
        lambda sight: sight.negative,
    ):
        readings = [Reading(subject, {}, choose(sight)) for sight in found]
        looks = tuple(
            look
            for verdict, weak in (
                (Verdict.BLIND, False),
                (Verdict.SILENT, True),
                (Verdict.SILENT, False),
                (Verdict.NEGATIVE, False),
            )
            for look in _strongest(readings, verdict, weak, left)
        )
        left -= _all(looks)
        parts.append(looks)
    depth = max((len(sight.silences) for sight in found), default=0)
    strong = _all(parts[2])
    silences = tuple(
        keys for keys in (_all_of(sight.silences[n : n + 1] for sight in found) & strong for n in range(depth)) if keys
    )
    return Sight(
        subject,
        asked,
        {key: tuple(sorted(values.items())) for key, values in present.items()},
        parts[3],
        parts[2] + parts[1],
        parts[0],
        silences,
    )


def _all_of(many: Iterable[tuple[Keys, ...]]) -> Keys:
    union = NOTHING
    for keys in many:
        for one in keys:
            union |= one
    return union


def _strongest(readings: Iterable[Reading], verdict: Verdict, weak: bool, within: Keys) -> tuple[Look, ...]:
    """The looks of one verdict, cut to `within`, one per reason; a key with two reasons keeps the first by name."""
    by_reason: dict[str, Keys] = {}
    for reading in readings:
        for look in reading.looks:
            if look.verdict is verdict and look.weak is weak:
                keys = look.keys & within
                if keys:
                    by_reason[look.reason] = by_reason.get(look.reason, NOTHING) | keys
    looks: list[Look] = []
    taken = NOTHING
    for reason in sorted(by_reason):
        keys = by_reason[reason] - taken
        if keys:
            looks.append(Look(verdict, reason, keys))
            taken |= keys
    return tuple(looks)


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
