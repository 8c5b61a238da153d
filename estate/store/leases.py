"""Who may do a thing alone: leases in the database that end by themselves, and end at once when their holder died."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from estate.errors import StoreBusy
from estate.store.database import Database
from estate.store.rows import LEASE

SETTLEMENT = "settlement"
_SECONDS = 120
_HELD: set[str] = set()


def me() -> str:
    """This process, in words that another process on the same machine can check."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(holder: str) -> bool:
    """Whether a holder on this machine no longer runs; holders elsewhere count as alive until their lease ends."""
    machine, pid, started, *_ = (*holder.split("/"), "", "", "")
    if machine != _machine() or not pid.isdigit():
        return False
    return _started(int(pid)) != started


@lru_cache(maxsize=1)
def _machine() -> str:
    """Where process numbers mean the same: containers share a name more easily than a boot and a table of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
        table = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}.{boot}.{table}"


def _started(pid: int) -> str:
    """When the kernel started the process (field 22 of /proc/PID/stat), which tells a reused pid; empty if it ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    except (OSError, IndexError, ValueError):
        return ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease that this process holds."""

    name: str
    holder: str

    def keep(self, connection: Connection) -> None:
        """Make sure that nobody took over, until this transaction ends; prolong a lease of which half is over.

        Raises:
            StoreBusy: somebody did, since we were too slow: what we were about to write must not be written.
        """
        mine = (LEASE.c.name == self.name) & (LEASE.c.holder == self.holder)
        until = connection.execute(select(LEASE.c.until).where(mine).with_for_update()).scalar()
        if until is None:
            raise StoreBusy(f"the {self.name} was taken over by another process, since this one was too slow")
        if until < _until(_SECONDS / 2):
            connection.execute(update(LEASE).where(mine).values(until=_until()))


@contextmanager
def leased(database: Database, name: str, *, wait_seconds: float = 600) -> Iterator[Hold]:
    """Hold the lease; whoever writes under it calls `keep` in every transaction.

    Raises:
        StoreBusy: somebody else held it for all of `wait_seconds`.
    """
    hold = Hold(name, f"{me()}/{os.urandom(4).hex()}")
    deadline = time.monotonic() + wait_seconds
    _HELD.add(hold.holder)
    try:
        while not _take(database, hold, deadline):
            time.sleep(0.1)
        try:
            yield hold
        finally:
            with database.write() as connection:
                connection.execute(delete(LEASE).where(LEASE.c.name == name, LEASE.c.holder == hold.holder))
    finally:
        # Where the row could not be removed, this is how its next reader in this process knows that nobody holds it.
        _HELD.discard(hold.holder)


def _until(seconds: float = _SECONDS) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _is_free(until: datetime, holder: str) -> bool:
    left_over = holder.startswith(f"{me()}/") and holder not in _HELD
    return until < datetime.now(UTC) or left_over or is_dead(holder)


def _take(database: Database, hold: Hold, deadline: float) -> bool:
    if not _is_held(database, hold.name):
        try:
            if _take_free(database, hold):
                return True
        except StoreBusy:
            # Who took it meanwhile may be in a long transaction; any other lock is no settlement that ends.
            if not _is_held(database, hold.name):
                raise
    if time.monotonic() > deadline:
        raise StoreBusy(f"another process holds the {hold.name} for too long; try again later")
    return False


def _is_held(database: Database, name: str) -> bool:
    """Whether somebody alive holds it; reading waits for nobody."""
    with database.read() as connection:
        row = connection.execute(select(LEASE.c.holder, LEASE.c.until).where(LEASE.c.name == name)).first()
    return row is not None and not _is_free(row.until, row.holder)


def _take_free(database: Database, hold: Hold) -> bool:
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("LOCK TABLE lease IN EXCLUSIVE MODE")
        row = connection.execute(select(LEASE.c.holder, LEASE.c.until).where(LEASE.c.name == hold.name)).first()
        if row is None:
            connection.execute(insert(LEASE), {"name": hold.name, "holder": hold.holder, "until": _until()})
            return True
        if _is_free(row.until, row.holder):
            connection.execute(
                update(LEASE).where(LEASE.c.name == hold.name).values(holder=hold.holder, until=_until())
            )
            return True
        return False
