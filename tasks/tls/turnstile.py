"""No more connections in a second than a scope grants, whichever thread, process or round opens them here."""

import fcntl
import os
import struct
import threading
import time
from pathlib import Path

from estate.errors import EvidenceNotStored

_SPARE = 1.05
"""A thread that wakes late comes closer to the one behind it."""
_STALE = 600.0
"""Nobody's turn is so far ahead: the clock began anew, with the machine."""

_waited = threading.local()


def wait_turn(turnstile: str | None, pace: int) -> None:
    """Wait until the next connection may be opened.

    Args:
        turnstile: a file that all share who share a pace; without one nobody waits.
        pace: connections in a second.

    Raises:
        EvidenceNotStored: the file cannot be used, so that nobody could say how fast we are.
    """
    if turnstile is None:
        return
    left = _next(turnstile, _SPARE / pace) - time.monotonic()
    if left > 0:
        time.sleep(left)
        _waited.seconds = waited() + left


def waited() -> float:
    """Seconds that this thread stood before turnstiles so far, which no server is to blame for."""
    seconds: float = getattr(_waited, "seconds", 0.0)
    return seconds


def turnstile_in(folder: Path, scope: str) -> str:
    """The turnstile of a scope; scopes have a pace of their own each.

    Raises:
        EvidenceNotStored: there is no place for it.
    """
    place = folder / "pace"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvidenceNotStored(f"{place}: {error.strerror}") from None
    return str((place / scope).absolute())


def _next(turnstile: str, apart: float) -> float:
    """The moment of our turn, on the clock that all processes of a machine share."""
    try:
        descriptor = os.open(turnstile, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            told = os.pread(descriptor, 8, 0)
            now = time.monotonic()
            mine = struct.unpack("<d", told)[0] if len(told) == 8 else now
            if not now <= mine <= now + _STALE:
                mine = now
            os.pwrite(descriptor, struct.pack("<d", mine + apart), 0)
            return float(mine)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EvidenceNotStored(f"{turnstile}: {error.strerror}") from None
