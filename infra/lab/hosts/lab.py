"""A lab host: a root file system of its own with processes, mounts, network and kernel settings, gone with its block.

    with lab_host("bad") as host:
        host.run(("sh", "-s", "--", nonce), stdin=collector())

Needs root, util-linux and iproute2. What is written goes to a layer in memory; nothing around it is changed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.lab.hosts.catalogue import planted
from infra.lab.hosts.plants import Planted
from infra.lab.hosts.root import busybox_root, debian_root
from infra.lab.hosts.start import START
from infra.lab.namespaces import LabError

Kind = Literal["clean", "bad", "busybox"]

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WRITABLE = (
    "/mnt/upper",
    *(f"/mnt/host/{place}" for place in ("run", "dev", "dev/shm", "proc/sys/kernel", "proc/sys/fs")),
)
_TOLD = r"%p %y %m %U %G %s %T@ %C@ %l\n"
"""Of a file, everything that a write, a rename or a change of rights would change; only reading it does not."""


@dataclass(frozen=True, slots=True)
class LabHost:
    """A running host; `pid` is its first process, as the machine around sees it."""

    kind: Kind
    pid: int

    def command(self, argv: Sequence[str], user: str = "root") -> tuple[str, ...]:
        """The same command, started inside with nothing of our environment."""
        enter = ("nsenter", "--target", str(self.pid), "--mount", "--pid", "--net", "--uts", "--ipc")
        # This folder is there only where the lab's own mounts are seen: nothing can be planted on the machine around.
        inside = ("chroot", "/mnt/host")
        lower = () if user == "root" else ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups")
        return (*enter, *inside, "/usr/bin/env", "-i", f"PATH={_PATH}", "HOME=/", f"USER={user}", *lower, *argv)

    def run(
        self, argv: Sequence[str], stdin: bytes = b"", timeout: float = 120, user: str = "root"
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command inside to its end; its exit code is the caller's to judge.

        Raises:
            subprocess.TimeoutExpired: it was killed after `timeout` seconds.
        """
        command = self.command(argv, user)
        return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=timeout)

    def must(self, script: str) -> str:
        """Run a shell script of the lab's own inside, and return what it printed.

        Raises:
            LabError: it failed.
        """
        done = self.run(("sh", "-eu"), stdin=script.encode())
        if done.returncode:
            raise LabError(f"in {self.kind}: {script[:200]!r}: {done.stderr.decode(errors='replace')[-500:]}")
        return done.stdout.decode(errors="replace")

    def plant(self, plants: Sequence[Planted]) -> None:
        """Do everything that makes these, in their order; each in a shell of its own.

        Raises:
            LabError: one of them could not be made.
        """
        steps = "".join(f"at={number}\n(\n{plant.how}\n)\n" for number, plant in enumerate(plants) if plant.how)
        done = self.run(("sh", "-eu"), stdin=f"trap 'echo $at' EXIT\n{steps}at=done\n".encode())
        at = done.stdout.decode().strip()
        if at != "done":
            what = plants[int(at)].what if at.isdecimal() else "the plants"
            raise LabError(f"in {self.kind}: {what}: {done.stderr.decode(errors='replace')[-500:]}")

    def written(self) -> frozenset[str]:
        """Everything that was ever written here, file by file with what a further write would change of it."""
        within = ("nsenter", "--target", str(self.pid), "--mount")
        listed = ("find", *_WRITABLE, "-xdev", "-printf", _TOLD)
        done = subprocess.run((*within, *listed), capture_output=True, check=True, timeout=120)
        return frozenset(done.stdout.decode("utf-8", "surrogateescape").splitlines())


@contextmanager
def lab_host(kind: Kind, plants: Sequence[Planted] | None = None) -> Iterator[LabHost]:
    """A host of its own.

    Args:
        kind: `clean` is a plain Debian, `busybox` one without GNU tools, `bad` has all plants and decoys.
        plants: put these in instead of those that belong to the kind.

    Raises:
        LabError: not root, or something of it could not be made.
    """
    root = busybox_root() if kind == "busybox" else debian_root()
    # A file system in memory takes any attribute, and is gone with the namespace that holds it.
    argv = ("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child=KILL")
    shell = ("/bin/sh", "-c", START, "sh", str(root), "host-7", kind)
    read, write = os.pipe()
    process = subprocess.Popen(
        (*argv, *shell),
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(write)
    try:
        with os.fdopen(read, "rb") as ready:
            if not ready.readline().startswith(b"ready"):
                said = process.communicate(timeout=20)[1].decode(errors="replace")
                raise LabError(f"lab host {kind}: {said[-800:]}")
        host = LabHost(kind, _child(process.pid))
        host.plant(planted(kind) if plants is None else plants)
        yield host
    finally:
        # With its first process all others end; what made it waits for that.
        with suppress(ProcessLookupError, LabError):
            os.kill(_child(process.pid), signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        process.wait(timeout=20)
        if process.stderr is not None:
            process.stderr.close()


def _child(pid: int) -> int:
    """The first process of the new namespace: the only child of the one that made it."""
    for _ in range(100):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.02)
    raise LabError("the lab host has no first process")
