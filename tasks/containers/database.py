"""Refresh Trivy's vulnerability database beside the one in use, and swap them only when the new one is whole."""

import os
import shutil
import threading
from datetime import datetime
from pathlib import Path

from estate.containers.image import WORKS
from tasks.containers.canary import Canary, database_age, prove_database
from tasks.containers.trivy_run import SERVER, Patience, TrivyFailed, holding, run_trivy

_SECONDS = 900.0
_KEPT = ("db", "java-db")


def refresh_database(
    cache: Path, repository: str = "", *, deadline: float = _SECONDS, cancelled: threading.Event | None = None
) -> Canary:
    """Download a database into a second cache, look whether it sees, then put it in the place of the other.

    Trivy itself removes what it has before it downloads: a registry that is away would leave nothing.

    Args:
        cache: the cache whose database is refreshed.
        repository: where from, as `registry/name:2`; empty means Trivy's own.
        deadline: how many seconds all of it may take.
        cancelled: set by another thread to end it.

    Returns:
        What the database is that is in use now.

    Raises:
        TrivyFailed: nothing came, what came is not whole, or it is older than what is there; that one stays in use.
    """
    if os.environ.get(SERVER):
        raise TrivyFailed("failed", f"{SERVER} is set: a server refreshes its own database")
    patience = Patience(deadline, cancelled)
    second = cache.with_name(f"{cache.name}.next")
    with holding(second, patience):
        for name in _KEPT:
            shutil.rmtree(second / name, ignore_errors=True)
        settings = {
            "TRIVY_DOWNLOAD_DB_ONLY": "true",
            "TRIVY_SKIP_DB_UPDATE": "false",
            "TRIVY_OFFLINE_SCAN": "false",
            **({"TRIVY_DB_REPOSITORY": repository} if repository else {}),
        }
        run_trivy(("image",), settings, second, patience)
        new = prove_database(second, patience)
        if new.verdict != WORKS:
            raise TrivyFailed("no-database", f"what was downloaded sees nothing: {new.verdict}")
        with holding(cache, patience):
            if _time(new.database) < _time(database_age(cache)):
                raise TrivyFailed("no-database", f"what was downloaded is of {new.database}, older than what is there")
            _swap(second / "db", cache)
    return new


def _swap(new: Path, cache: Path) -> None:
    former = cache / "db.former"
    shutil.rmtree(former, ignore_errors=True)
    if (cache / "db").exists():
        (cache / "db").rename(former)
    new.rename(cache / "db")
    shutil.rmtree(former, ignore_errors=True)


def _time(told: str) -> float:
    """Seconds since 1970; what says no time is older than everything."""
    try:
        return datetime.fromisoformat(told).timestamp()
    except ValueError:
        return 0.0
