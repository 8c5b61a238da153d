"""Children that are forked are as killable as those that are started, and leave as little behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from estate.tls.evidence import read_tls
from tasks.tls import ask_many, ask_tls
from tasks.tls.nursery import Nursery, nursery


def read(evidence):
    with evidence.path.open("rb") as stream:
        return read_tls(stream)


def processes(parent: int | None = None) -> set[int]:
    """The living processes that began as a cradle, or only the children of one."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                _, _, rest = (folder / "stat").read_text().rpartition(")")
                state, above = rest.split()[:2]
                if words[1:3] == [b"-m", b"tasks.tls.cradle"] and state != "Z" and parent in {None, int(above)}:
                    found.add(int(folder.name))
    return found


def cradle(children: Nursery) -> int:
    assert children._process is not None
    return children._process.pid


def gone(pids: set[int], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while processes() & pids and time.monotonic() < end:
        time.sleep(0.05)
    return not processes() & pids


@pytest.fixture
def children():
    with nursery() as found:
        yield found


@pytest.fixture
def hanging(serve, wrapped):
    """A server that shakes hands once, says when somebody comes back, and then says nothing more."""
    came = threading.Event()

    def handle(sock: socket.socket, number: int) -> None:
        if number > 1:
            came.set()
            time.sleep(30)
        with wrapped(sock) as secure:
            secure.recv(1)

    return serve(handle), came


def test_a_forked_child_sees_what_a_started_one_does(openssl, question, children, tmp_path):
    port = openssl("-www", "-cipher", "ECDHE+AESGCM:AES128-SHA")
    started, forked = (read(ask_tls(question(port), tmp_path, children=each)) for each in (None, children))
    assert forked.protocols == started.protocols
    assert forked.checks == started.checks
    assert forked.certificates == started.certificates
    assert forked.errors == ()


def test_one_process_starts_many_and_the_block_leaves_nothing_running(openssl, question, tmp_path):
    port = openssl("-www")
    with nursery() as children:
        found = list(ask_many([question(port, profile="watch")] * 4, tmp_path, at_once=2, children=children))
        alive = processes(cradle(children)) | {cradle(children)}
    assert [evidence.ended for evidence in found] == [""] * 4
    assert len({read(evidence).modern.suite for evidence in found}) == 1
    assert gone(alive)


def test_a_child_that_is_killed_costs_nobody_else_anything(openssl, hanging, question, children, tmp_path):
    port, came = hanging
    good = openssl("-www")
    ask_tls(question(good, profile="watch"), tmp_path, children=children)

    def kill() -> None:
        came.wait(20)
        for pid in processes(cradle(children)):
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    evidence = ask_tls(question(port), tmp_path, children=children)
    killer.join()
    assert evidence.ended == "signal 9"
    assert {protocol.state for protocol in read(evidence).protocols.values()} == {"blind"}
    assert ask_tls(question(good, profile="watch"), tmp_path, children=children).ended == ""


def test_who_cancels_ends_the_child(hanging, question, children, tmp_path):
    port, stop = hanging
    evidence = ask_tls(question(port), tmp_path, children=children, cancelled=stop)
    assert evidence.ended == "cancelled"
    assert gone(processes(cradle(children)))


def test_a_child_that_does_not_stop_by_itself_is_killed_at_its_deadline(tmp_path, children):
    (tmp_path / "handover.json").write_text("{}")
    os.mkfifo(tmp_path / "hanging.json")
    began = time.monotonic()
    ended, _ = children.run(tmp_path / "hanging.json", tmp_path / "out.json", 1.0, deadline=3.0, cancelled=None)
    assert ended == "deadline"
    assert time.monotonic() - began < 10
    assert gone(processes(cradle(children)))


def test_a_child_that_fails_says_why(tmp_path, children):
    (tmp_path / "handover.json").write_text("no handover")
    ended, words = children.run(tmp_path / "handover.json", tmp_path / "out.json", 1.0, deadline=20.0, cancelled=None)
    assert ended == "exit 1"
    assert words.startswith("BadTarget")


def test_when_the_process_that_forks_dies_its_children_do_and_the_next_one_gets_another(
    openssl, hanging, question, children, tmp_path
):
    port, came = hanging
    ask_tls(question(openssl(), profile="watch"), tmp_path, children=children)
    first = cradle(children)
    born: set[int] = set()

    def kill() -> None:
        came.wait(20)
        born.update(processes(first))
        os.kill(first, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    evidence = ask_tls(question(port), tmp_path, children=children)
    killer.join()
    assert evidence.ended == "exit 1"
    assert "the process that starts children died" in read(evidence).errors[0].reason
    assert born
    assert gone(born)
    assert ask_tls(question(openssl(), profile="watch"), tmp_path, children=children).ended == ""
    assert cradle(children) != first


def test_when_who_asks_is_killed_nothing_is_left(hanging, tmp_path):
    port, came = hanging
    asking = f"""
from pathlib import Path
from tasks.tls import TlsQuestion, ask_tls
from tasks.tls.nursery import nursery
with nursery() as children:
    ask_tls(TlsQuestion("127.0.0.1", {port}), Path({str(tmp_path)!r}), children=children)
"""
    before = processes()
    with subprocess.Popen((sys.executable, "-c", asking), cwd=Path(__file__).parents[3]) as process:
        assert came.wait(30)
        born = processes() - before
        process.kill()
    assert len(born) >= 2
    assert gone(born)
