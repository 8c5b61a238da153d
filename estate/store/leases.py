"""Who may do a thing alone: leases in the database that end by themselves, and end at once when their holder died."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from estate.errors import StoreBusy
from estate.store.database import Database
from estate.store.rows import LEASE

SETTLEMENT = "settlement"
_SECONDS = 120


def me() -> str:
    """This process, in words that another process on the same machine can check."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(holder: str) -> bool:
    """Whether a holder on this machine no longer runs; holders elsewhere count as alive until their lease ends."""
    machine, pid, started, *_ = (*holder.split("/"), "", "", "")
    if machine != socket.gethostname() or not pid.isdigit():
        return False
    return _started(int(pid)) != started


def _started(pid: int) -> str:
    """When the kernel started the process (field 22 of /proc/PID/stat), which tells a reused pid; empty if it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


@contextmanager
def leased(database: Database, name: str, *, wait_seconds: float = 600) -> Iterator[Callable[[], None]]:
    """Hold the lease; call what is yielded now and then to keep it.

    Raises:
        StoreBusy: somebody else held it for all of `wait_seconds`.
    """
    holder = f"{me()}/{os.urandom(4).hex()}"
    deadline = time.monotonic() + wait_seconds
    while not _take(database, name, holder):
        if time.monotonic() > deadline:
            raise StoreBusy(f"another process holds the {name} for more than {wait_seconds:.0f} s; try again later")
        time.sleep(0.1)

    def renew() -> None:
        with database.write() as connection:
            kept = connection.execute(
                update(LEASE).where(LEASE.c.name == name, LEASE.c.holder == holder).values(until=_until())
            )
        if kept.rowcount != 1:
            raise StoreBusy(f"the {name} was taken over by another process, since this one was too slow")

    try:
        yield renew
    finally:
        with database.write() as connection:
            connection.execute(delete(LEASE).where(LEASE.c.name == name, LEASE.c.holder == holder))


def _until() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=_SECONDS)


def _take(database: Database, name: str, holder: str) -> bool:
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("LOCK TABLE lease IN EXCLUSIVE MODE")
        row = connection.execute(select(LEASE.c.holder, LEASE.c.until).where(LEASE.c.name == name)).first()
        if row is None:
            connection.execute(insert(LEASE), {"name": name, "holder": holder, "until": _until()})
            return True
        if row.until < datetime.now(UTC) or is_dead(row.holder):
            connection.execute(update(LEASE).where(LEASE.c.name == name).values(holder=holder, until=_until()))
            return True
        return False
