"""Runs and shards: opened once, leased, taken over, and found by the beginning of their names."""

from datetime import timedelta

import pytest

from estate.errors import NotFound
from estate.store.leases import me
from estate.store.runs import (
    add_evidence,
    end_shard,
    evidence_of,
    lease_shard,
    open_run,
    renew_shard,
    run_named,
    shards_of,
)

DEAD = f"{me().rsplit('/', 1)[0]}/1"


def number(here, new) -> int:
    """Open the run and give its number."""
    return open_run(here.database, new, here.now).seq or 0


def test_a_run_is_opened_once(estate_on_both) -> None:
    here = estate_on_both
    new = here.new_run("one", shards=("a", "b"))
    first, again = open_run(here.database, new, here.now), open_run(here.database, new, here.now)
    assert first.seq == again.seq
    assert [shard.plan for shard in shards_of(here.database, first.seq or 0)] == ["a", "b"]
    assert here.row_counts()["scanrun"] == 1


def test_runs_are_numbered_by_the_database_in_the_order_in_which_they_come(estate_on_both) -> None:
    here = estate_on_both
    seqs = [number(here, here.new_run(name)) for name in ("b", "a", "c")]
    assert seqs == sorted(seqs)
    assert len(set(seqs)) == 3


def test_a_scope_is_kept_word_for_word_once(estate) -> None:
    for name in ("one", "two"):
        open_run(estate.database, estate.new_run(name, scope_sha256="5" * 64, scope_body="{}"), estate.now)
    assert estate.row_counts()["scopeversion"] == 1


def test_a_run_is_found_by_the_beginning_of_its_name(estate) -> None:
    for name in ("abc", "abcd", "abcde", "xyz"):
        open_run(estate.database, estate.new_run(name), estate.now)
    assert run_named(estate.database, "xy").id == "xyz"
    assert run_named(estate.database, "abc").id == "abc", "a whole name is no beginning"
    with pytest.raises(NotFound, match="more than one run begins with 'ab'"):
        run_named(estate.database, "ab")
    with pytest.raises(NotFound, match="no run '%'"):
        run_named(estate.database, "%")


def test_the_latest_run_is_the_one_that_looked_last(estate) -> None:
    with pytest.raises(NotFound, match="there is no run yet"):
        run_named(estate.database, "latest")
    estate.look("2026-01-02", {"10.0.0.1": {}})
    estate.look("2026-01-01", {"10.0.0.1": {}})
    assert f"{run_named(estate.database, 'latest').looked_at:%Y-%m-%d}" == "2026-01-02"


def test_a_shard_is_asked_by_one_and_taken_over_from_the_dead_and_the_silent(estate_on_both) -> None:
    here = estate_on_both
    seq = number(here, here.new_run("one", shards=("a",)))
    now = here.now

    def lease(holder, moment=now):
        return lease_shard(here.database, seq, 0, holder, moment, 60)

    assert lease("elsewhere/1/1")
    assert not lease("other/1/1"), "it is held"
    assert lease("elsewhere/1/1"), "by oneself it may be"
    assert lease("other/1/1", now + timedelta(seconds=61)), "the other fell silent"
    assert not renew_shard(here.database, seq, 0, "elsewhere/1/1", now, 60)
    assert renew_shard(here.database, seq, 0, "other/1/1", now, 60)
    assert lease(DEAD, now + timedelta(seconds=122))
    assert lease("other/1/1", now + timedelta(seconds=123)), "the dead hold nothing"
    (shard,) = shards_of(here.database, seq)
    assert (shard.attempts, shard.state) == (5, "leased")
    end_shard(here.database, seq, 0)
    assert not lease("other/1/1", now + timedelta(days=1)), "it is asked"


def test_a_lease_is_written_anew_only_once_half_of_it_is_over(estate_on_both) -> None:
    here = estate_on_both
    seq = number(here, here.new_run("one", shards=("a",)))
    assert lease_shard(here.database, seq, 0, "other/1/1", here.now, 60)
    ends = []
    for seconds in (29, 31):
        assert renew_shard(here.database, seq, 0, "other/1/1", here.now + timedelta(seconds=seconds), 60)
        ends.append(shards_of(here.database, seq)[0].lease_until)
    assert ends == [here.now + timedelta(seconds=60), here.now + timedelta(seconds=91)]


def test_a_shard_that_failed_is_given_back_with_its_reason(estate) -> None:
    seq = number(estate, estate.new_run("one", shards=("a",)))
    lease_shard(estate.database, seq, 0, me(), estate.now, 60)
    end_shard(estate.database, seq, 0, "ToolFailed: nmap ended")
    (shard,) = shards_of(estate.database, seq)
    assert (shard.state, shard.error, shard.holder) == ("planned", "ToolFailed: nmap ended", "")
    assert lease_shard(estate.database, seq, 0, "other/1/1", estate.now, 60)


def test_evidence_is_indexed_once_and_listed_in_one_order(estate_on_both) -> None:
    here = estate_on_both
    seq = number(here, here.new_run("one", shards=("a", "b")))
    documents = [here.stored(shard, look, name) for shard in (1, 0) for look in (1, 0) for name in "ba"]
    for _ in range(2):
        add_evidence(here.database, seq, documents, here.now)
    found = evidence_of(here.database, seq)
    assert {shard: [(row.look, row.sha256[0]) for row in rows] for shard, rows in found.items()} == {
        shard: [(0, "a"), (0, "b"), (1, "a"), (1, "b")] for shard in (0, 1)
    }
