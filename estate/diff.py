"""The heart: what is different from last time, and how sure we are, from typed evidence alone.

Generic over observations: ports, TLS endpoints, packages and checks are all keys of a subject that were seen,
refuted, silent, out of sight or not asked. Nothing here knows a clock, a database or a scanner.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from estate.assets import Asset
from estate.coverage import Look, Verdict
from estate.observations import NO_ATTRIBUTES, Attributes, Sight


class Kind(StrEnum):
    """The ten kinds of change; `FLAPPING` is computed on reading and never stored."""

    FIRST_OBSERVED = "first_observed"
    APPEARED = "appeared"
    REAPPEARED = "reappeared"
    CHANGED = "changed"
    SUSPECTED_GONE = "suspected_gone"
    GONE = "gone"
    LOST_SIGHT = "lost_sight"
    SIGHT_REGAINED = "sight_regained"
    RESCOPED_OUT = "rescoped_out"
    FLAPPING = "flapping"


class Cause(StrEnum):
    """Why a change shows now: the estate really changed, or only our way of looking did."""

    ESTATE = "estate"
    SCOPE = "scope"
    PROFILE = "profile"
    ENGINE = "engine"
    INTEL = "intel"
    POLICY = "policy"


class Certainty(StrEnum):
    """How sure: an active answer proves, repeated silence confirms, one silence suspects."""

    PROVED = "proved"
    CONFIRMED = "confirmed"
    LIKELY = "likely"
    SUSPECTED = "suspected"


class InSight(StrEnum):
    """Whether the last run that asked could look at all."""

    SEEN = "seen"
    LOST = "lost"
    OUT = "out"


class Past(IntEnum):
    """What earlier runs proved about a key that was never seen, weakest first."""

    NEVER_TARGETED = 0
    NOT_ASKED = 1
    BLIND = 2
    SILENT = 3
    PROVED = 4


@dataclass(frozen=True, slots=True)
class Fact:
    """The state of one key after a run: its last seen attributes, silences in a row, and whether we see it."""

    present: bool
    value: Attributes = NO_ATTRIBUTES
    misses: int = 0
    sight: InSight = InSight.SEEN


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, with the evidence's own reason and our certainty."""

    kind: Kind
    cause: Cause
    certainty: Certainty
    asset: Asset
    aspect: str
    key: str
    before: Fact | None
    after: Fact | None
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What the judgement depends on besides evidence.

    `silences` (K) distinct silent looks in a row say gone; `engine_changed` (the tool) and `intel_changed` (its
    database) say that the version is another one than in the run before, which then causes changes of attributes.
    """

    silences: int = 3
    engine_changed: bool = False
    intel_changed: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one subject's evidence changes: the new states by key, and what to tell about them."""

    facts: tuple[tuple[str, Fact], ...] = ()
    changes: tuple[Change, ...] = ()


UNCHANGED = Comparison()

_Told = tuple[Kind, Cause, Certainty, str]
_Judged = tuple[str, Fact | None, Fact, tuple[_Told, ...]]
"""A key, its state before and after, and what to tell about it."""

_NEVER_SEEN: Mapping[Past, _Told] = {
    Past.NEVER_TARGETED: (Kind.FIRST_OBSERVED, Cause.SCOPE, Certainty.PROVED, "never looked at before"),
    Past.NOT_ASKED: (Kind.FIRST_OBSERVED, Cause.PROFILE, Certainty.PROVED, "not asked before"),
    Past.BLIND: (Kind.FIRST_OBSERVED, Cause.ESTATE, Certainty.PROVED, "never in sight before"),
    Past.SILENT: (Kind.APPEARED, Cause.ESTATE, Certainty.LIKELY, "was silent before"),
    Past.PROVED: (Kind.APPEARED, Cause.ESTATE, Certainty.PROVED, "absence was proved before"),
}


def compare(
    asset: Asset,
    aspect: str,
    prior: Mapping[str, Fact],
    sight: Sight,
    past: Callable[[str], Past],
    rules: Rules,
) -> Comparison:
    """Judge every key of one subject that was seen before or is seen now.

    Keys outside `sight.asked` keep their facts untouched. `past` is only called for keys without a prior fact.
    """
    return _comparison(asset, aspect, _judge(prior, sight, past, rules))


def _judge(prior: Mapping[str, Fact], sight: Sight, past: Callable[[str], Past], rules: Rules) -> Iterator[_Judged]:
    for key, value in sight.present.items():
        before = prior.get(key)
        if before is None:
            yield key, None, Fact(present=True, value=value), (_NEVER_SEEN[past(key)],)
        elif not _verified(before, value):
            yield key, before, *_judge_seen(before, value, rules)
    for key, before in prior.items():
        if before.present and key not in sight.present and key in sight.asked:
            look = sight.verdict(key)
            if look is not None:
                yield key, before, *_judge_unseen(before, look, sight.silent_looks(key), rules)


def _verified(fact: Fact, value: Attributes) -> bool:
    """Whether this is the very state that was known, as nearly always; `_judge_seen` would find so too, but slowly."""
    return fact.present and fact.misses == 0 and fact.sight is InSight.SEEN and (fact.value == value or not value)


