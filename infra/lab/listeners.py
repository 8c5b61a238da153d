"""Services that a lab's hosts offer, opened and closed on request by one process in the target's namespace."""

import json
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

_CHECKOUT = Path(__file__).resolve().parents[2]
_PATIENCE = 10.0


class Mode(StrEnum):
    """How a service treats who connects."""

    CLOSE = "close"
    """Accept and close at once, which nmap calls tcpwrapped."""
    BANNER = "banner"
    """Send the payload at once, then wait for the peer to leave."""
    REPLY = "reply"
    """Wait for a request, send the payload as it is, and close."""
    HTTP = "http"
    """Answer any request with an empty page; the payload is the Server header."""
    SILENT = "silent"
    """Accept and say nothing; on UDP, receive and say nothing."""
    ECHO = "echo"
    """Send back what comes."""
    DNS = "dns"
    """Answer PTR questions from a payload of lines `address name`, NXDOMAIN for others."""


@dataclass(frozen=True, slots=True)
class Service:
    """One port that is open, and what answers behind it."""

    port: int
    mode: Mode = Mode.CLOSE
    payload: bytes = b""
    proto: str = "tcp"


class Listeners:
    """The process that holds a lab's open ports; use it as a context manager."""

    def __init__(self, wrap: Callable[[Sequence[str]], list[str]]) -> None:
        """Take the function that makes a command run inside the target's namespace."""
        self._process = subprocess.Popen(
            # -S: the standard library is enough, and site-packages take time to look through.
            wrap((sys.executable, "-S", "-m", "infra.lab.server")),
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def open(self, address: str, service: Service) -> None:
        """Listen; the address need not be up yet.

        Raises:
            OSError: the port is taken, or the process is gone.
        """
        self._order("open", address, service)

    def close(self, address: str, service: Service) -> None:
        """Stop listening: from now on the port is closed.

        Raises:
            OSError: nothing listens there.
        """
        self._order("close", address, service)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _order(self, verb: str, address: str, service: Service) -> None:
        order = {
            "verb": verb,
            "address": address,
            "port": service.port,
            "proto": service.proto,
            "mode": service.mode.value,
            "payload": service.payload.hex(),
        }
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise OSError("the listeners have no pipes")
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        if not select.select([stdout], [], [], _PATIENCE)[0]:
            raise OSError(f"the listeners did not answer within {_PATIENCE:.0f} s")
        answer = stdout.readline().strip()
        if answer != "done":
            raise OSError(f"{verb} {address} {service.proto}/{service.port}: {answer or 'the listeners are gone'}")
