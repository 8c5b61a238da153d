"""Open the database, bring its schema up to date once, and keep two starters out of each other's way."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from estate.errors import BadInput, StoreBusy, StoreError, StoreTooNew

SCHEMA = "0001"
"""The newest migration; a test compares it with the migrations themselves."""

_MIGRATION_LOCK = 7_077_007_777
_BUSY = ("locked", "busy", "lock timeout", "deadlock detected", "could not serialize")
_HERE = Path(__file__).resolve()


@dataclass(frozen=True, slots=True)
class Database:
    """An engine whose schema is the one this program knows."""

    engine: Engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction.

        Raises:
            StoreBusy: another process kept the database locked for longer than the time-out.
        """
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view: what others publish meanwhile is not in it."""
        options: dict[str, Any] = {"roundsman_read": True}
        if not self.is_sqlite:
            options["isolation_level"] = "REPEATABLE READ"
        with translated(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the built-in database."""
        return self.engine.dialect.name == "sqlite"


def home() -> Path:
    """Where database and evidence live: `$ROUNDSMAN_HOME`, else the user's data directory."""
    chosen = os.environ.get("ROUNDSMAN_HOME")
    if chosen:
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "roundsman"


def database_url(declared: str | None = None) -> str:
    """The environment's URL, else the declared one, else a SQLite file in the home."""
    return os.environ.get("ROUNDSMAN_DATABASE_URL") or declared or f"sqlite:///{home() / 'roundsman.db'}"


def open_database(url: str, *, busy_seconds: float = 30.0) -> Database:
    """Connect, and migrate where the schema is older.

    Raises:
        BadInput: the URL is none, or its folder cannot be made.
        StoreTooNew: the schema was written by a newer program.
        StoreBusy: somebody else holds the database.
        StoreError: it cannot be reached, or is no database.
    """
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise BadInput(f"the database URL cannot be read: {error}") from None
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            try:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise BadInput(f"{parsed.database} cannot be made: {error.strerror}") from None
        engine = create_engine(parsed, connect_args={"timeout": busy_seconds})
        _configure_sqlite(engine, busy_seconds)
    elif parsed.get_backend_name() == "postgresql":
        engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    else:
        raise BadInput(f"{parsed.get_backend_name()} is not supported: use sqlite or postgresql")
    database = Database(engine)
    try:
        with translated():
            _migrate(database, parsed.database)
    except BaseException:
        engine.dispose()
        raise
    return database


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours, without the statement's data; a broken constraint is for who caused it."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise _translation(str(error.orig)) from error
    except sqlite3.Error as error:  # raised while a new connection is set up, where SQLAlchemy does not see it
        raise _translation(str(error)) from error


def _translation(text: str) -> StoreError:
    # PostgreSQL goes on with the statement, which is nobody's business.
    reason = text.partition("\nLINE ")[0].strip()
    if any(word in reason for word in _BUSY):
        return StoreBusy(f"the database is in use by another process: {reason}; try again in a moment")
    if "full" in reason or "No space left" in reason:
        return StoreError(f"the database's disk is full: {reason}; nothing was half-written")
    return StoreError(f"the database cannot be used: {reason}")


def _configure_sqlite(engine: Engine, busy_seconds: float) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own comes too late for reads
        _keep_journal(connection, time.monotonic() + busy_seconds)
        for pragma in ("foreign_keys=ON", "synchronous=NORMAL", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("roundsman_read") is not True
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _keep_journal(connection: sqlite3.Connection, deadline: float) -> None:
    """Readers and a writer beside each other; SQLite does not wait by itself where two switch a new file to it."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def schema_of(connection: Connection) -> str | None:
    """The migration that the database is at, or None for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(database: Database, path: str | None) -> None:
    with database.engine.connect().execution_options(roundsman_read=True) as connection:
        found = schema_of(connection)
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        raise StoreTooNew(f"the database has schema {found}, this program knows {SCHEMA}: upgrade Roundsman")
    with _alone(database, path) as connection:
        if schema_of(connection) == SCHEMA:
            return
        _upgrade(connection)


@contextmanager
def _alone(database: Database, path: str | None) -> Iterator[Connection]:
    """A connection while no other starter migrates."""
    if not database.is_sqlite:
        with database.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            yield connection
        return
    if not path or path == ":memory:":
        with database.engine.begin() as connection:
            yield connection
        return
    try:
        lock = Path(f"{path}.migrating").open("w")  # noqa: SIM115  # only opening it is what may fail
    except OSError as error:
        raise StoreError(f"{path} needs a new schema, and its folder cannot be written: {error.strerror}") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with database.engine.begin() as connection:
            yield connection


def migrations_folder() -> Path:
    """Beside this file in an installed wheel, in `infra/` of a checkout."""
    installed = _HERE.parent / "migrations"
    return installed if installed.is_dir() else _HERE.parents[2] / "infra" / "migrations"


def _upgrade(connection: Connection) -> None:
    from alembic.command import upgrade  # noqa: PLC0415  # only a database that needs it pays for Alembic
    from alembic.config import Config  # noqa: PLC0415  # the same

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    upgrade(config, "head")
