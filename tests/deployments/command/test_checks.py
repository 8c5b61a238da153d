"""`doctor`: what is wrong is found, what to do is said, and the exit code is that which a scan would have."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployments.command import checks, looked
from estate.errors import ToolMissing
from estate.scope import Scope
from estate.store.leases import leased
from estate.store.runs import set_state
from estate.store.surroundings import open_surroundings
from tasks.rights import Rights

SCOPE = '[[scopes]]\nname = "office"\nauthorised_by = "Ada"\nnetworks = ["10.77.0.0/24"]\n'


@pytest.fixture
def doctor(roundsman: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command on a machine where all scanners are to be had, with an estate that is in order."""
    monkeypatch.setattr(checks, "nmap_engine", lambda: ("nmap", "7.93"))
    monkeypatch.setattr(checks, "zmap_engine", lambda: ("zmap", "2.1.1"))
    for rights in ("nmap_rights", "zmap_rights"):
        monkeypatch.setattr(checks, rights, lambda: Rights(True, "we are root"))
    roundsman.describes(SCOPE)
    return roundsman


def found(command: Any, name: str) -> dict[str, Any]:
    """The one check of that name."""
    (one,) = (each for each in command("doctor", "--json").said["doctor"] if each["name"] == name)
    return dict(one)


def test_a_machine_in_order_is_zero(doctor: Any) -> None:
    told = doctor("doctor", "--json")
    assert (told.code, told.err) == (0, "")
    assert told.said["ok"] is True
    assert {one["name"] for one in told.said["doctor"]} == {
        *("nmap", "zmap", "rights", "estate", "database", "evidence", "scope office", "prefect")
    }
    assert all(one.keys() == {"name", "ok", "needed", "told"} for one in told.said["doctor"])
    assert "fails" not in doctor("doctor").out


