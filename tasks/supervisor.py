"""Run a tool so that nothing of it outlives its deadline, its caller's patience, or this process."""

import errno
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from estate.errors import ToolFailed, ToolNotAllowed
from tasks.tool_output import CHUNK, OnLine, Output, file_tail
from tasks.tools import find_tool, tool_environment

Why = Literal["", "deadline", "cancelled"]

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""

_PROGRAM = Path(__file__).with_name("supervisor_process.py")
# Longer than a supervisor waits for what cannot be killed; past it, the supervisor itself is stuck.
_PATIENCE = 8.0
_TICK = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a tool ended: by itself (`why` is empty) with an exit code or by a signal, or because it was ended."""

    exit_code: int | None
    signal: int | None
    why: Why
    stdout_tail: str
    stderr_tail: str
    seconds: float

    @property
    def reason(self) -> str:
        """As `Evidence.ended` wants it: empty for success, otherwise what kept the tool from its own good end."""
        if self.why:
            return self.why
        if self.signal is not None:
            return f"signal {self.signal}"
        return f"exit {self.exit_code}" if self.exit_code else ""


def supervise(
    argv: Sequence[str],
    *,
    deadline: float,
    cancelled: threading.Event | None = None,
    on_line: OnLine | None = None,
    stdin: Path | None = None,
    stdout: Path | None = None,
    most: int = 0,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    tail_bytes: int = 65_536,
) -> Ended:
    """Run a tool to its end, from any thread.

    A process of its own owns the tool and all that it starts, and ends them (SIGTERM, `GRACE`, SIGKILL) when the
    deadline passes, `cancelled` is set, this call is left by any exception, or this process dies, were it by SIGKILL.

    Args:
        argv: the tool's name or path, and its arguments; no shell reads them.
        deadline: how many seconds the tool may take.
        cancelled: set by another thread to end the tool.
        on_line: called in this thread with each line of either stream.
        stdin: a file that the tool reads as standard input; nothing is there otherwise.
        stdout: a file that takes standard output instead, so that `on_line` gets standard error only.
        most: how many bytes any file may have that the tool writes, `stdout` too; one more ends it by SIGXFSZ.
        cwd: where the tool runs.
        env: what the tool gets beyond a path, a home and a locale; nothing else of our environment is passed on.
        tail_bytes: how much of the end of each stream is kept.

    Raises:
        ToolMissing: it is not installed.
        ToolNotAllowed: we may not start it.
        ToolFailed: it could not be started.
    """
    tool = find_tool(argv[0])
    begun, before = time.monotonic(), _RUNNING.endings
    if cancelled is not None and cancelled.is_set():
        return Ended(None, None, "cancelled", "", "", 0.0)
    heard, said = os.pipe()
    try:
        with stdout.open("wb") if stdout else nullcontext(subprocess.PIPE) as target:
            process = subprocess.Popen(
                (
                    sys.executable,
                    "-I",
                    "-S",
                    str(_PROGRAM),
                    *map(str, (said, os.getpid(), deadline, GRACE, stdin.absolute() if stdin else os.devnull, most)),
                    tool,
                    *argv[1:],
                ),
                stdin=subprocess.PIPE,
                stdout=target,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=cwd,
                env={**tool_environment(), **(env or {})},
                pass_fds=(said,),
                start_new_session=True,
            )
    except BaseException as error:
        os.close(heard)
        if isinstance(error, OSError):
            raise ToolFailed(f"{argv[0]} cannot be started: {error}") from None
        raise
    finally:
        os.close(said)
    run = _Run(process, heard, begun + deadline + _PATIENCE, tail_bytes, on_line)
    try:
        _RUNNING.add(run, before)
        run.watch(cancelled)
    finally:
        _RUNNING.remove(run)
        run.close()
    tails = run.tails if stdout is None else (file_tail(stdout, tail_bytes), *run.tails)
    return run.ended(argv[0], tails[0], tails[1], time.monotonic() - begun)


def end_all() -> None:
    """End every tool that this process runs now, in whatever thread; each `supervise` returns with `cancelled`."""
    _RUNNING.end()


class _Run:
    """One supervisor process as its caller sees it."""

    def __init__(
        self, process: subprocess.Popen[bytes], heard: int, patience: float, keep: int, on_line: OnLine | None
    ) -> None:
        self._process = process
        self._heard = heard
        self._patience = patience
        self._said = bytearray()
        self._asked_to_end = False
        pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        self._outputs = {pipe.fileno(): Output(keep, on_line) for pipe in pipes}
        self._pipes = [*pipes, *([process.stdin] if process.stdin is not None else [])]

    @property
    def tails(self) -> tuple[str, ...]:
        """The end of each stream that came to us."""
        return tuple(output.tail() for output in self._outputs.values())

    def end(self) -> None:
        """Pull the leash; may be called by any thread while this run is registered."""
        self._asked_to_end = True
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(b"!")

    def watch(self, cancelled: threading.Event | None) -> None:
        """Read what the tool says until its supervisor ends."""
        with selectors.DefaultSelector() as selector:
            for number in (self._heard, *self._outputs):
                os.set_blocking(number, False)
                selector.register(number, selectors.EVENT_READ)
            while self._heard in selector.get_map():
                now = time.monotonic()
                if now > self._patience:
                    return
                if cancelled is not None and cancelled.is_set() and not self._asked_to_end:
                    self.end()
                if self._asked_to_end:
                    self._patience = min(self._patience, now + _PATIENCE)
                for key, _ in selector.select(_TICK if cancelled is not None else 1.0):
                    if self._read(key.fd) == b"":
                        selector.unregister(key.fd)
        # Whoever still holds the pipes has left everything that we may end: what is in them now is enough.
        for number, output in self._outputs.items():
            while self._read(number):
                pass
            output.finish()

    def close(self) -> None:
        """Leave nothing behind, whatever happened: to let go of the leash ends the tool, if it still runs."""
        for pipe in self._pipes:
            pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            os.set_blocking(self._heard, False)
            while self._read(self._heard):
                pass
            os.close(self._heard)
            if (tool := self._word("started")) and not self._word("ended"):
                _end_session(int(tool[0]))

    def ended(self, name: str, stdout: str, stderr: str, seconds: float) -> Ended:
        """What came of it.

        Raises:
            ToolNotAllowed, ToolFailed: nothing, since it did not start.
        """
        if failed := self._word("failed"):
            number = int(failed[0])
            words = f"{name} cannot be started: {os.strerror(number)}"
            raise ToolNotAllowed(words) if number in {errno.EPERM, errno.EACCES} else ToolFailed(words)
        if not self._word("started"):
            raise ToolFailed(f"{name} cannot be started: {stderr.strip()[-300:] or 'its supervisor died'}")
        # A supervisor that was killed said nothing more, and neither did one whose tool could not be killed.
        told, status = self._word("ended") or ("-", "None")
        code = -signal.SIGKILL if status == "None" else os.waitstatus_to_exitcode(int(status))
        why: Why = "deadline" if told == "deadline" else "cancelled" if told == "cancelled" else ""
        return Ended(code if code >= 0 else None, -code if code < 0 else None, why, stdout, stderr, seconds)

    def _read(self, number: int) -> bytes | None:
        """Take what is there; None when nothing is, and empty when nothing will ever be."""
        try:
            chunk = os.read(number, CHUNK)
        except BlockingIOError:
            return None
        if number == self._heard:
            self._said += chunk
        else:
            self._outputs[number].feed(chunk)
        return chunk

    def _word(self, verb: str) -> list[str]:
        """What followed this word of the supervisor's."""
        for line in self._said.decode().splitlines():
            first, *rest = line.split()
            if first == verb:
                return rest
        return []


