"""A run has one maker; one whose maker died goes on, and one that asks something else begins anew."""

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import insert

from estate.errors import StoreBusy
from estate.store import leases
from estate.store.leases import me
from estate.store.resuming import abandoned, made
from estate.store.rows import LEASE
from estate.store.runs import Profile, set_state

A = "10.0.0.1"


def dead() -> str:
    """The name of a process that ended."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        name = f"{me().rsplit('/', 2)[0]}/{child.pid}/{leases._started(child.pid)}"
        child.kill()
    return name


def make(here, name, **more):
    new = here.new_run(name, **{"shards": ("a",), "scope_sha256": "5" * 64, "scope_body": "{}", **more})
    return made(here.database, new, new.looked_at - timedelta(hours=6), here.now)


def hold_as(here, name, holder) -> None:
    """Leave the lease on a run as its maker would."""
    until = leases._until()
    with here.database.write() as connection:
        connection.execute(insert(LEASE), {"name": f"run/{name}", "holder": holder, "until": until})


def test_a_run_whose_maker_died_goes_on(estate_on_both) -> None:
    here = estate_on_both
    with make(here, "one") as first:
        assert (first.run.id, first.resumed) == ("one", False)
    hold_as(here, "one", dead())
    with make(here, "two") as second:
        assert (second.run.id, second.resumed) == ("one", True)
    assert here.row_counts()["scanrun"] == 1


def test_a_run_that_is_being_made_is_left_to_its_maker(estate) -> None:
    with make(estate, "one"), make(estate, "two") as second:
        assert (second.run.id, second.resumed) == ("two", False)


def test_the_same_run_is_not_made_twice_at_once(estate) -> None:
    hold_as(estate, "one", "another.host/1/1")
    with pytest.MonkeyPatch.context() as patched:
        waited = leases.leased

        def impatient(database, name, *, wait_seconds=0.2):
            return waited(database, name, wait_seconds=min(wait_seconds, 0.2))

        patched.setattr("estate.store.resuming.leased", impatient)
        with pytest.raises(StoreBusy, match="another process holds the run/one"), make(estate, "one"):
            pass


@pytest.mark.parametrize(
    "other",
    [
        {"shards": ("a", "b")},
        {"profile": Profile(keys="udp/53")},
        {"scope": "another"},
        {"zone": "lab"},
        {"vantage": "internet"},
        {"choice": "nmap-syn: it has the right"},
        {"scope_sha256": "6" * 64},
    ],
    ids=str,
)
def test_a_run_that_asks_something_else_begins_anew(estate, other) -> None:
    with make(estate, "one"):
        pass
    with make(estate, "two", **other) as second:
        assert (second.run.id, second.resumed) == ("two", False)


def test_a_run_of_long_ago_or_that_a_newer_one_has_answered_is_not_taken_up(estate) -> None:
    with make(estate, "old", looked_at=estate.now - timedelta(hours=20)):
        pass
    with make(estate, "answered", looked_at=estate.now - timedelta(hours=2)):
        pass
    with make(estate, "newer", looked_at=estate.now - timedelta(hours=1), shards=("b",)) as newer:
        set_state(estate.database, newer.run.seq or 0, "complete")
    with make(estate, "now") as now:
        assert (now.run.id, now.resumed) == ("now", False)
    messages = {run["id"]: run["message"] for run in estate.runs()}
    assert "its maker died" in messages["old"]
    assert "`roundsman settle answered`" in messages["answered"]


def test_a_run_whose_settler_was_killed_goes_on_too(estate) -> None:
    with make(estate, "one") as first:
        set_state(estate.database, first.run.seq or 0, "settling")
    with make(estate, "two") as second:
        assert (second.run.id, second.run.state, second.resumed) == ("one", "asking", True)


def test_what_nobody_makes_any_more_is_listed(estate) -> None:
    with make(estate, "one"):
        assert abandoned(estate.database, estate.now - timedelta(days=3000)) == []
    assert [run.id for run in abandoned(estate.database, estate.now)] == ["one"]
