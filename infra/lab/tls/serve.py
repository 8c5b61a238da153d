"""The process behind the lab's own servers: reads what to serve from its first line, and ends when its input ends.

All ports hang on one selector; a connection gets a thread of its own.
"""

import contextlib
import importlib
import json
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from infra.lab.tls.catalogue import PLANS

Handler = Callable[[socket.socket, int], None]
"""Serves one connection, given its number; whoever calls closes it."""

_SECONDS = 60.0


def main() -> None:
    """Serve until standard input ends."""
    orders = json.loads(sys.stdin.readline())
    make = importlib.import_module(orders["module"]).handler
    folder = Path(orders["folder"])
    selector = selectors.DefaultSelector()
    for name, address, port in orders["cases"]:
        if PLANS[name].trick == "closed":
            continue
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(512)
        selector.register(listener, selectors.EVENT_READ, _Door(listener, make(PLANS[name], folder / name)))
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if not isinstance(key.data, _Door):
                return
            key.data.open()


class _Door:
    """One listening port."""

    def __init__(self, listener: socket.socket, handler: Handler) -> None:
        self._listener, self._handler, self._number = listener, handler, 0

    def open(self) -> None:
        """Let one in."""
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        threading.Thread(target=self._serve, args=(connection, self._number), daemon=True).start()
        self._number += 1

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(_SECONDS)
        # Scanners hang up and send nonsense: whatever a handler trips over is the end of this connection only.
        with contextlib.suppress(Exception), connection:
            self._handler(connection, number)


if __name__ == "__main__":
    main()
