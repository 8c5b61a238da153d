"""A settling process that is killed at any moment, or meets another one: the next settlement gives what one gives."""

import json
import os
import random
import shutil
import signal
import time
from contextlib import suppress
from typing import Any

import pytest

from estate.store.runs import run_named
from estate.store.tables import Run

HOSTS = [f"10.0.0.{number}" for number in range(1, 41)]
PORTS = "tcp/1-20"
PART = 8
POLICIES = (
    '[[expected]]\nnetwork = "10.0.0.0/24"\nports = "tcp/1-4"\n',
    '[[expected]]\nnetwork = "10.0.0.0/24"\nports = "tcp/2-5"\n',
)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch) -> None:
    """Five transactions instead of one."""
    monkeypatch.setattr("estate.store.staging.PART", PART)


def states(seed: int) -> dict[str, dict[str, str] | str]:
    """Forty hosts with changes of every kind; the same seed gives the same."""
    chance = random.Random(seed)
    kinds = ["open", "closed", "closed", "silent", "open ssh OpenSSH"]
    found: dict[str, dict[str, str] | str] = {
        host: {f"tcp/{port}": chance.choice(kinds) for port in range(1, 21)} for host in HOSTS
    }
    return found | {HOSTS[seed]: "timeout", HOSTS[seed + 1]: "down"}


def prepare(here) -> str:
    """One run is settled; the second, with another policy, is stored and waits."""
    here.profile = here.rules(breaker=type(here.profile.breaker)(1.0, 10_000))
    here.declare(POLICIES[0])
    here.look("2026-01-01", states(1), ports=PORTS)
    here.declare(POLICIES[1])
    path = here.path / "second.xml"
    path.write_bytes(here.made_up(states(2), PORTS))
    run: Run = here.bring(path, at="2026-01-02", asked=",".join(HOSTS), ports=PORTS)
    return run.id


@pytest.fixture
def second(open_estate, migrated):
    """Makes estates that are about to settle the same second run."""
    first = open_estate()
    run_id = prepare(first)
    first.database.engine.dispose()

    def make():
        path = first.path.parent / f"copy-{time.monotonic_ns()}.db"
        shutil.copy(first.path / "estate.db", path)
        here = open_estate(f"sqlite:///{path}", first.folder.root)
        here.declare(POLICIES[1])
        return here

    return make, run_id


def order(here, run_id, **more):
    url = here.database.engine.url.render_as_string().replace("+psycopg", "")
    return {
        "url": url,
        "folder": str(here.folder.root),
        "run": run_id,
        "estate": POLICIES[1],
        "part": PART,
        **more,
    }


def finish(here, run_id) -> None:
    """Settle what a killed one left, without waiting for anybody."""
    started = time.monotonic()
    settled = here.settler().settle(run_named(here.database, run_id))
    assert settled.state == "partial"
    assert time.monotonic() - started < 5, "the lease of a dead process is taken over at once"


def whole(here) -> dict[str, Any]:
    """Everything that must not depend on what was killed."""
    runs = [{name: value for name, value in run.items() if name != "seq"} for run in here.runs()]
    more = {"runs": runs, "coverage": here.coverage(), "findings": here.findings(everything=True)}
    return {**here.dump(), **more}


def test_killed_before_any_statement_it_leaves_what_the_next_one_makes_whole(second, killable) -> None:
    make, run_id = second
    undisturbed = make()
    told = killable.settle(**order(undisturbed, run_id))
    assert told["status"] == 0, told
    statements = json.loads(told["said"])["statements"]
    expected = whole(undisturbed)
    assert len(expected["change"]) > 300
    for seed in range(30):
        here = make()
        dies_at = random.Random(seed).randrange(1, statements)
        assert killable.settle(**order(here, run_id, dies_at=dies_at))["status"] == -signal.SIGKILL
        shown = here.changes()
        finish(here, run_id)
        assert whole(here) == expected, f"seed {seed}, killed before statement {dies_at} of {statements}"
        after = here.changes()
        assert shown in ([c for c in after if c["run"] != run_id], after), "readers see all of it or nothing"
        here.database.engine.dispose()