class _Running:
    """The tools that this process runs now."""

    def __init__(self) -> None:
        self._runs: set[_Run] = set()
        # Reentrant, since a signal handler may end all while the same thread adds one.
        self._lock = threading.RLock()
        self.endings = 0
        os.register_at_fork(after_in_child=self._forget)

    def add(self, run: _Run, endings: int) -> None:
        """Count this one in; it ends at once if all were ended while it was started."""
        with self._lock:
            self._runs.add(run)
            if endings != self.endings:
                run.end()

    def remove(self, run: _Run) -> None:
        with self._lock:
            self._runs.discard(run)

    def end(self) -> None:
        with self._lock:
            self.endings += 1
            for run in tuple(self._runs):
                run.end()

    def _forget(self) -> None:
        """In a forked child: the tools are not its own, and a lock that another thread held is held for ever."""
        self._lock = threading.RLock()
        self._runs = set()


_RUNNING = _Running()


def _end_session(session: int) -> None:
    """The supervisor was killed: end who is left of the tool's session by ourselves."""
    for _ in range(100):
        members = _members(session)
        if not members:
            return
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _members(session: int) -> list[int]:
    """The living processes of a session: fields 3 (state) and 6 of /proc/PID/stat, see proc(5)."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                if fields[0] not in {b"Z", b"X"} and int(fields[3]) == session:
                    found.append(int(folder.name))
    return found
