"""A TCP stream with one deadline for everything, whose failures have names."""

import errno
import socket
import time
from collections.abc import Callable
from typing import TypeVar

from tasks.tls.failures import NoConversation, Refused, Reset, Silent, Unreachable

_T = TypeVar("_T")
_NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}


class Stream:
    """Reads exactly what it is asked for, and never longer than until its deadline."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        """Take a connected socket, and how long all of it may take."""
        self.socket = sock
        self.until = time.monotonic() + seconds
        self._buffer = bytearray()

    @classmethod
    def open(cls, address: str, port: int, seconds: float) -> "Stream":
        """Connect.

        Raises:
            Refused, Unreachable, Silent: it cannot be done.
        """
        began = time.monotonic()
        try:
            sock = socket.create_connection((address, port), seconds)
        except OSError as error:
            raise _named(error) from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock, seconds - (time.monotonic() - began))

    def __enter__(self) -> "Stream":
        """Leave the socket closed, however this ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            Reset, Silent: the other side did not take it.
        """
        self._patient(lambda: self.socket.sendall(data))

    def read(self, length: int) -> bytes:
        """Exactly so many bytes.

        Raises:
            Reset, Silent: they did not come.
        """
        while len(self._buffer) < length:
            self._more()
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def peek(self, length: int = 1) -> bytes:
        """What is there, at least so many bytes unless the stream ended."""
        while len(self._buffer) < length:
            try:
                self._more()
            except Reset:
                if self._buffer:
                    break
                raise
        return bytes(self._buffer)

    def line(self, limit: int = 8_192) -> bytes:
        """One line without its end.

        Raises:
            Reset, Silent: it did not end.
            NoConversation: it is too long to be one.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > limit:
                raise NoConversation("a line without end")
            self._more()
        return self.read(end + 1).rstrip(b"\r\n")

    def detach(self, seconds: float) -> socket.socket:
        """The socket for another to use; only when nothing was read ahead.

        Raises:
            NoConversation: more was said than was asked for.
        """
        if self._buffer:
            raise NoConversation("more was said before TLS than belongs there")
        self.socket.settimeout(seconds)
        return self.socket

    def _more(self) -> None:
        chunk = self._patient(lambda: self.socket.recv(16_384))
        if not chunk:
            raise Reset("the connection was closed")
        self._buffer += chunk

    def _patient(self, act: Callable[[], _T]) -> _T:
        left = self.until - time.monotonic()
        if left <= 0:
            raise Silent("nothing came in time")
        try:
            self.socket.settimeout(left)
            return act()
        except OSError as error:
            raise _named(error) from None


def _named(error: OSError) -> NoConversation:
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return Silent("nothing came in time")
    if error.errno == errno.ECONNREFUSED:
        return Refused("the port is closed")
    if error.errno in _NO_WAY or isinstance(error, socket.gaierror):
        return Unreachable(error.strerror or str(error))
    return Reset(error.strerror or str(error))
