"""The exit code of a run, and what people read of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from deployments.command import outcome
from deployments.command.options import FailOn
from estate.store.surroundings import Surroundings
from estate.store.tables import Run


@dataclass
class NoSurroundings:
    """Nothing is looked up where nothing may be printed."""

    database: object = None
    policy: object = None
    listed: list[str] = field(default_factory=list)


def run(state: str = "complete", asked: int = 100, blind: int = 0, floor: float = 0.5) -> Run:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    numbers: Any = {"scan": "ports", "state": state, "asked": asked, "blind": blind, "floor": floor}
    return Run(**numbers, looked_at=moment, created_at=moment)


def code(of: Run, fail_on: FailOn = FailOn.NEVER) -> int:
    return outcome._exit_code(cast("Surroundings", NoSurroundings()), of, fail_on)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (run(), 0),
        (run("partial", blind=50), 0),
        (run("partial", blind=51), 3),
        (run("partial", blind=51, floor=0.0), 0),
        (run("partial", blind=1, floor=1.0), 3),
        (run("failed", blind=100), 3),
        (run("quarantined"), 3),
        (run("cancelled"), 3),
        (run("asking"), 3),
        (run(asked=0), 3),
    ],
)
def test_whoever_could_not_look_ends_with_three(of: Run, expected: int) -> None:
    assert code(of) == expected


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that gone ports and a high finding came of."""
    monkeypatch.setattr(outcome, "list_changes", lambda *_, **__: iter([{"kind": "first_observed"}, {"kind": "gone"}]))
    monkeypatch.setattr(outcome, "findings_of", lambda *_, **__: iter([{"severity": "high"}]))


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [
        (FailOn.NEVER, 0),
        (FailOn.CHANGE, 1),
        (FailOn.INFO, 1),
        (FailOn.LOW, 1),
        (FailOn.MEDIUM, 1),
        (FailOn.HIGH, 1),
        (FailOn.CRITICAL, 0),
    ],
)
def test_one_is_what_was_asked_for(news: None, fail_on: FailOn, expected: int) -> None:
    assert code(run(), fail_on) == expected


def test_blindness_goes_before_findings(news: None) -> None:
    assert code(run("partial", blind=60), FailOn.CHANGE) == 3
    assert code(run("quarantined"), FailOn.LOW) == 3


@pytest.mark.parametrize("quiet", ["first_observed", "sight_regained"])
def test_what_is_only_new_to_us_is_no_alarm(quiet: str) -> None:
    assert not outcome.is_alarming([cast("Any", {"kind": quiet})])
    assert outcome.is_alarming([cast("Any", {"kind": quiet}), cast("Any", {"kind": "lost_sight"})])


def test_people_are_told_once_of_a_host_that_went_out_of_sight(known: Any) -> None:
    told = known.takes_in("host_down_verbose", how=())
    assert "partial: 3,075 questions asked, 66.7 % answered, 8 open" in told.out
    assert told.out.count("lost sight") == 1
    assert "out of sight" not in told.out, "the findings of that host are no news"


def test_people_see_the_findings_that_a_run_opened(known: Any) -> None:
    told = known.takes_in("port_opened", how=())
    assert "tcp/993 is open on 10.77.0.4" in told.out
    assert "tcp/22 is open" not in told.out
    assert told.err == "12 findings are open: `roundsman findings`; `roundsman baseline` proposes what to expect\n"


def test_one_finding_is_told_in_the_singular(roundsman: Any) -> None:
    told = roundsman.takes_in("all_up", asked=("--asked", "10.77.0.2", "--ports", "22"), how=())
    assert "1 question asked, 100 % answered, 1 open" in told.out
    assert "1 finding is open" in told.err
