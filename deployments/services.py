"""Prefect's server and worker as children of this process: they end when it does, were it by SIGKILL."""

import math
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from estate.errors import CouldNotLook, RoundsmanError
from tasks.supervisor import Ended, supervise

_START_SECONDS = 240.0
_LOOK_SECONDS = 0.25


class Service:
    """A program that runs until it is stopped."""

    def __init__(
        self, name: str, argv: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None]
    ) -> None:
        """Start it.

        Args:
            name: how messages call it.
            argv: what follows `python -m`.
            environment: all of its environment.
            on_line: called in another thread with each line that it prints.
        """
        self.name = name
        self._argv = (sys.executable, "-m", *argv)
        self._environment = environment
        self._on_line = on_line
        self._stopping = threading.Event()
        self._ended: Ended | RoundsmanError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, with all that it started."""
        self._stopping.set()
        self._thread.join()

    @property
    def runs(self) -> bool:
        """Whether it does."""
        return self._thread.is_alive()

    def see_that_it_runs(self) -> None:
        """Raise if it ended by itself.

        Raises:
            CouldNotLook: with the last words of it.
        """
        if self.runs:
            return
        if isinstance(self._ended, Ended):
            last = (self._ended.stderr_tail.strip() or self._ended.stdout_tail.strip()).splitlines()[-5:]
            said = "\n".join(last) or "it said nothing"
            raise CouldNotLook(f"Prefect's {self.name} ended by itself ({self._ended.reason or 'exit 0'}):\n{said}")
        raise CouldNotLook(f"Prefect's {self.name} does not start: {self._ended}")

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until it is.

        Raises:
            CouldNotLook: it ended before, or minutes passed.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            self.see_that_it_runs()
            if time.monotonic() > deadline:
                raise CouldNotLook(f"Prefect's {self.name} is not ready after {_START_SECONDS:.0f} seconds")
            time.sleep(_LOOK_SECONDS)

    def _run(self) -> None:
        try:
            self._ended = supervise(
                self._argv,
                deadline=math.inf,
                cancelled=self._stopping,
                on_line=self._on_line,
                env=self._environment,
            )
        except RoundsmanError as error:
            self._ended = error


def answers(api: str) -> bool:
    """Whether a Prefect server answers there."""
    with suppress(OSError, ValueError), urllib.request.urlopen(f"{api}/health", timeout=5) as answer:  # noqa: S310  # http
        return bool(answer.status == 200)
    return False
