"""Everything answers: one anomaly, for as long as nothing proves otherwise."""

import pytest

from estate.coverage import Keys, Look, Verdict
from estate.observations import NO_ATTRIBUTES, Sight
from estate.ports.rules import TARPIT_KEY
from estate.ports.tarpits import fold_tarpit

ASKED = Keys.parse("tcp/1-1000")
KNOWN = frozenset({"tcp/22"})


def sight(answering: int, *looks: Look, asked: Keys = ASKED) -> Sight:
    present = {f"tcp/{port}": NO_ATTRIBUTES for port in range(1, answering + 1)}
    by = {verdict: tuple(look for look in looks if look.verdict is verdict) for verdict in Verdict}
    return Sight("10.0.0.1", asked, present, by[Verdict.NEGATIVE], by[Verdict.SILENT], by[Verdict.BLIND])


def rest(verdict: Verdict, reason: str, keys: str = "tcp/951-1000") -> Look:
    return Look(verdict, reason, Keys.parse(keys))


def test_a_host_on_which_nearly_everything_answers_is_one_anomaly() -> None:
    folded = fold_tarpit(sight(950, rest(Verdict.NEGATIVE, "reset")), frozenset())
    assert dict(folded.present) == {TARPIT_KEY: NO_ATTRIBUTES}
    assert TARPIT_KEY in folded.asked


def test_ports_known_to_be_open_stay_as_they_are_seen() -> None:
    assert set(fold_tarpit(sight(950), KNOWN).present) == {"tcp/22", TARPIT_KEY}


@pytest.mark.parametrize(("answering", "asked"), [(127, "tcp/1-127"), (899, "tcp/1-1000")])
def test_a_host_with_few_ports_or_many_refusals_is_left_alone(answering, asked) -> None:
    seen = sight(answering, asked=Keys.parse(asked))
    assert fold_tarpit(seen, frozenset()) is seen


def test_a_known_anomaly_ends_with_a_refusal() -> None:
    folded = fold_tarpit(sight(3, rest(Verdict.NEGATIVE, "reset", "tcp/4-1000")), {TARPIT_KEY})
    assert folded.verdict(TARPIT_KEY) == Look(Verdict.NEGATIVE, "answers-like-a-host", Keys.of((TARPIT_KEY,)))
    assert len(folded.present) == 3


def test_a_question_too_narrow_to_show_it_again_leaves_it_and_what_it_hides() -> None:
    narrow = sight(3, asked=Keys.parse("tcp/1-3"))
    folded = fold_tarpit(narrow, {TARPIT_KEY, "tcp/2"})
    assert set(folded.present) == {"tcp/2"}
    assert TARPIT_KEY not in folded.asked


@pytest.mark.parametrize(
    ("verdict", "reason"), [(Verdict.SILENT, "no-response"), (Verdict.SILENT, "sweep"), (Verdict.BLIND, "host-down")]
)
def test_where_nothing_answers_a_known_anomaly_is_as_unseen_as_the_ports(verdict, reason) -> None:
    folded = fold_tarpit(sight(0, rest(verdict, reason, "tcp/1-1000")), {TARPIT_KEY})
    look = folded.verdict(TARPIT_KEY)
    assert look is not None
    assert (look.verdict, look.reason) == (verdict, reason)


def test_where_nothing_was_said_at_all_nothing_is_said_of_the_anomaly() -> None:
    nothing = sight(0)
    assert fold_tarpit(nothing, {TARPIT_KEY}) is nothing
