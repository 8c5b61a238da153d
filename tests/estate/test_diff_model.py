"""A second, naive reading of the diff's table, which remembers every word ever said, agrees on any history."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from hypothesis import example, given, settings
from hypothesis import strategies as st

from estate.assets import host
from estate.coverage import Keys, Look, Verdict
from estate.diff import Fact, InSight, Past, Rules, blinded, compare, rescoped_out
from estate.observations import Attributes, Reading, Sight, merge

HOST = host("10.0.0.7")
KEYS = ("tcp/22", "tcp/443", "pkg/curl")
VALUES: tuple[Attributes, ...] = (
    (),
    (("service", "http"),),
    (("service", "ssh"),),
    (("product", "nginx"), ("service", "http")),
    (("product", "apache"), ("version", "2.4")),
)
REASONS = {
    "closed": (Verdict.NEGATIVE, ("reset", "conn-refused")),
    "silent": (Verdict.SILENT, ("no-response", "admin-prohibited")),
    "weak": (Verdict.SILENT, ("host-down", "sweep")),
    "blind": (Verdict.BLIND, ("host-timeout", "truncated")),
}
USUAL = Rules()
T = TypeVar("T")


@dataclass(frozen=True)
class Word:
    """What one look said of one key."""

    kind: str
    reason: str = ""
    value: Attributes = ()


@dataclass(frozen=True)
class Shard:
    """What one piece of evidence says; retries share a look, a second look has its own."""

    look: int
    words: dict[str, Word]


@dataclass(frozen=True)
class Run:
    """One run; with a failed canary, or with a tool or database of another version."""

    asked: frozenset[str]
    shards: tuple[Shard, ...]
    canary_failed: bool = False
    rules: Rules = USUAL


class LeftScope:
    """Between two runs the host left the scope."""


Event = Run | LeftScope


def mostly(usual: st.SearchStrategy[T], *others: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """The usual one in most cases; `one_of` would weigh all alike."""
    return st.sampled_from([usual] * 6 + list(others)).flatmap(lambda chosen: chosen)


words = st.one_of(
    st.builds(Word, st.just("seen"), value=st.sampled_from(VALUES)),
    st.builds(Word, st.just("seen"), value=st.sampled_from(VALUES[:2])),
    *(st.builds(Word, st.just(kind), st.sampled_from(reasons)) for kind, (_, reasons) in REASONS.items()),
)
shards = st.builds(Shard, st.integers(0, 2), st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, words)))
runs = st.builds(
    Run,
    mostly(st.just(frozenset(KEYS)), st.frozensets(st.sampled_from(KEYS))),
    mostly(st.lists(shards, min_size=1, max_size=3).map(tuple), st.just(())),
    mostly(st.just(False), st.just(True)),
    st.builds(Rules, st.integers(1, 4), st.booleans(), st.booleans()),
)
left: st.SearchStrategy[Event] = st.builds(LeftScope)
histories = st.lists(mostly(runs, left), min_size=1, max_size=9)


# The model: what is true of a key is worked out anew from everything that was ever said of it.


@dataclass(frozen=True)
class Said:
    """All that one run says of one key, or that the host left the scope."""

    kind: str
    reason: str = ""
    value: Attributes = ()
    silences: int = 0
    rules: Rules = USUAL


def say(run: Run, key: str) -> Said:
    """The strongest word, whoever said it."""
    heard = [(shard.look, shard.words[key]) for shard in run.shards if key in shard.words]
    if key not in run.asked:
        return Said("not asked")
    for kind in ("seen", "closed", "silent", "weak", "blind"):
        those = [(look, word) for look, word in heard if word.kind == kind]
        if not those:
            continue
        if kind == "seen":
            told = sorted((name, look, text) for look, word in those for name, text in word.value)
            return Said("seen", value=tuple(sorted({name: text for name, _, text in told}.items())), rules=run.rules)
        if run.canary_failed and kind != "blind":
            return Said("blind", "canary")
        silences = len({look for look, _ in those}) if kind == "silent" else 0
        return Said(kind, min(word.reason for _, word in those), silences=silences, rules=run.rules)
    return Said("blind", "not-in-report")


def since_last_seen(past: Sequence[Said]) -> Sequence[Said]:
    """Everything said after the key was last seen; all of it where it never was."""
    return past[max((at + 1 for at, said in enumerate(past) if said.kind == "seen"), default=0) :]


def silences(past: Sequence[Said]) -> int:
    return sum(said.silences for said in since_last_seen(past))


def is_present(past: Sequence[Said]) -> bool:
    """Seen, and since then neither refused nor silent for long enough at the time."""
    if all(said.kind != "seen" for said in past):
        return False
    later = since_last_seen(past)
    row = [sum(said.silences for said in later[: at + 1]) for at in range(len(later))]
    return not any(
        said.kind == "closed" or (said.kind == "silent" and count >= said.rules.silences)
        for said, count in zip(later, row, strict=True)
    )


def where(past: Sequence[Said]) -> str:
    """Whether a present key is in sight, by the last that was said of it; leaving the scope outlasts blindness."""
    lost = "seen"
    for said in reversed(past):
        if said.kind in ("seen", "silent"):
            return lost
        if said.kind == "left":
            return "out"
        if said.kind != "not asked":
            lost = "lost"
    return lost


def value(past: Sequence[Said]) -> dict[str, str]:
    """What is known of the key's attributes."""
    if not past:
        return {}
    before, new = value(past[:-1]), dict(past[-1].value)
    if past[-1].kind != "seen":
        return before
    if not is_present(past[:-1]):
        return new or before
    return new if conflict(before, new) else {**before, **new}


