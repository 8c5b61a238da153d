"""The circuit breaker: a run that would close too much is held back until a human, or a second run, says the same."""

import pytest

from estate.diff import Breaker
from estate.errors import BadInput

PORTS = "tcp/1-15"
ALL = {f"tcp/{port}": "open" for port in range(1, 16)}
HOSTS = {f"10.0.0.{number}": ALL for number in range(1, 11)}
"""Ten hosts with 15 open ports each: 150 facts, of which 31 are more than a fifth, and 50 are at least so many."""


def closing(count: int) -> dict[str, dict[str, str]]:
    """The same hosts with so many ports closed."""
    left = {name: dict(states) for name, states in HOSTS.items()}
    for name, key in [(name, key) for name in left for key in ALL][:count]:
        left[name][key] = "closed"
    return left


@pytest.fixture
def full(estate_on_both):
    estate_on_both.look("2026-01-01", HOSTS, ports=PORTS)
    return estate_on_both


def test_fifty_that_are_more_than_a_fifth_are_held_back_and_nothing_is_closed(full) -> None:
    before = full.dump()
    held = full.look("2026-01-02", closing(50), ports=PORTS)
    assert held.state == held.run.state == "quarantined"
    assert "50 of 150 known facts would be gone: nothing was closed" in held.message
    assert "--accept" in held.message
    assert full.dump() == before
    assert not full.could_look(held.run)
    assert (held.run.positive, held.run.negative) == (100, 50)


def test_forty_nine_are_too_few(full) -> None:
    assert full.kinds(full.look("2026-01-02", closing(49), ports=PORTS)) == {"gone": 49}


def test_a_fifth_is_not_more_than_a_fifth(full) -> None:
    full.profile = full.rules(breaker=Breaker(0.4, 50))
    assert full.kinds(full.look("2026-01-02", closing(60), ports=PORTS)) == {"gone": 60}
    full.profile = full.rules(breaker=Breaker(0.39, 30))
    assert full.look("2026-01-03", closing(150), ports=PORTS).state == "quarantined"


def test_silence_is_held_back_only_when_it_would_close(full) -> None:
    silent = {name: dict.fromkeys(ALL, "silent") for name in HOSTS}
    assert full.kinds(full.look("2026-01-02", silent, ports=PORTS)) == {"suspected_gone": 150}
    assert full.kinds(full.look("2026-01-03", silent, ports=PORTS)) == {}
    assert full.look("2026-01-04", silent, ports=PORTS).state == "quarantined"


def test_a_human_accepts(full) -> None:
    run = full.look("2026-01-02", closing(60), ports=PORTS).run
    assert full.settler().settle(run).state == "quarantined", "without an answer it stays as it is"
    accepted = full.settler().settle(run, accept=True)
    assert (accepted.state, full.kinds(accepted)) == ("complete", {"gone": 60})
    assert full.settler().settle(run).message == "the stored evidence says the same again: 60 changes stand"


def test_a_human_discards(full) -> None:
    before = full.dump()
    run = full.look("2026-01-02", closing(60), ports=PORTS).run
    assert full.settler().discard(run).state == "cancelled"
    assert full.dump() == before
    with pytest.raises(BadInput, match="cancelled or discarded"):
        full.settler().settle(run, accept=True)
    with pytest.raises(BadInput, match="is cancelled, not quarantined"):
        full.settler().discard(run)
    later = full.look("2026-01-03", closing(60), ports=PORTS)
    assert later.state == "quarantined", "what was discarded confirms nothing"


def test_only_what_is_held_back_can_be_discarded(full) -> None:
    run = full.look("2026-01-02", HOSTS, ports=PORTS).run
    with pytest.raises(BadInput, match="is complete, not quarantined"):
        full.settler().discard(run)


def test_a_later_complete_run_that_says_the_same_settles_both(full) -> None:
    first = full.look("2026-01-02", closing(60), ports=PORTS)
    second = full.look("2026-01-03", closing(62), ports=PORTS)
    assert (second.state, full.state_of(first.run)) == ("complete", "complete")
    assert full.kinds(first) == {"gone": 60}
    assert full.kinds(second) == {"gone": 2}


def test_a_later_run_that_says_something_else_is_held_back_too(full) -> None:
    first = full.look("2026-01-02", closing(60), ports=PORTS)
    others = {name: dict.fromkeys(ALL, "closed") if name > "10.0.0.4" else ALL for name in HOSTS}
    second = full.look("2026-01-03", others, ports=PORTS)
    assert (second.state, full.state_of(first.run)) == ("quarantined", "quarantined")


def test_a_later_run_that_could_not_see_everything_confirms_nothing(full) -> None:
    first = full.look("2026-01-02", closing(60), ports=PORTS)
    partial = full.look("2026-01-03", closing(60) | {"10.0.0.10": "timeout"}, ports=PORTS)
    assert (partial.state, full.state_of(first.run)) == ("quarantined", "quarantined")
    third = full.look("2026-01-04", closing(60), ports=PORTS)
    assert [full.state_of(each.run) for each in (first, partial, third)] == ["complete", "partial", "complete"]
    assert full.kinds(first) == {"gone": 60}
    assert full.kinds(partial) == {"lost_sight": 15}
    assert full.kinds(third) == {"sight_regained": 15}


def test_the_two_settle_each_other_in_either_order_of_arrival(full) -> None:
    second = full.look("2026-01-03", closing(60), ports=PORTS)
    first = full.look("2026-01-02", closing(60), ports=PORTS)
    assert (full.state_of(second.run), first.state) == ("complete", "complete")
    assert (full.kinds(first), full.kinds(second)) == ({"gone": 60}, {})


def test_a_later_run_that_finds_all_well_leaves_the_question_open(full) -> None:
    first = full.look("2026-01-02", closing(60), ports=PORTS)
    assert full.kinds(full.look("2026-01-03", HOSTS, ports=PORTS)) == {}
    assert full.state_of(first.run) == "quarantined"


def test_accepted_late_it_closes_only_what_no_newer_run_saw(full) -> None:
    held = full.look("2026-01-02", closing(60), ports=PORTS)
    newer = {name: HOSTS[name] for name in ("10.0.0.1", "10.0.0.2")}
    full.look("2026-01-03", newer, ports=PORTS)
    accepted = full.settler().settle(held.run, accept=True)
    assert {(kind, asset) for kind, asset, _ in full.told(accepted)} == {
        ("gone", "host:10.0.0.3"),
        ("gone", "host:10.0.0.4"),
    }


def test_another_zone_confirms_nothing(full) -> None:
    full.look("2026-01-01", HOSTS, ports=PORTS, zone="lab")
    first = full.look("2026-01-02", closing(60), ports=PORTS)
    second = full.look("2026-01-03", closing(60), ports=PORTS, zone="lab")
    assert (second.state, full.state_of(first.run)) == ("quarantined", "quarantined")
