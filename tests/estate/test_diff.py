"""Every cell of the table from a prior fact and new evidence to a change, and what surrounds the table."""

import dataclasses

import pytest

from estate.assets import host
from estate.coverage import Keys, Look, Verdict
from estate.diff import (
    UNCHANGED,
    Cause,
    Certainty,
    Change,
    Comparison,
    Fact,
    InSight,
    Kind,
    Past,
    Rules,
    compare,
)
from estate.observations import Attributes, Sight

WEB = host("10.0.0.7")
KEY = "tcp/443"
NGINX = (("product", "nginx"), ("service", "http"))
SSH = (("product", "OpenSSH"), ("service", "ssh"))

Given = dict[str, Attributes]


def sight(
    *,
    present: Given | None = None,
    negative: str = "",
    silent: str = "",
    down: str = "",
    blind: str = "",
    asked: str = "",
    looks: int = 1,
) -> Sight:
    """What one run proves, in the spelling of key sets; what is in a verdict was asked."""
    seen = present or {}
    verdicts = [
        (Verdict.NEGATIVE, "reset", negative),
        (Verdict.SILENT, "no-response", silent),
        (Verdict.SILENT, "host-down", down),
        (Verdict.BLIND, "host-timeout", blind),
    ]
    said = [Look(verdict, reason, Keys.parse(keys)) for verdict, reason, keys in verdicts if keys]
    everything = Keys.of(seen) | Keys.parse(asked)
    for look in said:
        everything |= look.keys
    return Sight(
        WEB.key,
        everything,
        seen,
        tuple(look for look in said if look.verdict is Verdict.NEGATIVE),
        tuple(look for look in said if look.verdict is Verdict.SILENT),
        tuple(look for look in said if look.verdict is Verdict.BLIND),
        (Keys.parse(silent),) * looks if silent else (),
    )


def judge(
    prior: dict[str, Fact], seen: Sight, *, past: Past = Past.NEVER_TARGETED, rules: Rules | None = None
) -> Comparison:
    return compare(WEB, "ports", prior, seen, lambda _: past, rules or Rules())


def told(comparison: Comparison) -> list[tuple[Kind, Certainty]]:
    return [(change.kind, change.certainty) for change in comparison.changes]


SEEN_SAME = sight(present={KEY: NGINX})
SEEN_OTHER = sight(present={KEY: SSH})
REFUTED = sight(negative=KEY)
SILENT = sight(silent=KEY)
BLIND = sight(blind=KEY)
NOT_ASKED = sight(present={}, negative="tcp/22")

NEVER_LOOKED = (None, Past.NEVER_TARGETED)
NEVER_SEEN_BUT_SILENT = (None, Past.SILENT)
ABSENT_PROVED = (None, Past.PROVED)
PRESENT = (Fact(present=True, value=NGINX), Past.PROVED)
WAS_PRESENT = (Fact(present=False, value=NGINX), Past.PROVED)
UNSEEN = (Fact(present=True, value=NGINX, sight=InSight.LOST), Past.PROVED)

HERE = Fact(present=True, value=NGINX)
HERE_AS_SSH = Fact(present=True, value=SSH)
AWAY = Fact(present=False, value=NGINX)
MISSED = Fact(present=True, value=NGINX, misses=1)
OUT_OF_SIGHT = Fact(present=True, value=NGINX, sight=InSight.LOST)

FIRST = (Kind.FIRST_OBSERVED, Certainty.PROVED)
APPEARED = (Kind.APPEARED, Certainty.PROVED)
PERHAPS_APPEARED = (Kind.APPEARED, Certainty.LIKELY)
REAPPEARED = (Kind.REAPPEARED, Certainty.PROVED)
CHANGED = (Kind.CHANGED, Certainty.PROVED)
GONE = (Kind.GONE, Certainty.PROVED)
SUSPECTED = (Kind.SUSPECTED_GONE, Certainty.SUSPECTED)
LOST = (Kind.LOST_SIGHT, Certainty.PROVED)
REGAINED = (Kind.SIGHT_REGAINED, Certainty.PROVED)


