"""Ports that speak no TLS."""

import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.lab.tls.case import Plan
from infra.lab.tls.museum import answer_endlessly

_PAGE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlab\n"


def handler(plan: Plan, folder: Path) -> Callable[[socket.socket, int], None]:
    """What serves one connection of this plan."""
    if plan.trick == "endless":
        return lambda connection, _number: answer_endlessly(connection, folder / "chain.pem")
    return _TRICKS[plan.trick]


def reset(connection: socket.socket, _number: int = 0) -> None:
    """End it with a TCP reset, not in peace."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _hang(connection: socket.socket, _number: int) -> None:
    while connection.recv(4096):
        pass


def _plaintext(connection: socket.socket, _number: int) -> None:
    connection.recv(4096)
    connection.sendall(_PAGE)
    linger(connection)


def _banner(connection: socket.socket, _number: int) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    linger(connection)


def _bad_greeting(connection: socket.socket, _number: int) -> None:
    connection.sendall(b"554 \xe9 no service\r\n")
    linger(connection)


def _garbage(connection: socket.socket, _number: int) -> None:
    connection.recv(4096)
    connection.sendall(bytes(range(255, 100, -1)))
    linger(connection)


def _reset_on_hello(connection: socket.socket, number: int) -> None:
    connection.recv(4096)
    reset(connection, number)


def linger(connection: socket.socket) -> None:
    """Do not let what was left unread turn the end into a reset."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(2)
    end = time.monotonic() + 2
    while time.monotonic() < end and connection.recv(4096):
        pass


_TRICKS: Mapping[str, Callable[[socket.socket, int], None]] = {
    "hang": _hang,
    "reset": _reset_on_hello,
    "plaintext": _plaintext,
    "banner": _banner,
    "garbage": _garbage,
    "bad-greeting": _bad_greeting,
}
