"""A run and its shards stay ours as long as we beat, and we notice when they are not."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from blocks.sweep import Sweep
from estate.errors import StoreBusy
from estate.store.rows import LEASE, SHARD
from estate.store.runs import end_shard, lease_shard, shards_of
from tasks import making
from tasks.making import Interrupted, Making
from tasks.rounds import round_of


@pytest.fixture
def ours(place, monkeypatch: pytest.MonkeyPatch):
    """A run of one shard that this process makes, with a quick heart."""
    monkeypatch.setattr(making, "_BEAT_SECONDS", 0.05)
    with round_of(place(), Sweep(), None) as round_:
        yield round_.making


def until(condition) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_shard_is_held_while_it_is_asked_and_its_lease_is_renewed(ours: Making) -> None:
    with ours.shard(0) as shard:
        assert shard is not None
        assert shard.lease_until is not None
        soon = datetime.now(UTC) + timedelta(seconds=1)
        with ours.database.write() as connection:
            connection.execute(SHARD.update().values(lease_until=soon))
        until(lambda: (shards_of(ours.database, ours.seq)[0].lease_until or soon) > soon)


def test_a_shard_that_was_asked_is_not_asked_again(ours: Making) -> None:
    end_shard(ours.database, ours.seq, 0)
    with ours.shard(0) as shard:
        assert shard is None


def test_a_shard_that_another_one_asks_is_waited_for(ours: Making, monkeypatch) -> None:
    elsewhere = "another-machine/1/1"
    assert lease_shard(ours.database, ours.seq, 0, elsewhere, datetime.now(UTC), 60)
    monkeypatch.setattr(making, "_PATIENCE", 1)
    with pytest.raises(StoreBusy, match="asked by another worker"), ours.shard(0):
        pass
    monkeypatch.setattr(making, "_PATIENCE", 10)
    threading.Timer(0.2, end_shard, (ours.database, ours.seq, 0)).start()
    with ours.shard(0) as shard:
        assert shard is None


def test_who_is_to_stop_begins_no_shard(ours: Making) -> None:
    ours.stop.set()
    with pytest.raises(Interrupted), ours.shard(0):
        pass


def test_whoever_was_thought_dead_stops_and_says_so(ours: Making) -> None:
    assert not ours.lost
    with ours.database.write() as connection:
        connection.execute(LEASE.update().values(holder="another-machine/1/1"))
    assert ours.stop.wait(5)
    assert ours.lost


def test_a_database_that_is_busy_for_a_moment_is_no_reason_to_stop(ours: Making, monkeypatch) -> None:
    beats = threading.Event()

    def keep(_making: Making) -> None:
        beats.set()
        raise StoreBusy("locked")

    monkeypatch.setattr(Making, "_keep", keep)
    assert beats.wait(5)
    assert not ours.stop.is_set()


def test_the_heart_stops_with_the_block(place) -> None:
    with round_of(place(), Sweep(), None) as round_:
        name = f"run-{round_.seq}"
        assert name in {thread.name for thread in threading.enumerate()}
    assert name not in {thread.name for thread in threading.enumerate()}