@pytest.mark.parametrize(
    ("before", "evidence", "changes", "after"),
    [
        pytest.param(NEVER_LOOKED, SEEN_SAME, [FIRST], HERE, id="what was never looked at is first observed"),
        pytest.param(NEVER_LOOKED, REFUTED, [], None, id="an absence never looked at before is no news"),
        pytest.param(NEVER_LOOKED, SILENT, [], None, id="a silence never looked at before is no news"),
        pytest.param(NEVER_LOOKED, BLIND, [], None, id="blindness never looked at before is no news"),
        pytest.param(NEVER_LOOKED, NOT_ASKED, [], None, id="what nobody asks stays unknown"),
        pytest.param(NEVER_SEEN_BUT_SILENT, SEEN_SAME, [PERHAPS_APPEARED], HERE, id="after silence it likely appeared"),
        pytest.param(NEVER_SEEN_BUT_SILENT, REFUTED, [], None, id="after silence a refusal is no news"),
        pytest.param(NEVER_SEEN_BUT_SILENT, SILENT, [], None, id="silence after silence is no news"),
        pytest.param(NEVER_SEEN_BUT_SILENT, BLIND, [], None, id="blindness after silence is no news"),
        pytest.param(NEVER_SEEN_BUT_SILENT, NOT_ASKED, [], None, id="after silence, what nobody asks stays unknown"),
        pytest.param(PRESENT, SEEN_SAME, [], HERE, id="what is seen again is verified without a word"),
        pytest.param(PRESENT, SEEN_OTHER, [CHANGED], HERE_AS_SSH, id="another value has changed"),
        pytest.param(PRESENT, REFUTED, [GONE], AWAY, id="what is refused is gone at once"),
        pytest.param(PRESENT, SILENT, [SUSPECTED], MISSED, id="one silence only makes us suspect"),
        pytest.param(PRESENT, BLIND, [LOST], OUT_OF_SIGHT, id="where we cannot look we lose sight"),
        pytest.param(PRESENT, NOT_ASKED, [], HERE, id="what nobody asks stays present"),
        pytest.param(ABSENT_PROVED, SEEN_SAME, [APPEARED], HERE, id="what was proved absent appears"),
        pytest.param(ABSENT_PROVED, REFUTED, [], None, id="what was proved absent is refused again"),
        pytest.param(ABSENT_PROVED, SILENT, [], None, id="what was proved absent keeps silent"),
        pytest.param(ABSENT_PROVED, BLIND, [], None, id="what was proved absent cannot be looked at"),
        pytest.param(ABSENT_PROVED, NOT_ASKED, [], None, id="what was proved absent is not asked for"),
        pytest.param(WAS_PRESENT, SEEN_SAME, [REAPPEARED], HERE, id="what was gone reappears"),
        pytest.param(WAS_PRESENT, SEEN_OTHER, [REAPPEARED], HERE_AS_SSH, id="what reappears as another thing is that"),
        pytest.param(WAS_PRESENT, REFUTED, [], AWAY, id="what is gone and refused stays gone"),
        pytest.param(WAS_PRESENT, SILENT, [], AWAY, id="what is gone and silent stays gone"),
        pytest.param(WAS_PRESENT, BLIND, [], AWAY, id="what is gone and cannot be looked at stays gone"),
        pytest.param(WAS_PRESENT, NOT_ASKED, [], AWAY, id="what is gone and not asked for stays gone"),
        pytest.param(UNSEEN, SEEN_SAME, [REGAINED], HERE, id="what comes back into sight is not new"),
        pytest.param(UNSEEN, SEEN_OTHER, [REGAINED, CHANGED], HERE_AS_SSH, id="it may have changed out of sight"),
        pytest.param(UNSEEN, REFUTED, [GONE], AWAY, id="what went out of sight and is refused is gone"),
        pytest.param(UNSEEN, SILENT, [SUSPECTED], MISSED, id="what went out of sight and is silent is suspected"),
        pytest.param(UNSEEN, BLIND, [], OUT_OF_SIGHT, id="sight is lost only once"),
        pytest.param(UNSEEN, NOT_ASKED, [], OUT_OF_SIGHT, id="what is out of sight and not asked for stays so"),
    ],
)
def test_the_table(
    before: tuple[Fact | None, Past],
    evidence: Sight,
    changes: list[tuple[Kind, Certainty]],
    after: Fact | None,
) -> None:
    fact, past = before
    prior = {} if fact is None else {KEY: fact}

    comparison = judge(prior, evidence, past=past)

    assert told(comparison) == changes
    assert (prior | dict(comparison.facts)).get(KEY) == after
    assert dict(comparison.facts) == ({KEY: after} if after != fact else {})
    assert all(change.before == fact and change.after == after for change in comparison.changes)
    assert (comparison is UNCHANGED) == (after == fact)


