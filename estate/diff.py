"""The heart: what is different from last time, and how sure we are, from typed evidence alone.

Generic over observations: ports, TLS endpoints, packages and checks are all keys of a subject that were seen,
refuted, silent, out of sight or not asked. Nothing here knows a clock, a database or a scanner.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from estate.assets import Asset
from estate.coverage import NOTHING, Look, Verdict
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

    `silences` (K) distinct silent looks in a row say gone; `engine_changed` says that the tool or its database has
    another version than in the run before, which then is the cause of changes that touch attributes only.
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

_NEVER_SEEN_CAUSE = {
    Past.NEVER_TARGETED: Cause.SCOPE,
    Past.NOT_ASKED: Cause.PROFILE,
    Past.BLIND: Cause.ESTATE,
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
    present = sight.present
    if prior and len(prior) == len(present) and all(_verified(prior.get(key), value) for key, value in present.items()):
        return UNCHANGED
    facts: list[tuple[str, Fact]] = []
    changes: list[Change] = []

    def judge(key: str, before: Fact | None, look: Look, value: Attributes) -> None:
        after, told = _judge(before, look, value, sight.silent_looks(key), rules)
        if before is None:
            history = past(key)
            told = [_never_seen(history, look.reason)]
        if after is None:
            return
        if after != before:
            facts.append((key, after))
        changes.extend(Change(kind, cause, sure, asset, aspect, key, before, after, why) for kind, cause, sure, why in told)

    for key, value in present.items():
        judge(key, prior.get(key), _SEEN, value)
    for key, before in prior.items():
        if key not in present and key in sight.asked:
            look = sight.verdict(key)
            if look is not None:
                judge(key, before, look, NO_ATTRIBUTES)
    return Comparison(tuple(facts), tuple(changes)) if facts or changes else UNCHANGED


_SEEN = Look(Verdict.POSITIVE, "", NOTHING)
_Told = tuple[Kind, Cause, Certainty, str]


def _verified(fact: Fact | None, value: Attributes) -> bool:
    return (
        fact is not None
        and fact.present
        and fact.misses == 0
        and fact.sight is InSight.SEEN
        and (fact.value == value or not value)
    )


def _never_seen(history: Past, reason: str) -> _Told:
    if history is Past.PROVED:
        return Kind.APPEARED, Cause.ESTATE, Certainty.PROVED, reason or "absence was proved before"
    if history is Past.SILENT:
        return Kind.APPEARED, Cause.ESTATE, Certainty.LIKELY, reason or "was silent before"
    return Kind.FIRST_OBSERVED, _NEVER_SEEN_CAUSE[history], Certainty.PROVED, reason or "never looked at before"


def _judge(
    before: Fact | None, look: Look, value: Attributes, silent_looks: int, rules: Rules
) -> tuple[Fact | None, list[_Told]]:
    """One row of the table in the design: the state after, and what to tell."""
    if look.verdict is Verdict.POSITIVE:
        return _judge_seen(before, value, rules)
    if before is None or not before.present:
        return None, []
    if look.verdict is Verdict.NEGATIVE:
        gone = replace(before, present=False, misses=0, sight=InSight.SEEN)
        return gone, [(Kind.GONE, Cause.ESTATE, Certainty.PROVED, look.reason)]
    if look.verdict is Verdict.SILENT and not look.weak:
        misses = before.misses + max(silent_looks, 1)
        if misses >= rules.silences:
            gone = Fact(present=False, value=before.value)
            why = f"{look.reason}, {misses} silent looks in a row"
            return gone, [(Kind.GONE, Cause.ESTATE, Certainty.CONFIRMED, why)]
        told = [] if before.misses else [(Kind.SUSPECTED_GONE, Cause.ESTATE, Certainty.SUSPECTED, look.reason)]
        return replace(before, misses=misses, sight=InSight.SEEN), told
    if before.sight is InSight.SEEN:
        lost = replace(before, sight=InSight.LOST)
        return lost, [(Kind.LOST_SIGHT, Cause.ESTATE, Certainty.PROVED, look.reason)]
    return before, []


def _judge_seen(before: Fact | None, value: Attributes, rules: Rules) -> tuple[Fact, list[_Told]]:
    if before is None:
        return Fact(present=True, value=value), []
    if not before.present:
        after = Fact(present=True, value=value or before.value)
        return after, [(Kind.REAPPEARED, Cause.ESTATE, Certainty.PROVED, "seen again")]
    told: list[_Told] = []
    if before.sight is not InSight.SEEN:
        told.append((Kind.SIGHT_REGAINED, Cause.ESTATE, Certainty.PROVED, "looked at again"))
    old, new = dict(before.value), dict(value)
    different = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    if different:
        cause = Cause.ENGINE if rules.engine_changed else Cause.INTEL if rules.intel_changed else Cause.ESTATE
        told.append((Kind.CHANGED, cause, Certainty.PROVED, ", ".join(different)))
        # Another thing answers: what the old one said of itself must not stick to it.
        return Fact(present=True, value=value), told
    return Fact(present=True, value=tuple(sorted((old | new).items()))), told


def blinded(sight: Sight, reason: str) -> Sight:
    """The same sight when we know that we could not see: silence and negatives prove nothing, what was seen was seen."""
    looks = (*sight.negative, *sight.silent)
    blind = (*sight.blind, *(Look(Verdict.BLIND, reason, look.keys) for look in looks))
    return replace(sight, negative=(), silent=(), blind=blind, silences=())


def rescoped_out(asset: Asset, aspect: str, prior: Mapping[str, Fact]) -> Comparison:
    """Tell once that a subject with facts is no longer ours to look at; what was known stays known."""
    out = {
        key: (fact, replace(fact, sight=InSight.OUT))
        for key, fact in prior.items()
        if fact.present and fact.sight is not InSight.OUT
    }
    return Comparison(
        tuple((key, after) for key, (_, after) in out.items()),
        tuple(
            Change(
                Kind.RESCOPED_OUT, Cause.SCOPE, Certainty.PROVED, asset, aspect, key, before, after, "no longer in scope"
            )
            for key, (before, after) in out.items()
        ),
    )


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a run would close so much that a human must look first: more than the share, and at least so many."""

    share: float = 0.2
    at_least: int = 50

    def trips(self, closing: int, present: int) -> bool:
        """Whether closing this many of the facts that were present is too much to believe."""
        return closing >= self.at_least and closing > self.share * present


DOUBTFUL = frozenset(
    {Kind.APPEARED, Kind.REAPPEARED, Kind.CHANGED, Kind.SUSPECTED_GONE, Kind.GONE, Kind.LOST_SIGHT}
)
"""Kinds that deserve a second look before anybody hears of them."""


def doubtful(changes: Iterable[Change]) -> dict[Asset, tuple[str, ...]]:
    """The keys to ask again, by asset: only those that seem to have changed."""
    keys: dict[Asset, list[str]] = {}
    for change in changes:
        if change.kind in DOUBTFUL:
            keys.setdefault(change.asset, []).append(change.key)
    return {asset: tuple(sorted(set(found))) for asset, found in keys.items()}


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
    end = run_order.index(at) + 1
    window = set(run_order[max(0, end - FLAPPING_RUNS) : end])
    return sum(run in window for run in flip_runs) >= FLAPPING_FLIPS