def test_a_missing_scanner_is_three_and_says_what_to_do(doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ToolMissing("nmap is not installed: apt install nmap")

    monkeypatch.setattr(checks, "nmap_engine", missing)
    assert doctor("doctor").code == 3
    assert found(doctor, "nmap")["told"].endswith("apt install nmap")


def test_missing_rights_are_only_a_note_with_the_command_that_grants_them(
    doctor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "nmap_rights", lambda: Rights(False, "no raw sockets", "sudo setcap x /usr/bin/nmap"))
    monkeypatch.setattr(checks, "zmap_rights", lambda: Rights(False, "no raw sockets", "sudo setcap x /usr/sbin/zmap"))
    monkeypatch.setattr(checks, "zmap_engine", lambda: None)
    told = doctor("doctor")
    assert told.code == 0
    assert told.out.count("note") == 2
    assert "sudo setcap x /usr/bin/nmap" in told.out
    assert "sudo setcap x /usr/sbin/zmap" in told.out


def test_without_an_estate_it_is_three(doctor: Any) -> None:
    (doctor.folder / "estate.toml").unlink()
    assert doctor("doctor").code == 3
    assert "roundsman init" in found(doctor, "estate")["told"]


def test_a_broken_estate_is_two_with_each_mistake_on_its_line(doctor: Any) -> None:
    doctor.describes(SCOPE + 'colour = "red"\npaces = 3\n')
    told = doctor("doctor")
    assert told.code == 2
    assert "line 5: scopes[0].colour" in told.out
    assert "line 6: scopes[0].paces" in told.out
    assert found(doctor, "settings")["ok"] is False


def test_a_database_that_cannot_be_reached_is_two(doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDSMAN_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    assert doctor("doctor").code == 2
    assert "connection" in found(doctor, "database")["told"]


def test_evidence_that_cannot_be_written_is_three(doctor: Any) -> None:
    (doctor.home / "evidence").write_text("a file")
    assert doctor("doctor").code == 3
    assert not found(doctor, "evidence")["ok"]


def test_a_scope_that_ended_is_four_and_says_who_signs(doctor: Any) -> None:
    doctor.describes(SCOPE + "valid_until = 2020-01-01\n")
    assert doctor("doctor").code == 4
    assert "have Ada sign it off again" in found(doctor, "scope office")["told"]
    assert doctor("scan", "--json").code == 4


def scope_checks(**settings: Any) -> list[looked.Check]:
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    scope = Scope.model_validate({"name": "office", "authorised_by": "Ada", "networks": ["10.77.0.0/24"], **settings})
    return list(checks._scope(scope, moment))


def test_a_scope_that_ends_soon_is_a_note_in_time() -> None:
    soon = scope_checks(valid_until=datetime(2026, 12, 10, tzinfo=UTC))
    assert [(check.ok, check.needed) for check in soon] == [(True, True), (False, False)]
    assert "expires at 2026-12-10" in soon[1].told
    assert len(scope_checks(valid_until=datetime(2027, 12, 10, tzinfo=UTC))) == 1
    assert len(scope_checks()) == 1


def test_a_scope_outside_its_hours_is_only_a_note() -> None:
    night = {"days": ["mon"], "opens": "20:00", "closes": "23:00", "timezone": "UTC"}
    (outside,) = scope_checks(windows=[night])
    assert (outside.ok, outside.needed) == (False, False)
    assert "opens at" in outside.told


def test_a_scope_tells_how_much_it_is() -> None:
    (one,) = scope_checks(pace=1)
    assert one.told == "255 targets, 1 packet/s, authorised by Ada"


def test_the_worst_exit_code_is_that_of_wrong_use_then_scope_then_blindness(doctor: Any) -> None:
    doctor.describes(SCOPE + "valid_until = 2020-01-01\n")
    (doctor.home / "evidence").write_text("a file")
    assert doctor("doctor").code == 4


def test_a_run_that_nobody_ends_is_a_note_that_says_how_to(doctor: Any) -> None:
    doctor.takes_in("all_up")
    run = doctor("runs", "--json").said["runs"][0]
    assert not left_over(doctor)
    database = open_surroundings().database
    set_state(database, run["seq"], "asking")
    (told,) = left_over(doctor)
    assert (told["ok"], told["needed"]) == (False, False)
    assert f"roundsman settle {run['id'][:12]}" in told["told"]
    assert doctor("doctor").code == 0
    with leased(database, f"run/{run['id']}"):
        assert not left_over(doctor), "somebody is at it"


def left_over(command: Any) -> list[dict[str, Any]]:
    return [one for one in command("doctor", "--json").said["doctor"] if one["name"].startswith("run ")]


def test_it_sends_nothing_and_starts_no_scanner_but_for_its_version(roundsman: Any, tmp_path: Path) -> None:
    """On a path where scanners only note how they are called."""
    folder, log = tmp_path / "bin", tmp_path / "log"
    folder.mkdir()
    for tool, version in (("nmap", "Nmap version 7.93 ( https://nmap.org )"), ("zmap", "zmap 2.1.1")):
        (folder / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >>{log}\necho "{version}"\n')
        (folder / tool).chmod(0o755)
    roundsman.describes(SCOPE)
    told = roundsman.alone("doctor", "--json", environment={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert told.code == 0, told
    called = log.read_text().splitlines()
    assert set(called) <= {"nmap -V", "zmap -C /dev/null --version"}, called


def test_a_prefect_that_does_not_answer_keeps_scans_from_starting(doctor: Any) -> None:
    told = doctor.alone("doctor", "--json", environment={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert told.code == 3
    (prefect,) = (one for one in told.said["doctor"] if one["name"] == "prefect")
    assert "cannot be asked" in prefect["told"]


def test_drift_between_the_file_and_the_ui_is_told(doctor: Any, prefect_server: str, tmp_path: Path) -> None:
    environment = {"PREFECT_API_URL": prefect_server, "PREFECT_HOME": str(tmp_path / "prefect")}
    program = (
        "import sys; from pathlib import Path; from estate.manifest import load_manifest;"
        " from blocks.scope import register; register(load_manifest(Path(sys.argv[1]).read_text()))"
    )
    subprocess.run(
        (sys.executable, "-c", program, str(doctor.folder / "estate.toml")),
        env={**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=True,
        capture_output=True,
    )
    told = doctor.alone("doctor", "--json", environment=environment)
    assert told.code == 0, told.err
    assert not [one for one in told.said["doctor"] if one["name"] == "drift"]
    doctor.describes(SCOPE + "pace = 7\n")
    told = doctor.alone("doctor", "--json", environment=environment)
    assert told.code == 0
    (drift,) = (one for one in told.said["doctor"] if one["name"] == "drift")
    assert "pace" in drift["told"]
    assert "7" in drift["told"]
