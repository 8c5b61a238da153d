"""The small process between us and a tool: it owns the tool's whole family, and ends it when told or when we die.

Run by path as `python -I -S` with the standard library's lightest modules, so that it starts in some 15 ms:

    supervisor_process.py STATUS-FD PARENT-PID DEADLINE GRACE INPUT MOST TOOL ARGUMENT...

Standard input is the leash: its end, or any byte on it, ends the tool, which reads the file INPUT instead and may
write files of at most MOST bytes (0: of any size). What happens is said in lines on STATUS-FD: `failed ERRNO` or
`started PID`, and then `ended WHY WAIT-STATUS`.
"""

import os
import select
import signal
import sys
import time

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_UNKILLABLE_AFTER = 5.0


def _prctl(option: int, value: int) -> None:
    """Ask the kernel for an extra: everything works without it, only less surely."""
    try:
        import ctypes  # noqa: PLC0415 - Pythons built without libffi lack it

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return


class _Family:
    """The tool and everything that it starts."""

    def __init__(self, tool: int) -> None:
        self.tool = tool
        self.wait_status: int | None = None
        self._left = True

    def reap(self) -> bool:
        """Collect whoever died; whether somebody is left.

        As a subreaper we inherit the orphans of the family, so no children left means nobody left.
        """
        while self._left:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._left = False
                break
            if pid == 0:
                break
            if pid == self.tool:
                self.wait_status = wait_status
        return self._left

    def end(self, grace: float, wake: int) -> None:
        """SIGTERM to all, and SIGKILL to those who are left after the grace."""
        self._send(signal.SIGTERM)
        self._await_end(time.monotonic() + grace, wake, None)
        self._await_end(time.monotonic() + _UNKILLABLE_AFTER, wake, signal.SIGKILL)

    def _await_end(self, until: float, wake: int, again: int | None) -> None:
        """Wait until nobody is left; children may be born while we look, so what kills is sent again and again."""
        while self.reap() and time.monotonic() < until:
            if again is not None:
                self._send(again)
            if select.select([wake], [], [], 0.02)[0]:
                os.read(wake, 512)

    def _send(self, number: int) -> None:
        for pid in self._members():
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue

    def _members(self) -> set[int]:
        """Our descendants, and whoever is in the tool's session without being one; without /proc, the tool's group."""
        parents: dict[int, int] = {}
        members: set[int] = set()
        try:
            names = os.listdir("/proc")  # noqa: PTH208 - pathlib doubles our start-up
        except OSError:
            return {-self.tool}
        for name in names:
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 - pathlib doubles our start-up
                        fields = stat.read().rpartition(b")")[2].split()
                except OSError:
                    continue
                parents[int(name)] = int(fields[1])
                if int(fields[3]) == self.tool:
                    members.add(int(name))
        us = os.getpid()
        for pid in parents:
            line, at = [pid], pid
            while at in parents and at != us and len(line) < 1_000:
                at = parents[at]
                line.append(at)
            if at == us:
                members.update(line)
        return members - {us}


def _start(argv: list[str], most: int, status: int) -> int | None:
    """Start the tool in a session of its own; None if it cannot be, which has then been said."""
    supervisor = os.getpid()
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            _prctl(_DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(127)
            # What is ignored stays ignored across exec: by Python the first two, by nohup the third.
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            if most:
                import resource  # noqa: PLC0415 - few tools need it

                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            os.execv(argv[0], argv)  # noqa: S606 - no shell is meant
        except OSError as error:
            os.write(tell, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(tell)
    failure = os.read(told, 16)
    os.close(told)
    if failure:
        os.waitpid(pid, 0)
        _say(status, f"failed {failure.decode()}")
        return None
    return pid


def _say(status: int, line: str) -> None:
    try:
        os.write(status, f"{line}\n".encode())
    except OSError:
        return  # Nobody is left to hear it.


def _open_pidfd(pid: int) -> list[int]:
    """A file that becomes readable when the process dies; none on an old kernel, or if it is dead already."""
    try:
        return [os.pidfd_open(pid)]
    except (AttributeError, OSError):
        return []


def _why_to_end(family: _Family, leash: int, parent: int, wake: int, deadline: float) -> str:
    """Wait for the tool's own end (an empty string), or for a reason to end it."""
    watched = [leash, wake, *_open_pidfd(parent)]
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return "deadline"
        # A forked relative of the parent may hold the leash too, so its end alone does not tell that the parent died.
        ready = select.select(watched, [], [], min(left, 60.0 if len(watched) > 2 else 0.5))[0]
        if wake in ready and any(number != signal.SIGCHLD for number in os.read(wake, 512)):
            return "cancelled"
        family.reap()
        if family.wait_status is not None:
            return ""
        if leash in ready or set(ready) - {wake} or os.getppid() != parent:
            return "cancelled"


def main() -> None:
    """Run the tool under our eyes."""
    status, parent = int(sys.argv[1]), int(sys.argv[2])
    deadline, grace = time.monotonic() + float(sys.argv[3]), float(sys.argv[4])
    leash = os.dup(0)
    try:
        with open(sys.argv[5], "rb") as given:  # noqa: PTH123 - pathlib doubles our start-up
            os.dup2(given.fileno(), 0)
    except OSError as error:
        _say(status, f"failed {error.errno}")
        return
    os.set_inheritable(status, False)
    _prctl(_SUBREAPER, 1)
    wake, waker = os.pipe()
    for end in (wake, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    tool = _start(sys.argv[7:], int(sys.argv[6]), status)
    if tool is None:
        return
    _say(status, f"started {tool}")
    family = _Family(tool)
    why = _why_to_end(family, leash, parent, wake, deadline)
    if family.reap():
        family.end(grace, wake)
    _say(status, f"ended {why or '-'} {family.wait_status}")


if __name__ == "__main__":
    main()