@pytest.mark.parametrize("value", [HERE, Rules(), UNCHANGED, judge({}, SEEN_SAME).changes[0]])
def test_nothing_that_was_said_can_be_altered_or_added_to(value: object) -> None:
    field = dataclasses.fields(value)[0].name  # type: ignore[arg-type]  # each of them is a dataclass

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, getattr(value, field))
    assert not hasattr(value, "__dict__")


def test_a_change_names_what_it_is_about() -> None:
    (change,) = judge({KEY: HERE}, REFUTED).changes

    assert change == Change(
        Kind.GONE, Cause.ESTATE, Certainty.PROVED, WEB, "ports", KEY, before=HERE, after=AWAY, reason="reset"
    )


@pytest.mark.parametrize(
    ("past", "kind", "cause", "reason"),
    [
        (Past.NEVER_TARGETED, Kind.FIRST_OBSERVED, Cause.SCOPE, "never looked at before"),
        (Past.NOT_ASKED, Kind.FIRST_OBSERVED, Cause.PROFILE, "not asked before"),
        (Past.BLIND, Kind.FIRST_OBSERVED, Cause.ESTATE, "never in sight before"),
        (Past.SILENT, Kind.APPEARED, Cause.ESTATE, "was silent before"),
        (Past.PROVED, Kind.APPEARED, Cause.ESTATE, "absence was proved before"),
    ],
)
def test_what_was_never_seen_is_told_by_what_was_known_of_it(past: Past, kind: Kind, cause: Cause, reason: str) -> None:
    (change,) = judge({}, SEEN_SAME, past=past).changes

    assert (change.kind, change.cause, change.reason) == (kind, cause, reason)
    assert change.before is None


def test_the_strongest_of_what_was_known_is_the_greatest() -> None:
    assert max(Past) is Past.PROVED
    assert sorted(Past) == [Past.NEVER_TARGETED, Past.NOT_ASKED, Past.BLIND, Past.SILENT, Past.PROVED]


def test_only_what_was_never_seen_is_looked_up() -> None:
    asked_for: list[str] = []

    def past(key: str) -> Past:
        asked_for.append(key)
        return Past.PROVED

    seen = sight(present={"tcp/22": (), KEY: NGINX, "tcp/80": ()}, negative="tcp/25")
    compare(WEB, "ports", {KEY: HERE, "tcp/80": Fact(present=False), "tcp/25": HERE}, seen, past, Rules())

    assert asked_for == ["tcp/22"]


@pytest.mark.parametrize(
    ("rules", "cause"),
    [
        (Rules(), Cause.ESTATE),
        (Rules(engine_changed=True), Cause.ENGINE),
        (Rules(intel_changed=True), Cause.INTEL),
        (Rules(engine_changed=True, intel_changed=True), Cause.ENGINE),
    ],
)
def test_attributes_that_differ_are_put_down_to_a_new_version_of_the_tool_or_its_database(
    rules: Rules, cause: Cause
) -> None:
    (change,) = judge({KEY: HERE}, SEEN_OTHER, rules=rules).changes

    assert (change.cause, change.reason) == (cause, "product, service")


