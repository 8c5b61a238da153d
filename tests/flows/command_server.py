"""Runs our command again and again, each time in a process of its own that need not import Prefect once more.

It listens on a Unix socket; each connection brings one order and is told the process id, then the exit status.
"""

import ctypes
import json
import os
import signal
import socket
import sys
from contextlib import nullcontext
from typing import TypedDict

from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

import flows.port_sweep  # this is what takes two seconds
from deployments.command.app import run
from infra.lab.namespaces import Namespace


class Order(TypedDict):
    """What is wanted."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    namespace: str | None
    covered: dict[str, str]
    out: str
    err: str


def main(path: str) -> None:
    """Serve until killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(connection)
                os._exit(0)
            connection.close()


def _attend(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, connection.makefile("rw") as stream:
        order: Order = json.loads(stream.readline())
        pid = os.fork()
        if pid == 0:
            connection.close()
            os._exit(_obey(order))
        stream.write(f"{pid}\n")
        stream.flush()
        _, status = os.waitpid(pid, 0)
        stream.write(f"{os.waitstatus_to_exitcode(status)}\n")


def _obey(order: Order) -> int:
    os.setsid()
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)  # type: ignore[literal-required]  # the two names above
    _cover(order["covered"])
    place = Namespace(order["namespace"]).inside() if order["namespace"] else nullcontext()
    # A sync flow waits for the thread that sends heartbeats, a second each; only this switches them off.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), place:
        code = _run(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _run(arguments: list[str]) -> int:
    """The command; or the flow itself, as a worker runs it, whose run's id is printed."""
    if arguments[0] != "flow":
        return run(arguments)
    state = flows.port_sweep.port_sweep(**json.loads(arguments[1]), return_state=True)
    sys.stdout.write(str(state.state_details.flow_run_id))
    return 0


def _cover(files: dict[str, str]) -> None:
    """Show this process, and nobody else, other files in the place of some: mount_namespaces(7)."""
    if not files:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    private, bound = 0x40000 | 0x4000, 0x1000
    done = [libc.unshare(0x20000), libc.mount(b"none", b"/", None, private, None)]
    done += [libc.mount(shown.encode(), place.encode(), None, bound, None) for place, shown in files.items()]
    if any(done):
        raise OSError(ctypes.get_errno(), f"{files} could not be mounted")


if __name__ == "__main__":
    main(sys.argv[1])
