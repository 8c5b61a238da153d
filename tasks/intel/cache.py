"""What databases answered, kept in a SQLite file beside the evidence: answers for some hours, records for ever."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from estate.intel.packages import Asked

_TABLES = """
CREATE TABLE IF NOT EXISTS answer (
    source TEXT, ecosystem TEXT, name TEXT, version TEXT, ids TEXT, at REAL,
    PRIMARY KEY (source, ecosystem, name, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    source TEXT, id TEXT, modified TEXT, body BLOB, PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feed (url TEXT PRIMARY KEY, etag TEXT, body BLOB, at REAL) WITHOUT ROWID;
"""
_BUSY_SECONDS = 30.0
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Feed:
    """A file as it was fetched."""

    body: bytes
    etag: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Cache:
    """The file; several processes may use it at once."""

    path: Path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
            with connection:
                yield connection

    def answers(self, source: str, since: datetime) -> Mapping[Asked, tuple[str, ...]]:
        """What a source answered since then."""
        query = "SELECT ecosystem, name, version, ids FROM answer WHERE source = ? AND at >= ?"
        with self._open() as connection:
            rows = connection.execute(query, (source, since.timestamp())).fetchall()
        return {Asked(*named): tuple(ids.split()) for *named, ids in rows}

    def keep_answers(self, source: str, answers: Mapping[Asked, Iterable[str]], at: datetime) -> None:
        """Remember answers."""
        rows = [(source, *asked, " ".join(ids), at.timestamp()) for asked, ids in answers.items()]
        with self._open() as connection:
            connection.executemany("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?)", rows)

    def records(self, source: str, wanted: Mapping[str, str]) -> dict[str, bytes]:
        """The bodies of these records, where they were last modified as `wanted` says by id."""
        found: dict[str, bytes] = {}
        names = list(wanted)
        with self._open() as connection:
            for start in range(0, len(names), _BATCH):
                part = names[start : start + _BATCH]
                marks = ",".join("?" * len(part))
                query = f"SELECT id, modified, body FROM record WHERE source = ? AND id IN ({marks})"  # noqa: S608  # marks only
                rows = connection.execute(query, (source, *part))
                found.update((name, body) for name, modified, body in rows if modified == wanted[name])
        return found

    def keep_record(self, source: str, name: str, modified: str, body: bytes) -> None:
        """Remember a record."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", (source, name, modified, body))

    def feed(self, url: str) -> Feed | None:
        """A file as it was fetched last."""
        with self._open() as connection:
            row = connection.execute("SELECT body, etag, at FROM feed WHERE url = ?", (url,)).fetchone()
        return None if row is None else Feed(row[0], row[1], datetime.fromtimestamp(row[2], UTC))

    def keep_feed(self, url: str, feed: Feed) -> None:
        """Remember a file."""
        with self._open() as connection:
            values = (url, feed.etag, feed.body, feed.at.timestamp())
            connection.execute("INSERT OR REPLACE INTO feed VALUES (?, ?, ?, ?)", values)


def fresh(at: datetime, now: datetime, hours: float) -> bool:
    """Whether something of then still holds."""
    return now - at < timedelta(hours=hours)
