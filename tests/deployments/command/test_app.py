"""The edge of the command: what is wrong is said in a line, and every way of ending has its exit code."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO, Any

import pytest

from deployments.command import reading
from deployments.command.leaving import SAID
from estate.errors import EvidenceAltered, OutOfScope, StoreBusy

COMMANDS = (
    *["init", "doctor", "prune", "scan", "verify", "runs", "changes", "findings", "assets", "history"],
    *["settle", "baseline", "suppress", "read", "import"],
)


def test_help_lists_every_command_in_a_line_that_is_not_cut(roundsman: Any) -> None:
    told = roundsman("--help").out
    for command in COMMANDS:
        line = next(line for line in told.splitlines() if line.split()[:1] == [command])
        assert line.endswith("."), line
        assert not line.endswith("..."), line


def test_without_a_command_there_is_help(roundsman: Any) -> None:
    assert roundsman().out == roundsman("--help").out
    assert roundsman().code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_that_begins_with_a_sentence(roundsman: Any, command: str) -> None:
    told = roundsman(command, "-h")
    assert told.code == 0
    sentence = told.out.splitlines()[2].strip()
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert len(sentence) <= 70


def test_it_says_its_version(roundsman: Any) -> None:
    told = roundsman("--version")
    assert told.code == 0
    assert told.out.split()[0] == "roundsman"
    assert told.out.split()[1][0].isdigit()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nonsense",), "nonsense"),
        (("--nonsense",), "--nonsense"),
        (("changes", "--nonsense"), "--nonsense"),
        (("changes", "--run"), "--run"),
        (("findings", "surplus"), "surplus"),
        (("history",), "asset"),
        (("settle",), "run"),
        (("verify",), "what"),
        (("suppress", "f1:12345678"), "--reason"),
        (("read", "nmap"), "file"),
        (("import", "nmap", "x.xml"), "--asked"),
        (("runs", "--limit", "0"), "--limit"),
        (("runs", "--limit", "many"), "--limit"),
        (("scan", "--fail-on", "sometimes"), "--fail-on"),
        (("scan", "everything"), "everything"),
        (("changes", "--run", "1", "--since", "1d"), "--since"),
    ],
)
def test_wrong_use_is_two_and_says_what_and_where_to_read(
    roundsman: Any, arguments: tuple[str, ...], named: str
) -> None:
    told = roundsman(*arguments)
    assert (told.code, told.out) == (2, "")
    assert named in told.err
    assert told.err.startswith("roundsman: ")
    assert "Traceback" not in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("changes", "--run", "0badc0de"), "0badc0de"),
        (("changes", "--run", "latest"), "no run yet"),
        (("settle", "0badc0de"), "0badc0de"),
        (("history", "host:10.99.0.1"), "10.99.0.1"),
        (("verify", "f1:0badc0de"), "f1:0badc0de"),
        (("verify", "host:10.99.0.1"), "10.99.0.1"),
        (("baseline",), "no settled run"),
        (("suppress", "f1:0badc0de", "--reason", "x", "--until", "1d", "--requested-by", "a"), "f1:0badc0de"),
    ],
)
def test_what_is_not_known_is_two_and_says_where_to_look(
    roundsman: Any, arguments: tuple[str, ...], named: str
) -> None:
    told = roundsman(*arguments)
    assert (told.code, told.out) == (2, "")
    assert named in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreBusy("the database is in use"), 3), (EvidenceAltered("altered"), 3), (OutOfScope("no"), 4)],
)
def test_each_error_brings_its_exit_code(
    roundsman: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    monkeypatch.setattr(reading, "list_runs", _raise(error))
    told = roundsman("runs", "--json")
    assert (told.code, told.out, told.err) == (code, "", f"roundsman: {error}\n")


def test_a_fault_of_ours_never_looks_like_a_finding(roundsman: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "list_runs", _raise(ZeroDivisionError("by\nzero")))
    told = roundsman("runs", "--json")
    assert (told.code, told.out) == (3, "")
    assert "ZeroDivisionError: by" in told.err
    assert "Traceback" not in told.err
    monkeypatch.setenv("ROUNDSMAN_TRACEBACK", "1")
    assert "Traceback" in roundsman("runs", "--json").err


def _raise(error: Exception) -> Any:
    def raises(*_: object, **__: object) -> None:
        raise error

    return raises


def test_ctrl_c_is_130_and_leaves_no_traceback(roundsman: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "list_runs", interrupted)
    told = roundsman("runs")
    assert (told.code, told.out) == (130, "")
    assert told.err == f"roundsman: {SAID}\n"


def test_a_real_interrupt_while_waiting_for_input_is_130(roundsman: Any) -> None:
    reader, writer = os.pipe()
    with roundsman.popen("read", "nmap", "-", stdin=reader) as process, os.fdopen(writer, "wb", 0) as pipe:
        os.close(reader)
        # Half a report: the command has started once it has read it, and waits for the rest.
        pipe.write((roundsman.evidence / "nmap" / "all_up.xml").read_bytes()[:2000])
        until = time.monotonic() + 60
        while _unread(pipe) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err


def _unread(pipe: IO[bytes]) -> int:
    """How many bytes nobody has taken out of it yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.mark.parametrize("how", [("--json",), ("--jsonl",), ()])