def conflict(old: dict[str, str], new: dict[str, str]) -> list[str]:
    return [name for name in sorted(old) if name in new and old[name] != new[name]]


def model_fact(past: Sequence[Said]) -> Fact | None:
    if all(said.kind != "seen" for said in past):
        return None
    known = tuple(sorted(value(past).items()))
    if not is_present(past):
        return Fact(present=False, value=known)
    return Fact(present=True, value=known, misses=silences(past), sight=InSight(where(past)))


def model_changes(past: Sequence[Said], now: Said) -> list[tuple[str, str, str, str]]:
    """(kind, cause, certainty, reason) of what this run tells of one key."""
    if now.kind == "seen":
        return model_seen(past, now)
    if not is_present(past) or now.kind == "not asked":
        return []
    if now.kind == "left":
        return [("rescoped_out", "scope", "proved", "no longer in scope")] if where(past) != "out" else []
    if now.kind == "closed":
        return [("gone", "estate", "proved", now.reason)]
    if now.kind == "silent":
        row = silences([*past, now])
        if row >= now.rules.silences:
            return [("gone", "estate", "confirmed", f"{now.reason}, {row} silent looks in a row")]
        return [] if silences(past) else [("suspected_gone", "estate", "suspected", now.reason)]
    return [("lost_sight", "estate", "proved", now.reason)] if where(past) == "seen" else []


def model_seen(past: Sequence[Said], now: Said) -> list[tuple[str, str, str, str]]:
    before = {said.kind for said in past}
    if "seen" not in before:
        if "closed" in before:
            return [("appeared", "estate", "proved", "absence was proved before")]
        if before & {"silent", "weak"}:
            return [("appeared", "estate", "likely", "was silent before")]
        if "blind" in before:
            return [("first_observed", "estate", "proved", "never in sight before")]
        if "not asked" in before:
            return [("first_observed", "profile", "proved", "not asked before")]
        return [("first_observed", "scope", "proved", "never looked at before")]
    if not is_present(past):
        return [("reappeared", "estate", "proved", "seen again")]
    told = []
    if where(past) != "seen":
        cause = "scope" if where(past) == "out" else "estate"
        told.append(("sight_regained", cause, "proved", "looked at again"))
    different = conflict(value(past), dict(now.value))
    if different:
        cause = "engine" if now.rules.engine_changed else "intel" if now.rules.intel_changed else "estate"
        told.append(("changed", cause, "proved", ", ".join(different)))
    return told


# The real thing, driven over the same history as the store drives it: facts by key, and the sights of earlier runs.


def see(run: Run) -> Sight:
    """The run's evidence as readers give it, merged."""
    readings = []
    for shard in run.shards:
        by_look: dict[tuple[Verdict, str], set[str]] = {}
        for key, word in shard.words.items():
            if word.kind != "seen":
                by_look.setdefault((REASONS[word.kind][0], word.reason), set()).add(key)
        present = {key: word.value for key, word in shard.words.items() if word.kind == "seen"}
        looks = tuple(Look(verdict, reason, Keys.of(keys)) for (verdict, reason), keys in by_look.items())
        readings.append(Reading(HOST.key, present, looks, shard.look))
    sight = merge(HOST.key, Keys.of(run.asked), readings)
    return blinded(sight, "canary") if run.canary_failed else sight


def past_of(sights: Sequence[Sight], key: str) -> Past:
    found = Past.NEVER_TARGETED
    for sight in sights:
        look = sight.verdict(key)
        said = {None: Past.NOT_ASKED, Verdict.BLIND: Past.BLIND, Verdict.SILENT: Past.SILENT}
        found = max(found, said.get(look.verdict if look else None, Past.PROVED))
    return found


@settings(max_examples=500)
@given(history=histories)
@example(history=[Run(frozenset(KEYS), ()), LeftScope()])
def test_the_diff_agrees_with_a_model_that_remembers_everything(history: list[Event]) -> None:
    facts: dict[str, Fact] = {}
    sights: list[Sight] = []
    log: dict[str, list[Said]] = {key: [] for key in KEYS}
    for event in history:
        if isinstance(event, Run):
            earlier = tuple(sights)
            sights.append(see(event))
            comparison = compare(HOST, "ports", facts, sights[-1], partial(past_of, earlier), event.rules)
            now = {key: say(event, key) for key in KEYS}
        else:
            comparison = rescoped_out(HOST, "ports", facts)
            now = dict.fromkeys(KEYS, Said("left"))
        told = {
            (change.key, change.kind.value, change.cause.value, change.certainty.value, change.reason)
            for change in comparison.changes
        }
        expected = {(key, *change) for key in KEYS for change in model_changes(log[key], now[key])}

        assert told == expected
        assert len(comparison.changes) == len(expected)

        facts |= dict(comparison.facts)
        for key, said in now.items():
            log[key].append(said)
        assert facts == {key: fact for key in KEYS if (fact := model_fact(log[key])) is not None}
