"""A database is refreshed from a real registry, and swapped only when the new one sees."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.lab.registry import LabRegistry, lab_registry
from infra.lab.trivy_database import artifact, database, push_database
from tasks.containers.canary import Canary, check_database
from tasks.containers.database import refresh_database
from tasks.containers.trivy_run import TrivyFailed

OLD, NEW = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
OLD_CANARY = Canary("0.59.1", "2026-11-01T00:00:00Z", "ok")
NEW_CANARY = Canary("0.59.1", "2026-11-20T00:00:00Z", "ok")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[LabRegistry]:
    with lab_registry(tmp_path) as found:
        yield found


def test_a_newer_database_takes_the_place_of_the_other(trivy, cache, registry):
    where = push_database(registry, "mirror/trivy-db", artifact(NEW))
    assert refresh_database(cache, where) == NEW_CANARY
    assert check_database(cache) == NEW_CANARY
    assert not (cache / "db.former").exists()


def test_the_first_database_needs_no_other(trivy, tmp_path, registry):
    where = push_database(registry, "mirror/trivy-db", artifact(NEW))
    assert refresh_database(tmp_path / "new-cache", where) == NEW_CANARY
    assert check_database(tmp_path / "new-cache") == NEW_CANARY


@pytest.mark.parametrize(
    "layer",
    [artifact(NEW, database({}, {})), artifact(NEW, database()[:8192]), artifact(NEW)[:600], b"no gzip"],
    ids=["empty", "cut-inside", "cut-outside", "something-else"],
)
def test_what_is_not_whole_stays_outside(trivy, cache, registry, layer):
    where = push_database(registry, "mirror/trivy-db", layer)
    with pytest.raises(TrivyFailed):
        refresh_database(cache, where)
    assert check_database(cache) == OLD_CANARY


def test_an_older_database_is_refused(trivy, cache, registry):
    where = push_database(registry, "mirror/trivy-db", artifact(datetime(2026, 10, 1, tzinfo=UTC)))
    with pytest.raises(TrivyFailed, match="older than what is there"):
        refresh_database(cache, where)
    assert check_database(cache) == OLD_CANARY


def test_a_registry_that_is_away_leaves_what_is_there(trivy, cache):
    with pytest.raises(TrivyFailed):
        refresh_database(cache, "127.0.0.1:1/mirror/trivy-db:2")
    assert check_database(cache) == OLD_CANARY


def test_a_swap_that_was_cut_is_undone(trivy, cache):
    (cache / "db").rename(cache / "db.former")
    assert check_database(cache) == OLD_CANARY


def test_a_server_refreshes_its_own(trivy, cache, monkeypatch):
    monkeypatch.setenv("TRIVY_SERVER", "http://127.0.0.1:1")
    with pytest.raises(TrivyFailed, match="server"):
        refresh_database(cache)
