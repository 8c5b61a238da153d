"""Who may settle: one at a time, nobody for longer than they live, and nobody after they were taken for dead."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import update

from estate.errors import StoreBusy
from estate.store import leases
from estate.store.leases import SETTLEMENT, is_dead, leased, me
from estate.store.rows import LEASE
from estate.store.settlement import Settler

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def holder_of(pid: int) -> str:
    """How that process would call itself."""
    return f"{me().rsplit('/', 2)[0]}/{pid}/{leases._started(pid)}"


def give_to(here, holder: str, seconds: float = 100) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    with here.database.write() as connection:
        connection.execute(update(LEASE).values(holder=holder, until=until))


def test_this_process_lives() -> None:
    assert not is_dead(me())


def test_a_process_that_ended_is_dead_though_nobody_has_asked_after_it() -> None:
    with subprocess.Popen(SLEEPER) as child:
        name = holder_of(child.pid)
        assert not is_dead(name)
        child.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(name), "a zombie settles nothing"
    assert is_dead(name)


def test_a_process_that_has_the_number_of_a_dead_one_is_another(monkeypatch) -> None:
    machine, pid, started = me().split("/")
    assert is_dead(f"{machine}/{pid}/{int(started) - 1}")


@pytest.mark.parametrize("name", ["another.host/1/1", "", "x", f"{me().split('/', maxsplit=1)[0]}/none/1"])
def test_a_process_elsewhere_counts_as_alive(name) -> None:
    assert not is_dead(name)


def test_a_container_with_the_name_of_this_machine_is_elsewhere(monkeypatch) -> None:
    """Its processes have numbers of their own: that ours has none of that number proves nothing."""
    host, boot, _ = me().split("/")[0].rsplit(".", 2)
    assert not is_dead(f"{host}.{boot}.4026539999/999999/1")


def test_one_holds_it_and_the_other_waits(estate_on_both) -> None:
    database = estate_on_both.database
    order = []

    def second() -> None:
        with leased(database, "x"):
            order.append("second")

    with leased(database, "x"):
        thread = Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(timeout=20)
    assert order == ["first", "second"]
    assert estate_on_both.row_counts()["lease"] == 0


def test_whoever_waits_for_too_long_is_told_so(estate) -> None:
    with leased(estate.database, "x"):
        give_to(estate, "another.host/1/1")
        with (
            pytest.raises(StoreBusy, match="another process holds the x for too long"),
            leased(estate.database, "x", wait_seconds=0.2),
        ):
            pass


def test_the_lease_of_a_dead_process_is_taken_over_at_once(estate_on_both) -> None:
    with subprocess.Popen(SLEEPER) as child:
        name = holder_of(child.pid)
        child.kill()
    with leased(estate_on_both.database, "x"):
        give_to(estate_on_both, name)
        started = time.monotonic()
        with leased(estate_on_both.database, "x"):
            assert time.monotonic() - started < 2


def test_the_lease_of_a_silent_process_elsewhere_ends_by_itself(estate) -> None:
    with leased(estate.database, "x"):
        give_to(estate, "another.host/1/1", seconds=0.5)
        with leased(estate.database, "x", wait_seconds=20):
            pass


def test_a_lease_that_this_process_could_not_give_back_is_free(estate) -> None:
    with leased(estate.database, "x"):
        give_to(estate, f"{me()}/deadbeef")
        with leased(estate.database, "x", wait_seconds=1):
            pass


def test_a_lease_is_prolonged_when_half_of_it_is_over(estate_on_both) -> None:
    database = estate_on_both.database
    with leased(database, "x") as hold:
        with estate_on_both.counting_writes() as writes, database.write() as connection:
            hold.keep(connection)
        assert sum(writes) == 0
        with database.write() as connection:
            connection.execute(update(LEASE).values(until=datetime.now(UTC) + timedelta(seconds=50)))
        with estate_on_both.counting_writes() as writes, database.write() as connection:
            hold.keep(connection)
        assert sum(writes) == 1


def test_whoever_was_taken_for_dead_writes_nothing_any_more(estate_on_both, monkeypatch) -> None:
    """Stopped for longer than its lease, it must not undo what the one who took over has published."""
    here = estate_on_both
    here.nmap("all_up.xml", at="2026-01-01")
    run = here.bring(here.evidence("port_opened.xml"), at="2026-01-02")
    publish = Settler._publish
    published: list[Any] = []

    def slow(self, *told):
        if not published:
            published.append(None)
            give_to(here, "another.host/1/1", seconds=-1)
            published.append(here.settler().settle(run))
        return publish(self, *told)

    monkeypatch.setattr(Settler, "_publish", slow)
    with pytest.raises(StoreBusy, match=f"the {SETTLEMENT} was taken over by another process"):
        here.settler().settle(run)
    assert published[1].state == "complete"
    assert here.kinds(published[1]) == {"gone": 1, "appeared": 1}
    assert here.overlapping_facts() == []
    assert here.settler().settle(run).message == "the stored evidence says the same again: 2 changes stand"