@pytest.mark.parametrize("evidence", [SEEN_SAME, REFUTED, SILENT, BLIND])
def test_a_new_version_of_the_tool_opens_and_closes_nothing(evidence: Sight) -> None:
    newer = Rules(engine_changed=True, intel_changed=True)

    for prior in ({}, {KEY: HERE}, {KEY: AWAY}, {KEY: OUT_OF_SIGHT}):
        assert judge(prior, evidence, rules=newer) == judge(prior, evidence)


@pytest.mark.parametrize(
    ("known", "now", "after"),
    [
        pytest.param(NGINX, (), NGINX, id="what is not probed now stays as it was probed"),
        pytest.param((), NGINX, NGINX, id="what was not probed before is learnt"),
        pytest.param(NGINX[:1], NGINX[1:], NGINX, id="what either run probed is put together"),
        pytest.param((("service", "http"),), (("product", "nginx"), ("service", "http")), NGINX, id="more is learnt"),
    ],
)
def test_only_attributes_that_both_runs_probed_can_change(
    known: Attributes, now: Attributes, after: Attributes
) -> None:
    prior = {KEY: Fact(present=True, value=known)}

    comparison = judge(prior, sight(present={KEY: now}))

    assert comparison.changes == ()
    assert (prior | dict(comparison.facts))[KEY] == Fact(present=True, value=after)


def test_equal_words_are_equal_whoever_spelled_them() -> None:
    spelled_again = (("product", str(b"nginx", "ascii")), ("service", "ssh"))

    (change,) = judge({KEY: HERE}, sight(present={KEY: spelled_again})).changes

    assert change.reason == "service"


def test_what_another_thing_leaves_unsaid_is_not_inherited() -> None:
    comparison = judge({KEY: HERE}, sight(present={KEY: (("service", "ssh"),)}))

    assert dict(comparison.facts)[KEY].value == (("service", "ssh"),)
    assert comparison.changes[0].reason == "service"


def test_what_reappears_unprobed_is_held_against_what_it_was() -> None:
    comparison = judge({KEY: AWAY}, sight(present={KEY: ()}))

    assert dict(comparison.facts)[KEY] == HERE
    assert comparison.changes[0].reason == "seen again"


def test_the_third_silence_in_a_row_confirms_and_the_second_is_not_told() -> None:
    prior = {KEY: HERE}
    heard = []
    for _ in range(3):
        comparison = judge(prior, SILENT)
        heard.append([(change.kind, change.certainty, change.reason) for change in comparison.changes])
        prior |= dict(comparison.facts)

    assert heard == [
        [(Kind.SUSPECTED_GONE, Certainty.SUSPECTED, "no-response")],
        [],
        [(Kind.GONE, Certainty.CONFIRMED, "no-response, 3 silent looks in a row")],
    ]
    assert prior[KEY] == AWAY


def test_being_seen_once_ends_the_row_of_silences() -> None:
    comparison = judge({KEY: Fact(present=True, value=NGINX, misses=2)}, SEEN_SAME)

    assert comparison == Comparison(facts=((KEY, HERE),))


def test_blindness_neither_ends_the_row_of_silences_nor_adds_to_it() -> None:
    missed_twice = Fact(present=True, value=NGINX, misses=2)

    lost = dict(judge({KEY: missed_twice}, BLIND).facts)

    assert lost == {KEY: Fact(present=True, value=NGINX, misses=2, sight=InSight.LOST)}
    assert told(judge(lost, BLIND)) == []
    assert told(judge(lost, SILENT)) == [(Kind.GONE, Certainty.CONFIRMED)]


