"""The bar: a rate and the time left while somebody looks, and no trace of it afterwards."""

import io
import sys
import time
from typing import Any

import pytest

from deployments.command.bar import shown
from tasks import progress


class Terminal(io.StringIO):
    """A standard error that says that it is one."""

    def isatty(self) -> bool:
        return True


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put one in place; pytest takes a fixture's back before the test begins."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return found


def wait_for(terminal: Terminal, words: str) -> None:
    deadline = time.monotonic() + 10
    while words not in terminal.getvalue():
        assert time.monotonic() < deadline, terminal.getvalue()[-500:]
        time.sleep(0.05)


def test_it_tells_the_stage_the_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with shown(1_000_000, quiet=False):
        wait_for(terminal, "starting Prefect and its server")
        progress.start("run", 2)
        try:
            wait_for(terminal, "asking")
            progress.report("run", 0, 0.5)
            wait_for(terminal, "questions/s")
            wait_for(terminal, "25%")
            progress.report("run", 0, 1)
            progress.report("run", 1, 0.9999)
            wait_for(terminal, " 99%")
            assert "100%" not in terminal.getvalue()
            progress.report("run", 1, 1)
            wait_for(terminal, "looking again, settling")
        finally:
            progress.finish("run")
    assert terminal.getvalue().endswith("\x1b[2K") or terminal.getvalue().rstrip("\r\n").endswith("\x1b[2K")
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l"), "the cursor is back"


def test_with_a_server_there_is_none_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with shown(1, quiet=False):
        wait_for(terminal, "starting Prefect")
    assert "server" not in terminal.getvalue()


def test_programs_and_pipes_see_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with shown(1, quiet=True):
        pass
    assert terminal.getvalue() == ""
    pipe: Any = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with shown(1, quiet=False):
        pass
    assert pipe.getvalue() == ""