def test_a_reader_that_leaves_early_is_no_error(known: Any, how: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    told = known.alone("changes", *how, "--fail-on", "change", stdout=writer)
    os.close(writer)
    assert (told.code, told.err) == (0, "")


def test_the_exit_code_stands_although_nobody_reads_it_all(known: Any) -> None:
    known.takes_in("port_opened")
    reader, writer = os.pipe()
    os.close(reader)
    told = known.alone("changes", "--fail-on", "change", stdout=writer)
    os.close(writer)
    assert told.code == 1


def test_a_full_disk_behind_standard_output_is_said(known: Any) -> None:
    with Path("/dev/full").open("wb") as full:
        told = known.alone("changes", "--json", stdout=full)
    assert told.code == 2
    assert told.err == "roundsman: standard output: No space left on device\n"


def test_closed_streams_are_no_error(known: Any) -> None:
    told = known.alone("changes", preexec_fn=lambda: os.closerange(1, 3), stdout=None, stderr=None)
    assert told.code == 0


def test_an_encoding_that_lacks_a_sign_spoils_nothing(known: Any) -> None:
    narrow = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    assert known.alone("changes", "--json", environment=narrow).said["changes"]
    told = known.alone("changes", environment=narrow)
    assert told.code == 0
    assert "tcp/22" in told.out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("roundsman ch", {"changes"}),
        ("roundsman re", {"read"}),
        ("roundsman scan ", {"ports", "tls", "certificates", "hosts", "containers", "all"}),
        ("roundsman import n", {"nmap"}),
        ("roundsman import --canary ", {"ok", "failed"}),
        ("roundsman changes --si", {"--since"}),
    ],
)
def test_bash_completes_commands_options_and_words(roundsman: Any, typed: str, offered: set[str]) -> None:
    asked = {"_ROUNDSMAN_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    told = roundsman.alone(environment=asked)
    assert set(told.out.split()) == offered


def test_completion_is_installed_for_bash(roundsman: Any, tmp_path: Path) -> None:
    told = roundsman.alone("--install-completion", "bash", environment={"HOME": str(tmp_path)})
    assert told.code == 0
    assert "_roundsman_completion" in (tmp_path / ".bash_completions" / "roundsman.sh").read_text()
    assert "roundsman.sh" in (tmp_path / ".bashrc").read_text()


READING = (
    ("runs", "--json"),
    ("changes", "--json"),
    ("findings", "--json"),
    ("assets", "--json"),
    ("history", "10.77.0.2", "--json"),
    ("settle", "latest", "--json"),
    ("baseline", "--json"),
    ("doctor", "--json"),
    ("prune", "--before", "1d", "--json"),
    ("init", "--path", "new.toml"),
    ("read", "nmap", "{report}", "--json"),
    ("import", "nmap", "{report}", "--asked", "10.77.0.2", "--at", "1d", "--json"),
    ("suppress", "rule=unexpected-port", "--reason", "x", "--until", "1d", "--requested-by", "a", "--json"),
    ("scan", "--only", "10.0.0.1"),
    ("verify", "10.77.0.2"),
    ("--help",),
)


def test_nothing_but_a_scan_loads_prefect(known: Any) -> None:
    """Prefect costs seconds; also a scan that is refused never gets so far. One child runs them all."""
    report = str(known.evidence / "nmap" / "all_up.xml")
    program = """
import sys, json
from deployments.command.app import run
for arguments in json.loads(sys.argv[1]):
    code = run(arguments)
    for heavy in ("prefect", "httpx", "rich.progress", "alembic"):
        assert heavy not in sys.modules, (heavy, arguments)
    assert code in (0, 3, 4), (code, arguments)
"""
    calls = [[word.format(report=report) for word in arguments] for arguments in READING]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    ended = subprocess.run(
        (sys.executable, "-c", program, json.dumps(calls)),
        cwd=known.folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