def test_silence_is_a_look_so_that_sight_can_be_lost_anew() -> None:
    prior = {KEY: Fact(present=True, value=NGINX, misses=1, sight=InSight.LOST)}

    silent = judge(prior, SILENT)

    assert silent == Comparison(facts=((KEY, Fact(present=True, value=NGINX, misses=2)),))
    assert told(judge(dict(silent.facts), BLIND)) == [LOST]


def test_a_second_look_counts_as_one_more_silence() -> None:
    twice = judge({KEY: HERE}, sight(silent=KEY, looks=2))

    assert twice.facts == ((KEY, Fact(present=True, value=NGINX, misses=2)),)
    assert told(twice) == [SUSPECTED]
    assert told(judge(dict(twice.facts), SILENT)) == [(Kind.GONE, Certainty.CONFIRMED)]
    assert told(judge({KEY: HERE}, sight(silent=KEY, looks=3))) == [(Kind.GONE, Certainty.CONFIRMED)]


def test_a_silence_whose_looks_were_not_counted_is_one() -> None:
    assert judge({KEY: HERE}, sight(silent=KEY, looks=0)).facts == ((KEY, MISSED),)


@pytest.mark.parametrize(("silences", "kind"), [(1, Kind.GONE), (2, Kind.SUSPECTED_GONE)])
def test_how_many_silences_are_enough_is_a_setting(silences: int, kind: Kind) -> None:
    (change,) = judge({KEY: HERE}, SILENT, rules=Rules(silences=silences)).changes

    assert change.kind is kind


def test_a_host_that_is_down_hides_its_ports_however_often_we_ask() -> None:
    prior = {KEY: Fact(present=True, value=NGINX, misses=2)}
    heard = []
    for _ in range(5):
        comparison = judge(prior, sight(down=KEY))
        heard += [(change.kind, change.reason) for change in comparison.changes]
        prior |= dict(comparison.facts)

    assert heard == [(Kind.LOST_SIGHT, "host-down")]
    assert prior[KEY] == Fact(present=True, value=NGINX, misses=2, sight=InSight.LOST)


def test_a_key_that_was_asked_but_has_no_verdict_is_left_alone() -> None:
    assert judge({KEY: HERE}, sight(negative="tcp/22", asked=KEY)) is UNCHANGED


def test_changes_come_in_the_order_of_their_keys_whatever_came_first() -> None:
    keys = ["pkg/zlib", "tcp/80", "tcp/443", "tcp/8080", "udp/53"]
    prior = {"tcp/8080": HERE, "tcp/80": HERE}
    seen = sight(present={"udp/53": (), "pkg/zlib": (), "tcp/443": NGINX}, negative="tcp/80,8080")

    comparison = judge(prior, seen)

    assert [change.key for change in comparison.changes] == keys
    assert [key for key, _ in comparison.facts] == keys


def test_names_come_in_alphabetical_order_and_before_numbers() -> None:
    keys = ["check/apt", "check/ssh/10", "check/ssh/9", "check/yum", "check/2", "check/10"]

    comparison = judge({}, sight(present=dict.fromkeys(reversed(keys), ())))

    assert [change.key for change in comparison.changes] == keys


@pytest.mark.parametrize(("was", "cause"), [(InSight.LOST, Cause.ESTATE), (InSight.OUT, Cause.SCOPE)])
def test_sight_is_regained_for_the_reason_it_was_lost(was: InSight, cause: Cause) -> None:
    (change,) = judge({KEY: Fact(present=True, value=NGINX, sight=was)}, SEEN_SAME).changes

    assert (change.kind, change.cause, change.reason) == (Kind.SIGHT_REGAINED, cause, "looked at again")


def test_what_changed_while_out_of_scope_is_the_estates_change() -> None:
    regained, changed = judge({KEY: Fact(present=True, value=NGINX, sight=InSight.OUT)}, SEEN_OTHER).changes

    assert (regained.cause, changed.cause) == (Cause.SCOPE, Cause.ESTATE)
