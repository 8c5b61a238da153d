"""What is asked again, in how many questions."""

from collections.abc import Iterable

from estate.assets import host
from estate.coverage import Keys
from estate.diff import Cause, Certainty, Change, Fact, Kind
from estate.ports.shard import PortShard
from estate.targets import Targets
from tasks.second_looks import MOST_DOUBTS, doubts_of

SHARDS = [
    (0, PortShard(Targets(), Keys.parse("tcp/1-100"), {"web.lab": ("10.0.9.1", "fd77::1")})),
    (1, PortShard(Targets.parse("10.0.0.0/24"), Keys.parse("tcp/1-65535"))),
    (2, PortShard(Targets.parse("10.0.1.0/24"), Keys.parse("tcp/1-65535"))),
]


def change(asset: str, key: str, kind: Kind = Kind.GONE) -> Change:
    return Change(kind, Cause.ESTATE, Certainty.PROVED, host(asset), "ports", key, Fact(present=True), None, "reset")


def told(changes: Iterable[Change]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(doubt.shard, str(doubt.keys), doubt.addresses) for doubt in doubts_of(changes, SHARDS)]


def test_equal_doubts_of_a_shard_are_one_question() -> None:
    assert told([change("10.0.0.1", "tcp/22"), change("10.0.0.2", "tcp/22"), change("10.0.1.1", "tcp/22")]) == [
        (1, "tcp/22", ("10.0.0.1", "10.0.0.2")),
        (2, "tcp/22", ("10.0.1.1",)),
    ]


def test_an_asset_is_asked_at_all_its_addresses() -> None:
    assert told([change("web.lab", "tcp/80")]) == [(0, "tcp/80", ("10.0.9.1", "fd77::1"))]


def test_what_is_sure_what_is_no_port_and_who_was_not_asked_are_left_alone() -> None:
    sure = change("10.0.0.1", "tcp/22", Kind.FIRST_OBSERVED)
    assert told([sure, change("10.0.0.1", "anomaly/tarpit"), change("10.9.9.9", "tcp/22")]) == []


def test_what_the_run_does_not_ask_is_not_asked_again_either() -> None:
    assert told([change("web.lab", "tcp/101"), change("web.lab", "tcp/100")]) == [
        (0, "tcp/100", ("10.0.9.1", "fd77::1"))
    ]


def test_many_different_doubts_become_a_few_questions_that_ask_them_all() -> None:
    changes = [change(f"10.0.0.{number}", f"tcp/{number}") for number in range(1, 200)]
    ((shard, keys, addresses),) = told(changes)
    assert (shard, keys, len(addresses)) == (1, "tcp/1-199", 199)


def test_one_host_with_many_doubts_does_not_make_everybody_be_asked_them() -> None:
    loud = [change("10.0.0.250", f"tcp/{number}") for number in range(1000, 3000)]
    changes = [change(f"10.0.0.{number}", f"tcp/{number}") for number in range(1, 40)]
    found = told([*loud, *changes])
    assert sum(len(Keys.parse(keys)) * len(addresses) for _, keys, addresses in found) == 2000 + 39 * 39


def test_an_upheaval_is_not_looked_at_again() -> None:
    changes = [change("10.0.0.1", f"tcp/{number}") for number in range(1, MOST_DOUBTS + 1)]
    assert len(told(changes)) == 1
    assert told([*changes, change("10.0.0.2", "tcp/1")]) == []
