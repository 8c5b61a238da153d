"""What holds of the diff whatever the evidence: order, coverage, repetition, silence, blindness and causes."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from estate.assets import host
from estate.coverage import NOTHING, Keys, Look, Verdict
from estate.diff import (
    FLIPS,
    UNCHANGED,
    Breaker,
    Cause,
    Comparison,
    Fact,
    InSight,
    Kind,
    Past,
    Rules,
    blinded,
    compare,
    is_flapping,
    rescoped_out,
)
from estate.observations import Attributes, Reading, Sight, merge

HOST = host("10.0.0.7")
KEYS = ("tcp/22", "tcp/80", "tcp/443", "udp/53")
REASONS = {
    Verdict.NEGATIVE: ("reset", "conn-refused"),
    Verdict.SILENT: ("no-response", "admin-prohibited", "host-down", "sweep"),
    Verdict.BLIND: ("host-timeout", "truncated"),
}
CLOSING = {Kind.GONE, Kind.SUSPECTED_GONE}

names = st.sampled_from(("product", "service", "version"))
values = st.dictionaries(names, st.sampled_from(("1", "2"))).map(lambda told: tuple(sorted(told.items())))
keys = st.sampled_from(KEYS)
facts = st.builds(Fact, st.booleans(), values, st.integers(0, 3), st.sampled_from(InSight)).map(
    # What is absent has no row of silences, and is never out of sight.
    lambda fact: fact if fact.present else Fact(present=False, value=fact.value)
)
priors = st.dictionaries(keys, facts)
pasts = st.fixed_dictionaries(dict.fromkeys(KEYS, st.sampled_from(Past)))
rules = st.builds(Rules, st.integers(1, 5), st.booleans(), st.booleans())
verdicts = st.sampled_from([(verdict, reason) for verdict, found in REASONS.items() for reason in found])


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """One piece of evidence: each key seen, spoken of, or left out."""
    present: dict[str, Attributes] = {}
    said: dict[tuple[Verdict, str], list[str]] = {}
    for key in draw(st.frozensets(keys)):
        verdict = draw(st.none() | verdicts)
        if verdict is None:
            present[key] = draw(values)
        else:
            said.setdefault(verdict, []).append(key)
    looks = tuple(Look(verdict, reason, Keys.of(found)) for (verdict, reason), found in said.items())
    return Reading(HOST.key, present, looks, draw(st.integers(0, 2)))


evidence = st.lists(readings(), max_size=4)
asked_sets = st.frozensets(keys).map(Keys.of) | st.just(Keys.of(KEYS))


def see(found: Sequence[Reading], asked: Keys) -> Sight:
    return merge(HOST.key, asked, found)


def judge(prior: Mapping[str, Fact], sight: Sight, past: Mapping[str, Past], how: Rules) -> Comparison:
    return compare(HOST, "ports", prior, sight, past.__getitem__, how)


def kinds(comparison: Comparison, wanted: set[Kind] | frozenset[Kind]) -> set[tuple[str, Kind]]:
    return {(change.key, change.kind) for change in comparison.changes if change.kind in wanted}


def without(found: Sequence[Reading], hidden: Keys) -> list[Reading]:
    """The same evidence had we not been able to look at these keys."""
    blind = Look(Verdict.BLIND, "host-timeout", hidden)
    return [
        Reading(
            one.subject,
            {key: value for key, value in one.present.items() if key not in hidden},
            (*(Look(look.verdict, look.reason, look.keys - hidden) for look in one.looks), blind),
            one.look,
        )
        for one in found
    ]


@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, how=rules, data=st.data())
def test_the_order_of_evidence_and_its_repetition_never_matter(found, asked, prior, past, how, data) -> None:
    arrived = data.draw(st.permutations(found))
    retried = [*arrived, *data.draw(st.lists(st.sampled_from(found), max_size=2) if found else st.just([]))]

    judged = judge(prior, see(found, asked), past, how)

    assert judge(prior, see(arrived, asked), past, how) == judged
    assert judge(prior, see(retried, asked), past, how) == judged


@given(found=evidence, prior=priors, past=pasts, how=rules, data=st.data())
def test_shards_that_ask_different_keys_may_be_judged_apart(found, prior, past, how, data) -> None:
    asked = Keys.of(data.draw(st.frozensets(keys)))
    rest = Keys.of(KEYS) - asked

    together = judge(prior, see(found, Keys.of(KEYS)), past, how)
    apart = [judge(prior, see(found, part), past, how) for part in (asked, rest)]

    assert set(together.facts) == {fact for each in apart for fact in each.facts}
    assert set(together.changes) == {change for each in apart for change in each.changes}


@settings(max_examples=300)
@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, how=rules, hidden=st.frozensets(keys))
def test_less_coverage_never_adds_a_gone(found, asked, prior, past, how, hidden) -> None:
    seen = judge(prior, see(found, asked), past, how)
    hardly = judge(prior, see(without(found, Keys.of(hidden)), asked), past, how)
    not_asked = judge(prior, see(found, asked - Keys.of(hidden)), past, how)

    assert kinds(hardly, CLOSING) <= kinds(seen, CLOSING)
    assert kinds(not_asked, CLOSING) <= kinds(seen, CLOSING)
    assert not {key for key, _ in kinds(hardly, CLOSING)} & hidden


@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, how=rules)
def test_settling_the_same_evidence_again_gives_the_same(found, asked, prior, past, how) -> None:
    assert judge(dict(prior), see(found, asked), past, how) == judge(prior, see(found, asked), past, how)


@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, how=rules)
def test_a_run_that_finds_the_same_again_has_nothing_to_tell_but_the_row_of_silences(
    found, asked, prior, past, how
) -> None:
    sight = see(found, asked)
    once = prior | dict(judge(prior, sight, past, how).facts)

    again = judge(once, sight, past, how)

    loud = {key for key in KEYS for look in sight.silent if key in look.keys and not look.weak}
    assert {key for key, _ in again.facts} <= loud
    assert kinds(again, set(Kind)) == kinds(again, {Kind.GONE})
    if not loud:
        assert again is UNCHANGED


@given(found=st.lists(evidence, min_size=1, max_size=6), past=pasts, how=rules)
def test_nothing_is_gone_without_a_refusal_or_enough_silent_looks(found, past, how) -> None:
    state: dict[str, Fact] = {}
    row = dict.fromkeys(KEYS, 0)
    for each in found:
        sight = see(each, Keys.of(KEYS))
        for key in KEYS:
            row[key] = 0 if key in sight.present else row[key] + sight.silent_looks(key)
        comparison = judge(state, sight, past, how)
        for key, _ in kinds(comparison, {Kind.GONE}):
            look = sight.verdict(key)
            assert look is not None
            assert look.verdict is Verdict.NEGATIVE or row[key] >= how.silences
        state |= dict(comparison.facts)


@given(
    asked=asked_sets,
    prior=priors,
    past=pasts,
    how=rules,
    runs=st.integers(1, 5),
    reason=st.sampled_from(["host-down", "sweep"]),
)
def test_weak_silence_never_closes_however_often_it_is_repeated(asked, prior, past, how, runs, reason) -> None:
    state = dict(prior)
    for number in range(runs):
        weak = Reading(HOST.key, {}, (Look(Verdict.SILENT, reason, asked),), number)
        comparison = judge(state, see([weak, weak], asked), past, how)
        assert {change.kind for change in comparison.changes} <= {Kind.LOST_SIGHT}
        state |= dict(comparison.facts)

    assert {key: fact.present for key, fact in state.items()} == {key: fact.present for key, fact in prior.items()}
    assert {key: fact.misses for key, fact in state.items()} == {key: fact.misses for key, fact in prior.items()}


@given(looks=st.lists(st.integers(1, 3), min_size=1, max_size=6), silences=st.integers(1, 6))
def test_each_distinct_silent_look_counts_once_and_the_last_one_needed_closes(looks, silences) -> None:
    state = {"tcp/22": Fact(present=True)}
    silence = (Look(Verdict.SILENT, "no-response", Keys.of(["tcp/22"])),)
    told: list[Kind] = []
    for in_this_run in looks:
        retried = [Reading(HOST.key, {}, silence, number) for number in range(in_this_run) for _ in range(2)]
        comparison = judge(state, see(retried, Keys.of(["tcp/22"])), {}, Rules(silences))
        told += [change.kind for change in comparison.changes]
        state |= dict(comparison.facts)

    enough = sum(looks) >= silences
    at_once = looks[0] >= silences
    assert told == [Kind.SUSPECTED_GONE] * (not at_once) + [Kind.GONE] * enough
    assert state["tcp/22"] == Fact(present=not enough, misses=0 if enough else sum(looks))


@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, how=rules)
def test_with_a_failed_canary_only_what_was_seen_counts(found, asked, prior, past, how) -> None:
    sight = see(found, asked)
    blind = blinded(sight, "canary")

    comparison = judge(prior, blind, past, how)

    assert kinds(comparison, CLOSING) == set()
    only_seen = Sight(HOST.key, asked, sight.present, (), (), ())
    expected = judge(prior, only_seen, past, how)
    assert kinds(comparison, set(Kind) - {Kind.LOST_SIGHT}) == kinds(expected, set(Kind))
    assert [key for key in KEYS if (blind.verdict(key) is None) != (sight.verdict(key) is None)] == []
    assert blinded(blind, "again") == blind


@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, how=rules)
def test_what_was_not_asked_keeps_its_state_and_is_not_spoken_of(found, asked, prior, past, how) -> None:
    comparison = judge(prior, see(found, asked), past, how)

    assert {key for key, _ in comparison.facts} <= set(asked)
    assert {change.key for change in comparison.changes} <= set(asked)


@given(found=evidence, prior=priors, how=rules, known=asked_sets)
def test_a_wider_question_only_observes_first_and_says_it_is_the_profile(found, prior, how, known) -> None:
    """The run before asked `known`; what is asked beyond that was never asked before."""
    before = {key: fact for key, fact in prior.items() if key in known}
    past = {key: Past.PROVED if key in known else Past.NOT_ASKED for key in KEYS}

    narrow = judge(before, see(found, known), past, how)
    wide = judge(before, see(found, Keys.of(KEYS)), past, how)

    new = [change for change in wide.changes if change.key not in known]
    assert [change for change in wide.changes if change.key in known] == list(narrow.changes)
    assert {(change.kind, change.cause) for change in new} <= {(Kind.FIRST_OBSERVED, Cause.PROFILE)}


@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, silences=st.integers(1, 5))
def test_a_new_version_of_tool_or_database_only_explains_attributes(found, asked, prior, past, silences) -> None:
    sight = see(found, asked)
    usual = judge(prior, sight, past, Rules(silences))
    for how, cause in (
        (Rules(silences, engine_changed=True), Cause.ENGINE),
        (Rules(silences, intel_changed=True), Cause.INTEL),
    ):
        newer = judge(prior, sight, past, how)

        assert newer.facts == usual.facts
        assert [(change.key, change.kind) for change in newer.changes] == [
            (change.key, change.kind) for change in usual.changes
        ]
        for change, as_usual in zip(newer.changes, usual.changes, strict=True):
            assert change.cause is (cause if change.kind is Kind.CHANGED else as_usual.cause)
            if change.kind is Kind.CHANGED:
                assert change.before is not None
                assert change.after is not None
                old, new = dict(change.before.value), dict(change.after.value)
                assert any(old[name] != new[name] for name in old.keys() & new.keys())


@given(found=evidence, asked=asked_sets, prior=priors, past=pasts, how=rules)
def test_changes_and_states_tell_the_same_story(found, asked, prior, past, how) -> None:
    comparison = judge(prior, see(found, asked), past, how)
    after = dict(comparison.facts)

    assert len(after) == len(comparison.facts)
    assert all(prior.get(key) != fact for key, fact in comparison.facts)
    for change in comparison.changes:
        assert (change.asset, change.aspect) == (HOST, "ports")
        assert change.before == prior.get(change.key)
        assert change.after == after[change.key]
        was_there = change.before is not None and change.before.present
        assert (change.kind in FLIPS | {Kind.FIRST_OBSERVED}) == (was_there != after[change.key].present)


@given(prior=priors)
def test_leaving_the_scope_is_told_once_of_all_that_is_present(prior) -> None:
    comparison = rescoped_out(HOST, "ports", prior)
    after = prior | dict(comparison.facts)

    assert {key for key, fact in after.items() if fact.sight is InSight.OUT} == {
        key for key, fact in prior.items() if fact.present
    }
    assert {key: (fact.present, fact.value, fact.misses) for key, fact in after.items()} == {
        key: (fact.present, fact.value, fact.misses) for key, fact in prior.items()
    }
    assert rescoped_out(HOST, "ports", after) is UNCHANGED


@given(closing=st.integers(0, 400), present=st.integers(0, 2000), more=st.integers(0, 50))
def test_closing_more_or_knowing_less_never_calms_the_breaker(closing, present, more) -> None:
    breaker = Breaker()

    assert breaker.trips(closing, present) == (closing >= 50 and 5 * closing > present)
    if breaker.trips(closing, present):
        assert breaker.trips(closing + more, present)
        assert breaker.trips(closing, max(0, present - more))


@given(
    order=st.lists(st.integers(1, 1000), min_size=1, max_size=30, unique=True),
    flips=st.frozensets(st.integers(0, 29)),
    at=st.integers(0, 29),
)
def test_flapping_is_three_flips_among_this_run_and_the_nine_before_it(order, flips, at) -> None:
    at = min(at, len(order) - 1)
    flipped = {order[number] for number in flips if number < len(order)}
    recent = [number for number in range(len(order)) if at - 9 <= number <= at]

    assert is_flapping(flipped, order, order[at]) == (sum(order[number] in flipped for number in recent) >= 3)


@given(prior=priors, past=pasts, how=rules)
def test_a_run_that_asked_nothing_changes_nothing(prior, past, how) -> None:
    assert judge(prior, see([], NOTHING), past, how) is UNCHANGED
