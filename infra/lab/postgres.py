"""A private PostgreSQL for tests: in a folder of its own, on a socket there, and gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine

_SECONDS = 60


@dataclass(frozen=True)
class Cluster:
    """A running server; databases are made one by one, and die with it."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        """The address of one of its databases, as an operator would write it."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self) -> str:
        """The address of a new, empty database."""
        name = f"estate{next(self.numbers)}"
        engine = create_engine(self.url("postgres").replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url(name)


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """Start a server that only this machine's users reach; it refuses to be run by root, so then `postgres` runs it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    programs = found[-1] if found else Path(shutil.which("initdb") or "/usr/bin/initdb").parent
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Short, since the path of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="roundsman-pg-", dir="/tmp"))
    if as_user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    settings = ("listen_addresses=''", f"unix_socket_directories={folder}", "fsync=off", "full_page_writes=off")

    def call(program: str, *arguments: str) -> None:
        command = [*as_user, str(programs / program), "-D", str(data), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=_SECONDS)

    try:
        call("initdb", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--no-locale")
        options = " ".join(f"-c {each}" for each in settings)
        call("pg_ctl", "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield Cluster(folder)
        finally:
            call("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
