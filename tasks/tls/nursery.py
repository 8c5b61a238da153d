"""Start a child for each server by a fork of one process that has imported everything: a third of a second less."""

import array
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import tasks
from estate.errors import ToolFailed
from tasks.tools import tool_environment

_HOUSE = Path(tasks.__file__).parents[1]
_TICK = 0.1
_GRACE = 5.0
_TAIL = 4_096


@dataclass(slots=True)
class Nursery:
    """Threads may share it; the process is started when the first child is wanted, and ends with the block."""

    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _orders: socket.socket | None = None
    _process: "subprocess.Popen[bytes] | None" = None

    def run(
        self, asking: Path, evidence: Path, seconds: float, *, deadline: float, cancelled: threading.Event | None
    ) -> tuple[str, str]:
        """Have one server examined: what kept the child from its good end, as `Evidence.ended` wants it, and its words.

        The child is killed when the deadline passes, `cancelled` is set, or this process dies.

        Raises:
            ToolFailed: it could not be started, or its parent died.
        """
        said = asking.with_suffix(".said")
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._order((str(said), str(asking), str(evidence), f"{seconds:.3f}"), theirs)
            why, status = _await(ours, time.monotonic() + deadline, cancelled)
        finally:
            ours.close()
        words = said.read_text(errors="replace")[-_TAIL:] if said.exists() else ""
        said.unlink(missing_ok=True)
        if why:
            return why, words
        code = os.waitstatus_to_exitcode(status)
        return f"signal {-code}" if code < 0 else f"exit {code}" if code else "", words

    def close(self) -> None:
        """End the process, and with it whatever child is left."""
        with self._lock:
            orders, process = self._orders, self._process
            self._orders = self._process = None
        if orders is not None:
            orders.close()
        if process is not None:
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _order(self, arguments: tuple[str, ...], leash: socket.socket) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [leash.fileno()]))]
        with self._lock:
            orders = self._orders
            if orders is None or self._process is None or self._process.poll() is not None:
                orders = self._begin()
            try:
                orders.sendmsg([json.dumps(arguments).encode()], rights)
            except OSError as error:
                raise ToolFailed(f"no child could be started: {error}") from None

    def _begin(self) -> socket.socket:
        if self._orders is not None:
            self._orders.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    (sys.executable, "-m", "tasks.tls.cradle", str(theirs.fileno())),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd=_HOUSE,
                    env={**tool_environment(), "PYTHONPATH": str(_HOUSE)},
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise ToolFailed(f"no child could be started: {error}") from None
        self._orders = ours
        return ours


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery that leaves nothing running."""
    found = Nursery()
    try:
        yield found
    finally:
        found.close()


def _await(leash: socket.socket, until: float, cancelled: threading.Event | None) -> tuple[str, int]:
    """Why the child was ended, and with which status it did.

    Raises:
        ToolFailed: nobody can say, since its parent died.
    """
    why = ""
    while True:
        leash.settimeout(_TICK)
        with suppress(TimeoutError):
            try:
                told = leash.recv(32)
            except ConnectionError:
                told = b""
            if told:
                return why, int(told)
            raise ToolFailed("the process that starts children died")
        if not why:
            why = "cancelled" if cancelled is not None and cancelled.is_set() else ""
            why = why or ("deadline" if time.monotonic() > until else "")
            if why:
                # To let go is the order to kill; the answer is still read.
                leash.shutdown(socket.SHUT_WR)
                until = time.monotonic() + _GRACE
        elif time.monotonic() > until:
            return why, signal.SIGKILL
