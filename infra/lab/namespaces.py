"""Network namespaces that bear their owner's process id, vanish with its block, and are swept if it died.

Needs root and iproute2. Names are `rl-<pid>-<start>-<count>-<role>`: the start time of the process (in clock ticks,
field 22 of /proc/PID/stat, see proc(5)) tells a live owner from a newer process that was given the same number.
"""

import ctypes
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

Command = Sequence[str]

_CLONE_NEWNET = 0x40000000
_NAMED = Path("/run/netns")
_OURS = re.compile(r"rl-(\d+)-(\d+)-\d+-\w+\Z")
_COUNT = count()


class LabError(RuntimeError):
    """The lab could not be built or changed as asked."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace under /run/netns."""

    name: str

    def command(self, argv: Command) -> list[str]:
        """The same command, started inside."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, argv: Command, timeout: float = 60, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end; its exit code is the caller's to judge.

        Raises:
            subprocess.TimeoutExpired: it was killed after `timeout` seconds.
        """
        return subprocess.run(
            self.command(argv),
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )

    def must(self, argv: Command, stdin: str = "") -> str:
        """Run a command of the lab itself and return what it printed.

        Raises:
            LabError: it failed.
        """
        done = self.run(argv, timeout=20, stdin=stdin)
        if done.returncode:
            raise LabError(f"{' '.join(argv)} in {self.name}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def ip(self, *lines: str) -> None:
        """Carry out these `ip` commands, given without the leading `ip`."""
        self.must(("ip", "-batch", "-"), stdin="\n".join(lines) + "\n")

    def sysctl(self, settings: Mapping[str, int]) -> None:
        """Set kernel settings of this namespace; those that this kernel does not keep per namespace are left alone."""
        self.must(("sysctl", "-eqw", *(f"{name}={value}" for name, value in settings.items())))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Move the current thread into the namespace, and back.

        Only this thread moves, with the threads and child processes that it starts meanwhile: a thread pool
        or event loop that already runs elsewhere stays where it is. A child started through `command()` has
        no such traps.
        """
        with Path("/proc/thread-self/ns/net").open("rb") as home, (_NAMED / self.name).open("rb") as here:
            _enter(here.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


def run_in(namespace: Namespace, argv: Command, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command in a namespace to its end; see `Namespace.run`."""
    return namespace.run(argv, timeout)


@contextmanager
def two_namespaces() -> Iterator[tuple[Namespace, Namespace]]:
    """A scanner's and a target's namespace with loopback up; every process inside is killed when the block ends.

    Raises:
        LabError: not root, or no iproute2.
    """
    sweep_leftovers()
    stem = f"rl-{os.getpid()}-{_started(os.getpid())}-{next(_COUNT)}"
    pair = Namespace(f"{stem}-scanner"), Namespace(f"{stem}-target")
    try:
        for namespace in pair:
            _host_ip("netns", "add", namespace.name)
            namespace.ip("link set lo up")
        yield pair
    finally:
        for namespace in pair:
            _remove(namespace.name)


def sweep_leftovers() -> tuple[str, ...]:
    """Remove the namespaces of labs whose process died without cleaning up, and say which."""
    swept: list[str] = []
    for path in sorted(_NAMED.iterdir()) if _NAMED.is_dir() else ():
        match = _OURS.match(path.name)
        if match and _started(int(match[1])) != int(match[2]):
            _remove(path.name)
            swept.append(path.name)
    return tuple(swept)


def _remove(name: str) -> None:
    if not (_NAMED / name).exists():
        return
    with suppress(LabError):
        for number in _host_ip("netns", "pids", name).split():
            if int(number) != os.getpid():
                with suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGKILL)
    try:
        _host_ip("netns", "delete", name)
    except LabError:
        # A second sweeper may have been faster.
        if (_NAMED / name).exists():
            raise


def _started(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # The name in parentheses may contain anything; what follows the last ")" begins with field 3.
    return int(stat.rpartition(")")[2].split()[19])


def _host_ip(*argv: str) -> str:
    done = subprocess.run(("ip", *argv), check=False, capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise LabError(f"ip {' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _enter(fd: int) -> None:
    # os.setns exists from Python 3.12 on only.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, _CLONE_NEWNET):
        error = ctypes.get_errno()
        raise LabError(f"setns: {os.strerror(error)}")
