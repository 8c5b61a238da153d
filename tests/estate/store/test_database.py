"""Open, migrate once, refuse what is newer, and say in plain words what cannot be opened."""

import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlmodel import SQLModel

from estate.errors import BadInput, StoreError, StoreTooNew
from estate.store.database import SCHEMA, database_url, home, migrations_folder, open_database, schema_of


def revisions() -> list[str]:
    return sorted(path.name.partition("_")[0] for path in migrations_folder().glob("versions/0*.py"))


def test_the_newest_migration_is_the_one_that_the_program_knows() -> None:
    assert revisions()[-1] == SCHEMA


def test_a_new_database_has_every_table_and_column_that_the_program_uses(both_new) -> None:
    database = open_database(both_new)
    with database.read() as connection:
        assert schema_of(connection) == SCHEMA
        found = inspect(connection)
        for table in SQLModel.metadata.sorted_tables:
            columns = {column["name"] for column in found.get_columns(table.name)}
            assert columns == {column.name for column in table.columns}, table.name
            indexes = {index["name"] for index in found.get_indexes(table.name) if not index["unique"]}
            assert {index.name for index in table.indexes} <= indexes, table.name
    database.engine.dispose()


def test_opening_it_again_changes_nothing(both_new) -> None:
    for _ in range(2):
        open_database(both_new).engine.dispose()


def test_two_that_open_a_new_database_at_once_migrate_it_once(both_new, killable, tmp_path) -> None:
    go = tmp_path / "go"
    pids = [killable.start(url=both_new, waits_for=str(go)) for _ in range(4)]
    go.touch()
    assert [killable.end_of(pid)["said"] for pid in pids] == ["opened"] * 4
    database = open_database(both_new)
    with database.read() as connection:
        assert schema_of(connection) == SCHEMA
    database.engine.dispose()


def test_one_that_is_killed_while_migrating_leaves_it_to_the_next(both_new, killable) -> None:
    for dies_at in (1, 5, 20):
        assert killable.settle(url=both_new, dies_at_opening=dies_at)["status"] == -9
    database = open_database(both_new)
    with database.read() as connection:
        assert schema_of(connection) == SCHEMA
    database.engine.dispose()


def test_a_database_of_a_newer_program_is_not_touched(both_new) -> None:
    database = open_database(both_new)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.engine.dispose()
    with pytest.raises(StoreTooNew, match=f"has schema 9999, this program knows {SCHEMA}: upgrade Roundsman"):
        open_database(both_new)


def test_the_file_of_the_estate_is_made_where_nobody_else_looks(tmp_path) -> None:
    open_database(f"sqlite:///{tmp_path}/new/folder/estate.db").engine.dispose()
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("nonsense", BadInput, "cannot be read"),
        ("mysql://host/name", BadInput, "mysql is not supported: use sqlite or postgresql"),
        ("sqlite:////proc/nowhere/estate.db", BadInput, "cannot be made"),
        ("postgresql://postgres@/nowhere?host=/nonexistent", StoreError, "cannot be used"),
    ],
)
def test_what_cannot_be_opened_is_said(url, error, message) -> None:
    with pytest.raises(error, match=message):
        open_database(url)


def test_a_user_who_may_make_no_tables_is_told_so_without_the_statement(cluster) -> None:
    """PostgreSQL 15 and later give nobody but a database's owner the right to use its public schema so."""
    url = cluster.create()
    owner = open_database(url)
    with owner.write() as connection:
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
    owner.engine.dispose()
    with pytest.raises(StoreError, match="permission denied") as raised:
        open_database(cluster.create().replace("postgres@", "guest@"))
    assert "CREATE TABLE" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_database_is_said_and_left_alone(tmp_path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and not a database at all; " * 40)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        open_database(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_new_database_that_another_process_is_just_making_is_waited_for(tmp_path) -> None:
    """SQLite answers "locked" at once where two switch a file to its journal, however long one would wait."""
    path = tmp_path / "estate.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE x (y)")
    with pytest.raises(StoreError, match="in use by another process"):
        open_database(f"sqlite:///{path}", busy_seconds=0.2)
    other.execute("ROLLBACK")
    other.close()
    open_database(f"sqlite:///{path}", busy_seconds=0.2).engine.dispose()


def test_readers_are_not_kept_waiting_by_a_writer(apart) -> None:
    apart.nmap("all_up.xml", at="2026-01-01")
    other = sqlite3.connect(apart.path / "estate.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(apart.changes()) == 12
    other.close()


def test_where_it_lives_is_told_by_environment_then_estate_then_home(monkeypatch, tmp_path) -> None:
    for name in ("ROUNDSMAN_DATABASE_URL", "ROUNDSMAN_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert database_url() == "sqlite:////home/ada/.local/share/roundsman/roundsman.db"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert home() == Path("/data/roundsman")
    monkeypatch.setenv("ROUNDSMAN_HOME", str(tmp_path))
    assert database_url() == f"sqlite:///{tmp_path}/roundsman.db"
    assert database_url("postgresql://host/name") == "postgresql://host/name"
    monkeypatch.setenv("ROUNDSMAN_DATABASE_URL", "sqlite:///elsewhere.db")
    assert database_url("postgresql://host/name") == "sqlite:///elsewhere.db"
