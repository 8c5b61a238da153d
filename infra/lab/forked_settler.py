"""A process that settles runs in children of its own, which tests kill: forking saves the seconds that starting costs.

It reads one JSON object a line and answers with one or two: `{"pid": …}` when the child begins, and `{"pid": …,
"status": …, "said": …}` when it ended, where the status is negative for the signal that ended it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from typing import Any, NotRequired, TypedDict, Unpack

from sqlalchemy import Engine, event

from estate.errors import RoundsmanError
from estate.manifest import load_manifest
from estate.store import staging
from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.runs import run_named
from estate.store.settlement import Settler


class Ended(TypedDict):
    """How a child ended; at first there is only its number."""

    pid: int
    status: NotRequired[int]
    said: NotRequired[str]


class Order(TypedDict, total=False):
    """What a child does: settle a run, or only open the database.

    `dies_at` kills it before that statement of settling, `dies_at_opening` before that one of opening; `bytes` is the
    largest file that it may write, `waits_for` a file whose coming it waits for before it begins.
    """

    url: str
    folder: str
    run: str
    estate: str
    part: int
    accept: bool
    dies_at: int
    dies_at_opening: int
    bytes: int
    waits_for: str


class Settlers:
    """A handle on such a process, for the one who started it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", __name__]
        house = Path(__file__).parents[2]
        self._process = subprocess.Popen(command, cwd=house, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ended: dict[int, Ended] = {}

    def start(self, **order: Unpack[Order]) -> int:
        """Have a child begin, and give its number."""
        if self._process.stdin is None:
            raise OSError("there is no way to speak to it")
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        while True:
            told = self._read()
            if "status" not in told:
                return told["pid"]
            self._ended[told["pid"]] = told

    def end_of(self, pid: int) -> Ended:
        """How that child ended."""
        while pid not in self._ended:
            told = self._read()
            self._ended[told["pid"]] = told
        return self._ended.pop(pid)

    def settle(self, **order: Unpack[Order]) -> Ended:
        """Start a child and wait for its end."""
        return self.end_of(self.start(**order))

    def close(self) -> None:
        """End it; its children end first."""
        self._process.communicate(timeout=60)

    def _read(self) -> Ended:
        if self._process.stdout is None:
            raise OSError("there is no way to hear it")
        told: Ended = json.loads(self._process.stdout.readline())
        return told


_SPEAKING = Lock()


def main() -> None:
    """Fork a child for every line, until there are no more."""
    for line in sys.stdin:
        order: Order = json.loads(line)
        said, out = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(said)
            _settle_and_exit(order, out)
        os.close(out)
        _say({"pid": pid})
        Thread(target=_await, args=(pid, said)).start()


def _await(pid: int, said: int) -> None:
    with os.fdopen(said, encoding="utf-8") as stream:
        text = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _say({"pid": pid, "status": status, "said": text})


def _say(told: Mapping[str, object]) -> None:
    """One whole line, whoever else speaks: `print` writes a line and its end apart."""
    with _SPEAKING:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _settle_and_exit(order: Order, out: int) -> None:
    status = 70
    try:
        said = _settle(order)
        status = 0
    except RoundsmanError as error:
        said = f"{type(error).__name__}: {error}"
        status = error.exit_code
    finally:
        os.write(out, said.encode() if status != 70 else b"died of a bug")
        os._exit(status)


def _settle(order: Order) -> str:
    if "waits_for" in order:
        while not Path(order["waits_for"]).exists():
            time.sleep(0.001)
    if "bytes" in order:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["bytes"], order["bytes"]))
    staging.PART = order.get("part", staging.PART)
    if "dies_at_opening" in order:
        _count_statements(Engine, order["dies_at_opening"])
    database = open_database(order["url"], busy_seconds=20)
    counted = _count_statements(database.engine, order.get("dies_at"))
    if "run" not in order:
        return "opened"
    policy = load_manifest(order.get("estate", ""), "estate.toml").declared
    settler = Settler(database, EvidenceFolder(Path(order["folder"])), policy, lambda: datetime(2030, 1, 1, tzinfo=UTC))
    settled = settler.settle(run_named(database, order["run"]), accept=order.get("accept", False))
    return json.dumps({"state": settled.state, "message": settled.message, "statements": counted()})


def _count_statements(engine: Engine | type[Engine], dies_at: int | None) -> Callable[[], int]:
    count = 0

    def before(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", before)
    return lambda: count


if __name__ == "__main__":
    main()
