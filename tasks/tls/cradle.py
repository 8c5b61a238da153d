"""The process that has imported everything, and forks a child for each server: `python -m tasks.tls.cradle SOCKET`.

It reads nothing that a server says, and ends with all its children when who started it lets go of the socket, dies
included. A child that is let go of is killed.
"""

import array
import ctypes
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress

from tasks.tls.child import main as examine

_PR_SET_PDEATHSIG = 1
_LONGEST = 65_536
_ERROR = 1


def rear(orders: socket.socket) -> None:
    """Fork a child for each order, and tell who ordered it how it ended."""
    awake, alarm = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(alarm, False)
    signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    leashes: dict[int, socket.socket] = {}
    with selectors.EpollSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        selector.register(awake, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is orders:
                    order = _receive(orders)
                    if order is None:
                        return
                    inherited = (
                        orders.fileno(),
                        awake,
                        alarm,
                        selector.fileno(),
                        *(each.fileno() for each in leashes.values()),
                    )
                    pid = _fork(*order, inherited)
                    leashes[pid] = order[1]
                    selector.register(order[1], selectors.EVENT_READ, pid)
                elif key.fileobj is awake:
                    with suppress(BlockingIOError):
                        os.read(awake, 4_096)
                elif isinstance(key.data, int):
                    # Whoever holds the other end says nothing: this is its letting go.
                    selector.unregister(key.fileobj)
                    with suppress(ProcessLookupError):
                        os.kill(key.data, signal.SIGKILL)
            for pid, status in _ended():
                leash = leashes.pop(pid, None)
                if leash is not None:
                    with suppress(OSError):
                        leash.sendall(str(status).encode())
                    with suppress(KeyError):
                        selector.unregister(leash)
                    leash.close()


def _receive(orders: socket.socket) -> tuple[list[str], socket.socket] | None:
    """The arguments of a child and its leash; None when nobody will order any more."""
    descriptors = array.array("i")
    try:
        message, ancillary, *_ = orders.recvmsg(_LONGEST, socket.CMSG_SPACE(descriptors.itemsize))
    except OSError:
        return None
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: descriptors.itemsize])
    if not message or not descriptors:
        return None
    return json.loads(message), socket.socket(fileno=descriptors[0])


def _fork(arguments: list[str], leash: socket.socket, inherited: Iterable[int]) -> int:
    """Start a child that keeps none of these, nor its own leash."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = _ERROR
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        said, asking, evidence, seconds = arguments
        target = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(target, 2)
        # Who died before the first line of ours would leave us without a parent whose end ends us.
        if os.getppid() == parent:
            for descriptor in (leash.fileno(), *inherited):
                os.close(descriptor)
            examine(asking, evidence, float(seconds))
            code = 0
    except BaseException as error:  # noqa: BLE001  # a child never goes on as its parent
        with suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        # Threads that wait for a server need not be waited for.
        os._exit(code)


def _ended() -> list[tuple[int, int]]:
    found = []
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(ended)
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as given:
        rear(given)
    # Children that are left end by the death of this process.
    os._exit(0)