def test_killed_at_any_time_it_leaves_what_the_next_one_makes_whole(second, killable) -> None:
    make, run_id = second
    undisturbed = make()
    started = time.monotonic()
    assert killable.settle(**order(undisturbed, run_id))["status"] == 0
    seconds = time.monotonic() - started
    expected = whole(undisturbed)
    killed = 0
    for seed in range(12):
        here = make()
        pid = killable.start(**order(here, run_id))
        time.sleep(random.Random(seed).uniform(0, 0.8 * seconds))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        killed += killable.end_of(pid)["status"] == -signal.SIGKILL
        finish(here, run_id)
        assert whole(here) == expected, f"seed {seed}"
        here.database.engine.dispose()
    assert killed >= 3, "not all of them may have been too late"


def test_killed_on_a_server_it_leaves_what_the_next_one_makes_whole(open_estate, on_server, killable) -> None:
    undisturbed, here = open_estate(), on_server
    run_id = prepare(undisturbed)
    assert killable.settle(**order(undisturbed, run_id))["status"] == 0
    expected = whole(undisturbed)
    assert prepare(here) == run_id
    statements = json.loads(killable.settle(**order(here, run_id))["said"])["statements"]
    for seed in range(6):
        here.empty()
        assert prepare(here) == run_id
        dies_at = random.Random(seed).randrange(20, statements)
        assert killable.settle(**order(here, run_id, dies_at=dies_at))["status"] == -signal.SIGKILL
        finish(here, run_id)
        assert whole(here) == expected, f"seed {seed}"


def test_a_killed_acceptance_is_an_open_question_again(open_estate, killable) -> None:
    here = open_estate()
    here.look("2026-01-01", {host: {"tcp/1": "open", "tcp/2": "open"} for host in HOSTS}, ports="tcp/1-2")
    held = here.look("2026-01-02", {host: {} for host in HOSTS}, ports="tcp/1-2").run
    before = here.dump()
    told = killable.settle(**order(here, held.id, accept=True, dies_at=60))
    assert told["status"] == -signal.SIGKILL
    assert here.settler().settle(held).state == "quarantined"
    assert here.dump() == before
    assert here.settler().settle(held, accept=True).state == "complete"


def test_two_that_settle_one_run_at_once_do_it_once(estate_on_both, open_estate, killable, tmp_path) -> None:
    here, alone = estate_on_both, open_estate()
    run_id = prepare(here)
    go = tmp_path / "go"
    pids = [killable.start(**order(here, run_id, waits_for=str(go))) for _ in range(2)]
    go.touch()
    ends = [killable.end_of(pid) for pid in pids]
    assert [end["status"] for end in ends] == [0, 0], ends
    told = sorted(json.loads(end["said"])["message"].partition(":")[0] for end in ends)
    assert told == ["could not look at 40 of 800 (asset, key) pairs", "the stored evidence says the same again"]
    prepare(alone)
    finish(alone, run_id)
    assert whole(here) == whole(alone)


def test_two_runs_that_are_settled_at_once_are_settled_one_after_the_other(estate_on_both, killable, tmp_path) -> None:
    here = estate_on_both
    run_id = prepare(here)
    path = here.path / "third.xml"
    path.write_bytes(here.made_up(states(3), PORTS))
    third = here.bring(path, at="2026-01-03", asked=",".join(HOSTS), ports=PORTS).id
    go = tmp_path / "go"
    pids = [killable.start(**order(here, each, waits_for=str(go))) for each in (run_id, third)]
    go.touch()
    assert [killable.end_of(pid)["status"] for pid in pids] == [0, 0]
    assert {run["state"] for run in here.runs()} == {"partial"}
    assert here.overlapping_facts() == []
