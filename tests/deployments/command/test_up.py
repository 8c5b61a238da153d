"""`roundsman up` with Prefect's real server and worker: what it starts works, changes nothing twice, and ends whole."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployments.declaration import SHIPPED

CHECKOUT = Path(__file__).parents[3]
ESTATE = """
[evidence]
folder = "evidence"

[[scopes]]
name = "this-machine"
authorised_by = "the tests"
networks = ["127.0.0.1"]
ports = "tcp/{port}"
versions = false
"""
SECOND = """
[[scopes]]
name = "elsewhere"
authorised_by = "the tests"
networks = ["127.0.0.2"]
ports = "tcp/1-10"
versions = false
"""
SLOW = "3-60017"
"""Ports that a sweep asks for minutes, and no other process of this machine mentions."""
PATIENCE = 200.0
FORM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --virtual-time-budget=20000 --dump-dom"
)


def waited_for(ready: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := ready()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return found


@dataclass(slots=True)
class Machine:
    """A machine on which `up` runs: a folder with estate.toml, and a home."""

    folder: Path
    port: int
    open_port: int
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command to its end."""
        argv = (sys.executable, "-c", "from deployments.command import main; main()", *arguments)
        return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=PATIENCE, **self.place)

    def up(self) -> "subprocess.Popen[bytes]":
        """Start it, and wait until it says that it is up."""
        with self.said.open("wb") as said:
            argv = (
                sys.executable,
                "-c",
                "from deployments.command import main; main()",
                "up",
                "--port",
                str(self.port),
            )
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **self.place)
        self.processes.append(process)

        def is_up() -> bool:
            assert process.poll() is None, self.said.read_text()
            return f"Up: http://127.0.0.1:{self.port} shows it." in self.said.read_text()

        waited_for(is_up)
        return process

    def ask(self, what: str, method: str | None = None, **query: object) -> Any:
        """The answer of Prefect's API: GET without a query."""
        body = json.dumps(query).encode() if query else None
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{what}", body, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def falls_due(self, deployment: str, day: int, trigger: str) -> str:
        """A run that should have started on that day of the past."""
        when = {"type": "SCHEDULED", "state_details": {"scheduled_time": f"2026-01-0{day}T00:00:00Z"}}
        form = {"sweep": {"scope": "this-machine", "trigger": trigger}}
        return str(self.ask(f"deployments/{deployment}/create_flow_run", state=when, parameters=form)["id"])

    def deployments(self) -> dict[str, Any]:
        """Those that are there, by entrypoint and name."""
        found = self.ask("deployments/filter", sort="NAME_ASC")
        return {f"{each['entrypoint'].rpartition('.')[2]}/{each['name']}": each for each in found}

    def left(self) -> list[str]:
        """The processes that this machine's home is known to."""
        mark = f"ROUNDSMAN_HOME={self.folder}/home".encode()
        found = []
        for each in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (each / "cmdline").read_text().replace("\0", " ")
                # What scans gets nothing of our environment.
                if SLOW in line or mark in (each / "environ").read_bytes().split(b"\0"):
                    found.append(line)
        return found

    @property
    def said(self) -> Path:
        """What `up` printed."""
        return self.folder / "up.out"

    @property
    def place(self) -> dict[str, Any]:
        """Where commands run."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROUNDSMAN_"))}
        own = {"HOME": str(self.folder), "ROUNDSMAN_HOME": f"{self.folder}/home", "PYTHONPATH": str(CHECKOUT)}
        return {"cwd": self.folder, "env": {**ours, **own}}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One on which `up` runs, with one port open that its scope covers."""
    folder = tmp_path_factory.mktemp("machine")
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as free:
        made = Machine(folder, free.getsockname()[1], listener.getsockname()[1])
        free.close()
        (folder / "estate.toml").write_text(ESTATE.format(port=made.open_port))
        try:
            made.up()
            yield made
        finally:
            for process in made.processes:
                with suppress(ProcessLookupError):
                    process.kill()
                process.wait()


