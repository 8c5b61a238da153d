"""Small estates on SQLite and on a private PostgreSQL, and processes that settle in them and can be killed."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
def shared(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A SQLite database that tests share one after another: opening one costs more than most of them do in it."""
    path = shutil.copy(migrated, tmp_path_factory.mktemp("shared") / "shared.db")
    database = open_database(f"sqlite:///{path}", busy_seconds=10)
    yield database
    database.engine.dispose()


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


OpenEstate = Callable[..., SmallEstate]


@pytest.fixture
def open_estate(tmp_path: Path, migrated: Path) -> Iterator[OpenEstate]:
    """Open as many estates as a test needs, each with a database file of its own unless it is told which."""
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


def emptied(database: Database, path: Path) -> SmallEstate:
    """An estate of which nothing is known, in a database that others used before."""
    here = SmallEstate(database, EvidenceFolder(path / "evidence"), path)
    here.empty()
    return here


@pytest.fixture
def estate(shared: Database, tmp_path: Path) -> SmallEstate:
    """An empty estate on SQLite."""
    return emptied(shared, tmp_path)


@pytest.fixture
def on_server(served: Database, tmp_path: Path) -> SmallEstate:
    """An empty estate on PostgreSQL."""
    return emptied(served, tmp_path)


@pytest.fixture(params=["estate", "on_server"], ids=["sqlite", "postgresql"])
def estate_on_both(request: pytest.FixtureRequest) -> SmallEstate:
    """An empty estate, once on SQLite and once on PostgreSQL."""
    found: SmallEstate = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def apart(open_estate: OpenEstate) -> SmallEstate:
    """An empty estate whose SQLite file is `estate.db` in its folder, for tests that lay hands on it."""
    return open_estate()


@pytest.fixture
def started(estate_on_both: SmallEstate) -> SmallEstate:
    """An estate whose first scan saw 12 open ports on three hosts."""
    first = estate_on_both.nmap("all_up.xml", at="2026-01-01")
    assert estate_on_both.kinds(first) == {"first_observed": 12}
    return estate_on_both