def _judge_seen(before: Fact, value: Attributes, rules: Rules) -> tuple[Fact, tuple[_Told, ...]]:
    if not before.present:
        after = Fact(present=True, value=value or before.value)
        return after, ((Kind.REAPPEARED, Cause.ESTATE, Certainty.PROVED, "seen again"),)
    told: tuple[_Told, ...] = ()
    if before.sight is not InSight.SEEN:
        cause = Cause.SCOPE if before.sight is InSight.OUT else Cause.ESTATE
        told = ((Kind.SIGHT_REGAINED, cause, Certainty.PROVED, "looked at again"),)
    old, new = dict(before.value), dict(value)
    different = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    if different:
        cause = Cause.ENGINE if rules.engine_changed else Cause.INTEL if rules.intel_changed else Cause.ESTATE
        # Another thing answers: what the old one said of itself must not stick to it.
        return Fact(present=True, value=value), (*told, (Kind.CHANGED, cause, Certainty.PROVED, ", ".join(different)))
    return Fact(present=True, value=tuple(sorted((old | new).items()))), told


def _judge_unseen(before: Fact, look: Look, silent_looks: int, rules: Rules) -> tuple[Fact, tuple[_Told, ...]]:
    """The state of what was present and is not seen now."""
    gone = Fact(present=False, value=before.value)
    if look.verdict is Verdict.NEGATIVE:
        return gone, ((Kind.GONE, Cause.ESTATE, Certainty.PROVED, look.reason),)
    if look.verdict is Verdict.SILENT and not look.weak:
        # Blindness in between neither adds to the row nor breaks it: it says nothing.
        misses = before.misses + max(silent_looks, 1)
        if misses >= rules.silences:
            why = f"{look.reason}, {misses} silent looks in a row"
            return gone, ((Kind.GONE, Cause.ESTATE, Certainty.CONFIRMED, why),)
        suspected = (Kind.SUSPECTED_GONE, Cause.ESTATE, Certainty.SUSPECTED, look.reason)
        return replace(before, misses=misses, sight=InSight.SEEN), () if before.misses else (suspected,)
    if before.sight is not InSight.SEEN:
        return before, ()
    return replace(before, sight=InSight.LOST), ((Kind.LOST_SIGHT, Cause.ESTATE, Certainty.PROVED, look.reason),)


def _comparison(asset: Asset, aspect: str, judged: Iterable[_Judged]) -> Comparison:
    """What is new among these, in the order of keys: the order in which evidence arrived must not show."""
    new = sorted((one for one in judged if one[1] != one[2]), key=lambda one: _place(one[0]))
    if not new:
        return UNCHANGED
    return Comparison(
        tuple((key, after) for key, _, after, _ in new),
        tuple(
            Change(kind, cause, certainty, asset, aspect, key, before, after, reason)
            for key, before, after, told in new
            for kind, cause, certainty, reason in told
        ),
    )


def _place(key: str) -> tuple[str, int, str]:
    """Sorts tcp/80 before tcp/443, and names by their letters."""
    family, _, item = key.partition("/")
    return family, len(item) if item.isdecimal() else 0, item


def blinded(sight: Sight, reason: str) -> Sight:
    """The same sight when we know that we could not see: silence and negatives prove nothing, but seen is seen."""
    looks = (*sight.negative, *sight.silent)
    blind = (*sight.blind, *(Look(Verdict.BLIND, reason, look.keys) for look in looks))
    return replace(sight, negative=(), silent=(), blind=blind, silences=())


def rescoped_out(asset: Asset, aspect: str, prior: Mapping[str, Fact]) -> Comparison:
    """Tell once that a subject with facts is no longer ours to look at; what was known stays known."""
    told = ((Kind.RESCOPED_OUT, Cause.SCOPE, Certainty.PROVED, "no longer in scope"),)
    present = ((key, fact) for key, fact in prior.items() if fact.present)
    return _comparison(asset, aspect, ((key, fact, replace(fact, sight=InSight.OUT), told) for key, fact in present))


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a run would close so much that a human must look first: more than the share, and at least so many."""

    share: float = 0.2
    at_least: int = 50

    def trips(self, closing: int, present: int) -> bool:
        """Whether closing this many of the facts that were present is too much to believe."""
        return closing >= self.at_least and closing > self.share * present


DOUBTFUL = frozenset({Kind.APPEARED, Kind.REAPPEARED, Kind.CHANGED, Kind.SUSPECTED_GONE, Kind.GONE, Kind.LOST_SIGHT})
"""Kinds that deserve a second look before anybody hears of them."""


def doubtful(changes: Iterable[Change]) -> dict[Asset, tuple[str, ...]]:
    """The keys to ask again, by asset: only those that seem to have changed."""
    keys: dict[Asset, set[str]] = {}
    for change in changes:
        if change.kind in DOUBTFUL:
            keys.setdefault(change.asset, set()).add(change.key)
    return {asset: tuple(sorted(found, key=_place)) for asset, found in keys.items()}


FLIPS = frozenset({Kind.APPEARED, Kind.REAPPEARED, Kind.GONE})
FLAPPING_FLIPS = 3
FLAPPING_RUNS = 10


def is_flapping(flip_runs: Collection[int], run_order: Sequence[int], at: int) -> bool:
    """Whether a key flipped at least three times within the ten runs that end with `at`.

    Args:
        flip_runs: the runs in which the key appeared, reappeared or was gone.
        run_order: all runs that looked, oldest first.
        at: the run to judge at; it must be in `run_order`.
    """
    window = run_order[: run_order.index(at) + 1][-FLAPPING_RUNS:]
    return sum(run in window for run in flip_runs) >= FLAPPING_FLIPS