def test_a_deployment_started_through_the_api_makes_a_run_of_ours(machine: Machine) -> None:
    deployment = machine.deployments()["port_sweep/this-machine"]
    assert deployment["parameters"] == {"sweep": {"scope": "this-machine"}}
    started = machine.ask(f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})

    def ended() -> Any:
        run = machine.ask(f"flow_runs/{started['id']}")
        return run if run["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None

    run = waited_for(ended)
    assert (run["state"]["type"], run["state"]["message"]) == ("COMPLETED", "1 of 1 questions answered, 1 change")
    assert run["name"] == "port-sweep this-machine, ports of the scope"
    told = json.loads(machine.run("runs", "--json").stdout)["runs"]
    assert [(each["flow_run_id"], each["state"]) for each in told] == [(started["id"], "complete")]
    # A relative path means the same on a worker as on the command line.
    assert list((machine.folder / "evidence").rglob("*.zst"))


def test_the_form_is_in_an_operators_words(machine: Machine) -> None:
    deployment = machine.deployments()["port_sweep/this-machine"]["id"]
    page = f"http://127.0.0.1:{machine.port}/deployments/deployment/{deployment}/run"
    argv = (*FORM.split(), f"--user-data-dir={machine.folder}/chromium", page)
    shown = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout
    for words in ("Only these", "Ask for versions", "as the scope says", "Leave it empty to scan all of the scope."):
        assert words in shown


def test_up_a_second_time_applies_the_files_and_keeps_what_the_ui_switched(machine: Machine) -> None:
    before = machine.deployments()
    assert len(before) == 6
    sweep = before["port_sweep/this-machine"]
    nightly = f"deployments/{sweep['id']}/schedules/{sweep['schedules'][0]['id']}"
    machine.ask(nightly, "PATCH", active=False)
    again = machine.run("up")
    assert again.returncode == 0, again.stderr
    assert "It was up already" in again.stdout
    after = machine.deployments()
    assert {name: each["id"] for name, each in after.items()} == {name: each["id"] for name, each in before.items()}
    active = {name: [schedule["active"] for schedule in each["schedules"]] for name, each in after.items()}
    assert active.pop("port_sweep/this-machine") == [False]
    assert active.pop("container_scan/engine") == [False]
    assert active.pop("vulnerability_refresh/engine") == [False]
    assert sorted(active.values()) == [[True], [True], [True, True]]


def test_what_the_files_no_longer_declare_is_removed(machine: Machine) -> None:
    estate = machine.folder / "estate.toml"
    declared = estate.read_text()
    estate.write_text(declared + SECOND)
    assert machine.run("up").returncode == 0
    # This machine is audited once, and its engine looked at once, however many scopes there are.
    scopes = ("this-machine", "elsewhere")
    names = {f"{flow}/{scope}" for flow in ("port_sweep", "tls_grade", "certificate_expiry") for scope in scopes}
    names |= {"host_audit/this-machine", "container_scan/engine", "vulnerability_refresh/engine"}
    found = machine.deployments()
    assert set(found) == names
    crons = {
        found[f"port_sweep/{scope}"]["schedules"][0]["schedule"]["cron"] for scope in ("this-machine", "elsewhere")
    }
    assert len(crons) == 2
    estate.write_text(declared)
    fewer = machine.folder / "fewer.yaml"
    kept = SHIPPED.read_text().partition("  - name: rounds\n    entrypoint: flows.host_audit")[0]
    weekly = '      - slug: weekly\n        cron: "41 3 * * 0"\n'
    assert weekly in kept
    start = kept.index(weekly)
    fewer.write_text(kept[:start] + kept[kept.index("    concurrency_limit", start) :])
    ran = machine.run("up", "--deployments", str(fewer))
    assert ran.returncode == 0, ran.stderr
    assert "No longer declared, and removed: " in ran.stdout
    found = machine.deployments()
    assert set(found) == {"port_sweep/this-machine", "tls_grade/this-machine", "certificate_expiry/this-machine"}
    assert [schedule["slug"] for schedule in found["tls_grade/this-machine"]["schedules"]] == ["daily"]


def test_stopped_or_killed_it_leaves_no_process_and_no_run_that_runs_for_ever(machine: Machine) -> None:
    first = machine.processes[-1]
    slow = ESTATE.format(port=SLOW) + "pace = 50\n"
    (machine.folder / "estate.toml").write_text(slow)
    deployment = machine.deployments()["port_sweep/this-machine"]["id"]
    stuck = machine.ask(f"deployments/{deployment}/create_flow_run", state={"type": "SCHEDULED"})
    waited_for(lambda: any(SLOW in line for line in machine.left()))
    # Nobody takes what becomes due now, as if nothing ran here for three days.
    machine.ask("work_pools/roundsman", "PATCH", is_paused=True)
    due = [machine.falls_due(deployment, day, "schedule") for day in (1, 2, 3)]
    asked_for = machine.falls_due(deployment, 1, "event")
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 0, machine.said.read_text()
    assert "nothing is left running" in machine.said.read_text()
    assert machine.left() == []
    second = machine.up()
    told = machine.ask(f"flow_runs/{stuck['id']}")["state"]
    assert (told["type"], told["message"].partition(";")[0]) == ("CRASHED", "the worker was stopped")
    states = [machine.ask(f"flow_runs/{run}")["state"]["type"] for run in (*due, asked_for)]
    assert states == ["CANCELLED", "CANCELLED", "SCHEDULED", "SCHEDULED"]
    assert len(machine.left()) > 2
    second.kill()
    second.wait()
    waited_for(lambda: not machine.left())


def test_without_an_estate_or_a_free_port_nothing_starts(machine: Machine, tmp_path: Path) -> None:
    nowhere = Machine(tmp_path, machine.open_port, 0)
    ran = nowhere.run("up")
    assert (ran.returncode, "`roundsman init` writes one" in ran.stderr) == (2, True)
    (tmp_path / "estate.toml").write_text(ESTATE.format(port=1))
    ran = nowhere.run("up", "--port", str(machine.open_port))
    assert (ran.returncode, f"port {machine.open_port} of 127.0.0.1 is not free" in ran.stderr) == (2, True)
    assert nowhere.left() == []
