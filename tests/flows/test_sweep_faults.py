"""What becomes of a sweep when tools, disks and processes fail."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.lab.network import OnLinkLab

ESTATE = """
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = ["10.77.0.2", "10.77.0.3", "10.77.0.4"]
ports = "tcp/22,80,443,8080,9000-9009"
versions = false
pace = {pace}
"""
FAILING = """#!/bin/sh
case "$*" in
-V | --version) exec /usr/bin/nmap "$@" ;;
esac
echo "nmap: the disk is on fire" >&2
exit 1
"""


def stored(home: Path, query: str) -> list[tuple[object, ...]]:
    """Rows of the run's database, read beside the program."""
    with sqlite3.connect(f"file:{home}/home/roundsman.db?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def started(home: Path) -> bool:
    """Whether a shard is being asked."""
    try:
        return bool(stored(home, "select 1 from shard where state = 'leased'"))
    except sqlite3.OperationalError:
        return False


def left_in(lab: OnLinkLab, seconds: float = 5) -> list[str]:
    """The processes that still run where the scanner is."""
    deadline = time.monotonic() + seconds
    while True:
        told = subprocess.run(["ip", "netns", "pids", lab.scanner.name], check=True, capture_output=True, text=True)
        left = [
            Path(f"/proc/{pid}/cmdline").read_text() for pid in told.stdout.split() if Path(f"/proc/{pid}").exists()
        ]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def test_an_interrupted_scan_ends_at_once_leaves_nothing_and_is_gone_on_with(
    lab_roundsman, onlink_lab: OnLinkLab
) -> None:
    lab_roundsman.describes(ESTATE.format(pace=10))
    running = lab_roundsman.start("scan", "ports", "--json")
    while not started(lab_roundsman.folder):
        time.sleep(0.02)
    time.sleep(0.5)
    begun = time.monotonic()
    running.signal(signal.SIGINT)
    ran = running.wait()
    assert (ran.code, ran.out) == (130, "")
    assert "Traceback" not in ran.err
    assert time.monotonic() - begun < 5
    assert left_in(onlink_lab) == []
    ((run, state),) = stored(lab_roundsman.folder, "select id, state from scanrun")
    assert state == "asking"
    again = lab_roundsman.scan()
    assert (again.code, again.said["state"], again.said["run"]) == (0, "complete", run)
    assert any("whose maker died" in warning for warning in again.said["warnings"])


def test_a_tool_that_fails_is_tried_again_and_then_told(lab_roundsman) -> None:
    lab_roundsman.describes(ESTATE.format(pace=5000))
    assert lab_roundsman.scan().code == 0
    tools = lab_roundsman.folder / "tools"
    tools.mkdir()
    (tools / "nmap").write_text(FAILING)
    (tools / "nmap").chmod(0o755)
    lab_roundsman.environment["PATH"] = f"{tools}:{os.environ['PATH']}"
    ran = lab_roundsman.scan()
    assert (ran.code, ran.said["state"]) == (3, "failed")
    assert "nmap failed (exit 1): nmap: the disk is on fire" in ran.said["message"]
    assert ran.kinds == {"lost_sight"}
    assert stored(lab_roundsman.folder, "select attempts from shard order by run_seq") == [(1,), (3,)]
    assert "Traceback" not in ran.err


def test_a_tool_that_is_missing_is_named_with_what_installs_it(lab_roundsman) -> None:
    nothing = lab_roundsman.folder / "nothing"
    nothing.touch()
    for folder in ("/usr/bin", "/bin", "/usr/local/bin"):
        if (Path(folder) / "nmap").exists():
            lab_roundsman.covered[f"{folder}/nmap"] = str(nothing)
    lab_roundsman.describes(ESTATE.format(pace=5000))
    ran = lab_roundsman.scan()
    assert (ran.code, ran.out) == (3, "")
    assert "nmap is not installed; install it with: sudo apt-get install nmap" in ran.err


def test_two_scans_of_one_scope_at_once_both_end_and_nothing_is_told_twice(lab_roundsman) -> None:
    lab_roundsman.describes(ESTATE.format(pace=5000))
    both = [lab_roundsman.start("scan", "ports", "--json") for _ in range(2)]
    ran = [one.wait() for one in both]
    assert [one.code for one in ran] == [0, 0]
    assert ran[0].said["run"] != ran[1].said["run"]
    told = [change for one in ran for change in one.changes]
    assert len(told) == len(set(told)) == 12
    assert stored(lab_roundsman.folder, "select attempts, state from shard") == [(1, "asked"), (1, "asked")]
    assert lab_roundsman.scan().changes == set()


@pytest.fixture
def full_evidence(tmp_path: Path) -> Iterator[Path]:
    """An evidence folder without room for one more byte."""
    place = tmp_path / "home" / "evidence"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "full", place], check=True)
    (place / "filler").write_bytes(b"x" * 4096)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_evidence_folder_is_told_and_holds_nothing_half_written(lab_roundsman, full_evidence: Path) -> None:
    lab_roundsman.describes(ESTATE.format(pace=5000))
    ran = lab_roundsman.scan()
    assert (ran.code, ran.said["state"], ran.changes) == (3, "failed", set())
    assert "evidence could not be written" in ran.said["message"]
    assert "No space left on device" in ran.said["message"]
    assert [path.name for path in full_evidence.rglob("*")] == ["filler"]
    assert stored(lab_roundsman.folder, "select count(*) from evidence") == [(0,)]


def test_a_run_that_took_over_nothing_leaves_word_about_the_one_it_passed_by(
    lab_roundsman, onlink_lab: OnLinkLab
) -> None:
    lab_roundsman.describes(ESTATE.format(pace=10))
    running = lab_roundsman.start("scan", "ports", "--json")
    while not started(lab_roundsman.folder):
        time.sleep(0.02)
    running.signal(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    assert left_in(onlink_lab) == []
    other = lab_roundsman.scan("--ports", "22")
    assert (other.code, other.said["warnings"]) == (0, [])
    ((run, message),) = stored(lab_roundsman.folder, "select id, message from scanrun where state = 'asking'")
    assert run != other.said["run"]
    assert f"`roundsman settle {str(run)[:12]}`" in str(message)
    # What came later was published: the older run could only tell yesterday's news as if it were today's.
    assert lab_roundsman.scan().said["run"] not in {run, other.said["run"]}
