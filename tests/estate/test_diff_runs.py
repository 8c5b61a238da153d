"""What is judged beside single keys: failed canaries, the scope's edge, too much at once, doubt and flapping."""

import dataclasses

import pytest

from estate.assets import host
from estate.coverage import Keys, Look, Verdict
from estate.diff import (
    UNCHANGED,
    Breaker,
    Cause,
    Certainty,
    Change,
    Fact,
    InSight,
    Kind,
    Past,
    Rules,
    blinded,
    compare,
    doubtful,
    is_flapping,
    rescoped_out,
)
from estate.observations import Attributes, Sight

WEB = host("10.0.0.7")
KEY = "tcp/443"
NGINX = (("product", "nginx"), ("service", "http"))
SSH = (("product", "OpenSSH"), ("service", "ssh"))

HERE = Fact(present=True, value=NGINX)
AWAY = Fact(present=False, value=NGINX)
MISSED = Fact(present=True, value=NGINX, misses=1)
OUT_OF_SIGHT = Fact(present=True, value=NGINX, sight=InSight.LOST)


def looks(verdict: Verdict, **keys: str) -> tuple[Look, ...]:
    return tuple(Look(verdict, reason.replace("_", "-"), Keys.parse(text)) for reason, text in keys.items())


def changes(
    prior: dict[str, Fact],
    present: dict[str, Attributes],
    negative: tuple[Look, ...] = (),
    silent: tuple[Look, ...] = (),
    blind: tuple[Look, ...] = (),
) -> tuple[Change, ...]:
    asked = Keys.of(present)
    for look in (*negative, *silent, *blind):
        asked |= look.keys
    seen = Sight(WEB.key, asked, present, negative, silent, blind)
    return compare(WEB, "ports", prior, seen, lambda _: Past.PROVED, Rules()).changes


def test_the_words_are_those_that_are_stored_and_printed() -> None:
    assert {kind.value for kind in Kind} == {
        "first_observed",
        "appeared",
        "reappeared",
        "changed",
        "suspected_gone",
        "gone",
        "lost_sight",
        "sight_regained",
        "rescoped_out",
        "flapping",
    }
    assert {cause.value for cause in Cause} == {"estate", "scope", "profile", "engine", "intel", "policy"}
    assert {certainty.value for certainty in Certainty} == {"proved", "confirmed", "likely", "suspected"}
    assert {sight.value for sight in InSight} == {"seen", "lost", "out"}


def test_a_failed_canary_takes_the_word_from_silence_and_refusals_but_not_from_what_was_seen() -> None:
    seen = Sight(
        WEB.key,
        Keys.parse("tcp/22-25,443"),
        {KEY: NGINX},
        negative=looks(Verdict.NEGATIVE, reset="tcp/22"),
        silent=looks(Verdict.SILENT, no_response="tcp/23", host_down="tcp/24"),
        blind=looks(Verdict.BLIND, host_timeout="tcp/25"),
        silences=(Keys.parse("tcp/23"),),
    )

    blind = blinded(seen, "canary")

    assert (blind.present, blind.asked, blind.subject) == (seen.present, seen.asked, seen.subject)
    assert (blind.negative, blind.silent, blind.silences) == ((), (), ())
    assert [(look.verdict.word, look.reason, str(look.keys)) for look in blind.blind] == [
        ("blind", "host-timeout", "tcp/25"),
        ("blind", "canary", "tcp/22"),
        ("blind", "canary", "tcp/23"),
        ("blind", "canary", "tcp/24"),
    ]


