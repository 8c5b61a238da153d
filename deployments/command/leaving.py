"""Leave when somebody presses Ctrl-C, also where Prefect would first talk for a minute to a server that left before."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deployments.command.printing import complain

INTERRUPTED = 130
SAID = "interrupted; what was stored is kept, nothing half-settled counts, and the next scan goes on with it"

_PATIENCE_SECONDS = 5.0


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Let the first SIGINT end things in order, for some seconds; after these, or at the second one, we are gone.

    A terminal sends SIGINT to the temporary server as well. The flow then ends the scanners, but its attempts to report
    that to the server last for more than a minute.
    """
    pressed = threading.Event()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if pressed.is_set():
            _go(0)
        pressed.set()
        logging.disable(logging.CRITICAL)  # what Prefect has to say of it is no news to who pressed
        threading.Thread(target=_go, args=(_PATIENCE_SECONDS,), daemon=True).start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _go(seconds: float) -> None:
    time.sleep(seconds)
    supervisor = sys.modules.get("tasks.supervisor")
    if supervisor is not None:
        supervisor.end_all()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K\x1b[?25h")  # the bar, and the cursor that it hides
    complain(SAID)
    os._exit(INTERRUPTED)
