"""Small estates on SQLite and on a private PostgreSQL, and processes that settle in them and can be killed."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from estate.store.database import Database, open_database
from estate.store.folder import EvidenceFolder
from infra.lab.forked_settler import Settlers
from infra.lab.postgres import Cluster, private_cluster
from infra.lab.small_estate import SmallEstate


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A private PostgreSQL for all tests of one session."""
    with private_cluster() as found:
        yield found


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with its tables: copying it is much faster than making one."""
    path = tmp_path_factory.mktemp("migrated") / "estate.db"
    open_database(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture(scope="session")
def served(cluster: Cluster) -> Iterator[Database]:
    """A PostgreSQL database with its tables, which tests share one after another."""
    database = open_database(cluster.create())
    yield database
    database.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def both_new(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of either kind that has no tables yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.db"
    found: Cluster = request.getfixturevalue("cluster")
    return found.create()


@pytest.fixture(scope="session")
def killable() -> Iterator[Settlers]:
    """Settles in children that can be killed."""
    process = Settlers()
    yield process
    process.close()


@pytest.fixture
def server_url(served: Database) -> str:
    """The URL of an empty database on PostgreSQL."""
    tables = ", ".join(table.name for table in SQLModel.metadata.sorted_tables)
    with served.write() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
    return served.engine.url.set(drivername="postgresql").render_as_string()


@pytest.fixture(params=["sqlite", "postgresql"])
def both_urls(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> str:
    """The URL of an empty database of either kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("server_url"))
    shutil.copy(migrated, tmp_path / "estate.db")
    return f"sqlite:///{tmp_path}/estate.db"


OpenEstate = Callable[..., SmallEstate]


@pytest.fixture
def open_estate(tmp_path: Path, migrated: Path) -> Iterator[OpenEstate]:
    """Open as many estates as a test needs; each has its own database unless it is given one's URL."""
    opened: list[SmallEstate] = []

    def open_one(url: str | None = None, folder: Path | None = None) -> SmallEstate:
        path = tmp_path / f"estate-{len(opened)}"
        path.mkdir()
        if url is None:
            shutil.copy(migrated, path / "estate.db")
        database = open_database(url or f"sqlite:///{path}/estate.db", busy_seconds=10)
        opened.append(SmallEstate(database, EvidenceFolder(folder or path / "evidence"), path))
        return opened[-1]

    yield open_one
    for one in opened:
        one.database.engine.dispose()


@pytest.fixture
def estate(open_estate: OpenEstate) -> SmallEstate:
    """An empty estate on SQLite."""
    return open_estate()


@pytest.fixture
def estate_on_both(open_estate: OpenEstate, both_urls: str) -> SmallEstate:
    """An empty estate, once on SQLite and once on PostgreSQL."""
    return open_estate(both_urls)


@pytest.fixture
def started(estate_on_both: SmallEstate) -> SmallEstate:
    """An estate whose first scan saw 12 open ports on three hosts."""
    first = estate_on_both.nmap("all_up.xml", at="2026-01-01")
    assert estate_on_both.kinds(first) == {"first_observed": 12}
    return estate_on_both