def test_what_leaves_the_scope_is_told_once_and_stays_known() -> None:
    prior = {"tcp/443": HERE, "tcp/80": OUT_OF_SIGHT, "tcp/22": AWAY, "tcp/25": MISSED}

    comparison = rescoped_out(WEB, "ports", prior)

    out = Fact(present=True, value=NGINX, sight=InSight.OUT)
    missed_out = Fact(present=True, value=NGINX, misses=1, sight=InSight.OUT)
    assert comparison.facts == (("tcp/25", missed_out), ("tcp/80", out), ("tcp/443", out))
    assert comparison.changes[2] == Change(
        Kind.RESCOPED_OUT, Cause.SCOPE, Certainty.PROVED, WEB, "ports", KEY, HERE, out, "no longer in scope"
    )
    assert rescoped_out(WEB, "ports", prior | dict(comparison.facts)) is UNCHANGED
    assert rescoped_out(WEB, "ports", {}) is UNCHANGED
    assert doubtful(comparison.changes) == {}


@pytest.mark.parametrize(
    ("closing", "present", "trips"),
    [(49, 50, False), (50, 50, True), (50, 249, True), (50, 250, False), (51, 250, True), (0, 0, False)],
)
def test_the_breaker_trips_above_the_share_and_from_the_least_number_on(
    closing: int, present: int, trips: bool
) -> None:
    assert Breaker().trips(closing, present) is trips


def test_a_breaker_cannot_be_altered() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Breaker().share = 1.0  # type: ignore[misc]  # that is the point
    assert not hasattr(Breaker(), "__dict__")


def test_the_breaker_goes_by_its_settings() -> None:
    careful = Breaker(share=0.5, at_least=2)

    assert [careful.trips(closing, 4) for closing in (1, 2, 3)] == [False, False, True]
    assert not careful.trips(1, 1)


def test_a_second_look_is_for_what_seems_to_have_changed() -> None:
    prior = {"tcp/443": HERE, "tcp/80": HERE, "tcp/22": AWAY, "tcp/25": HERE, "tcp/110": HERE, "tcp/143": OUT_OF_SIGHT}
    told = changes(
        prior,
        {"tcp/443": SSH, "tcp/22": (), "tcp/993": (), "tcp/143": NGINX},
        looks(Verdict.NEGATIVE, reset="tcp/80"),
        looks(Verdict.SILENT, no_response="tcp/25"),
        looks(Verdict.BLIND, host_timeout="tcp/110"),
    )
    only_wider = Sight("10.0.0.8", Keys.parse(KEY), {KEY: ()}, (), (), ())
    new = compare(host("10.0.0.8"), "ports", {}, only_wider, lambda _: Past.NOT_ASKED, Rules()).changes

    assert doubtful((*reversed(told), *new)) == {WEB: ("tcp/22", "tcp/25", "tcp/80", "tcp/110", "tcp/443", "tcp/993")}


def test_a_key_with_two_changes_is_asked_again_once() -> None:
    refuted = looks(Verdict.NEGATIVE, reset=KEY)

    assert doubtful(changes({KEY: OUT_OF_SIGHT}, {KEY: SSH}) + changes({KEY: HERE}, {}, refuted)) == {WEB: (KEY,)}


@pytest.mark.parametrize(
    ("flips", "at", "flapping"),
    [
        pytest.param((1, 2), 2, False, id="two flips are no flapping"),
        pytest.param((1, 2, 3), 3, True, id="three flips in three runs are"),
        pytest.param((1, 2, 3, 4), 4, True, id="more than three are too"),
        pytest.param((1, 5, 10), 10, True, id="ten runs are the window"),
        pytest.param((1, 5, 11), 11, False, id="the eleventh run is out of it"),
        pytest.param((2, 5, 11), 11, True, id="the window moves on"),
        pytest.param((1, 5, 12), 10, False, id="what comes later does not count"),
    ],
)
def test_three_flips_within_ten_runs_are_flapping(flips: tuple[int, ...], at: int, flapping: bool) -> None:
    assert is_flapping(flips, range(1, 13), at) is flapping


def test_runs_are_counted_in_the_order_of_looking_and_not_by_number() -> None:
    assert is_flapping((7, 3, 9), (9, 3, 7), 7)
    assert not is_flapping((7, 3, 9), (9, 7, 3), 7)
