"""What was seen, subject by subject: present keys with their attributes, and the looks that cover the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from estate.coverage import NOTHING, Keys, Look, Verdict

Attributes = tuple[tuple[str, str], ...]
"""Sorted (name, value) pairs: only what was really probed, so that a missing name means "not asked"."""

NO_ATTRIBUTES: Attributes = ()


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
    found = list(readings)
    if len(found) == 1 and found[0].look == 0:
        return _merge_one(subject, asked, found[0], unreported)
    present: dict[str, tuple[int, dict[str, str]]] = {}
    for reading in found:
        for key, attributes in reading.present.items():
            if key not in asked:
                continue
            rank, values = present.get(key, (-1, {}))
            for name, value in attributes:
                # The later look knows better; between equals the greater value, so that order never matters.
                if name not in values or (reading.look, value) > (rank, values[name]):
                    values[name] = value
            present[key] = (max(rank, reading.look), values)
    seen = Keys.of(present)
    negative = _strongest(found, Verdict.NEGATIVE, False, asked - seen)
    left = asked - seen - _all(negative)
    silent = _strongest(found, Verdict.SILENT, False, left)
    left -= _all(silent)
    weak = _strongest(found, Verdict.SILENT, True, left)
    left -= _all(weak)
    blind = _strongest(found, Verdict.BLIND, False, left)
    left -= _all(blind)
    if left:
        blind = (*blind, Look(Verdict.BLIND, unreported, left))
    return Sight(
        subject,
        asked,
        {key: tuple(sorted(values.items())) for key, (_, values) in present.items()},
        negative,
        (*silent, *weak),
        blind,
        _count_silences(found, _all(silent)),
    )


def _merge_one(subject: str, asked: Keys, reading: Reading, unreported: str) -> Sight:
    """The same result for the common case of one look, without set algebra on every host."""
    present = reading.present
    if any(key not in asked for key in present):
        present = {key: value for key, value in present.items() if key in asked}
    by_verdict: dict[Verdict, list[Look]] = {Verdict.NEGATIVE: [], Verdict.SILENT: [], Verdict.BLIND: []}
    for look in reading.looks:
        by_verdict[look.verdict].append(look)
    counted = len(present) + sum(len(look.keys) for look in reading.looks)
    whole = counted == len(asked) and not any(look.keys - asked for look in reading.looks)
    if not whole or len(reading.looks) > 1:
        whole = False
    if whole and not any(look.weak for look in reading.looks):
        silent = tuple(by_verdict[Verdict.SILENT])
        return Sight(
            subject,
            asked,
            present,
            tuple(by_verdict[Verdict.NEGATIVE]),
            silent,
            tuple(by_verdict[Verdict.BLIND]),
            (silent[0].keys,) if silent else (),
        )
    left = asked - Keys.of(present)
    parts: list[tuple[Look, ...]] = []
    for verdict, weak in (
        (Verdict.NEGATIVE, False),
        (Verdict.SILENT, False),
        (Verdict.SILENT, True),
        (Verdict.BLIND, False),
    ):
        part = _strongest([reading], verdict, weak, left)
        left -= _all(part)
        parts.append(part)
    blind = (*parts[3], Look(Verdict.BLIND, unreported, left)) if left else parts[3]
    strong = _all(parts[1])
    return Sight(subject, asked, present, parts[0], parts[1] + parts[2], blind, (strong,) if strong else ())


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
            for verdict, weak in ((Verdict.BLIND, False), (Verdict.SILENT, True), (Verdict.SILENT, False), (Verdict.NEGATIVE, False))
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
