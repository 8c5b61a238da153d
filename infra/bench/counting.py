"""How many rows an unchanged run writes, counted by the database itself."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from infra.bench.measuring import Figure


def count_rows(database: Path) -> None:
    """Have the database count every row that anybody inserts, updates or deletes from now on."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        connection.execute("CREATE TABLE written (name TEXT, deed TEXT, row INTEGER)")
        for table in tables:
            if not table.startswith("sqlite_"):
                for deed, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")):
                    connection.execute(
                        f'CREATE TRIGGER "{table}_{deed}" AFTER {deed} ON "{table}" '
                        f"BEGIN INSERT INTO written VALUES ('{table}', '{deed}', {row}.rowid); END"
                    )
        connection.commit()


def rows_written(database: Path) -> Mapping[str, tuple[int, int]]:
    """How many rows were written since then, and how often in all, by table."""
    query = "SELECT name, count(DISTINCT row), count(*) FROM written GROUP BY name ORDER BY name"
    with closing(sqlite3.connect(database)) as connection:
        return {name: (rows, times) for name, rows, times in connection.execute(query)}


def few_rows(what: str, written: Mapping[str, tuple[int, int]], shards: int) -> Iterator[Figure]:
    """The figures of an unchanged run: its cost follows its shards, not its facts."""
    rows, times = (sum(counts) for counts in zip(*written.values(), strict=True))
    allowed = shards * 6 + 10
    told = ", ".join(f"{table} {count}" for table, (count, _) in written.items())
    remark = f"{rows} of {allowed}, {times} with every rewriting: {told}"
    yield Figure(f"rows allowed ÷ rows written, {what}", allowed / rows, 1, remark)
    facts = written.get("fact", (0, 0))[0]
    yield Figure("no fact row among them", 0 if facts else 1, 1, f"{facts} fact rows")
