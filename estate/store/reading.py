"""Answer what is known: runs and changes, in the words of `--json`, from published runs only."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, Select, or_, select, tuple_

from estate.diff import FLAPPING_FLIPS, FLIPS, Kind, is_flapping
from estate.store.database import Database
from estate.store.documents import ChangeObject, RunObject, iso, run_object, state_object
from estate.store.history import PUBLISHED
from estate.store.rows import ASSET, CHANGE, RUN
from estate.store.scans import shown_aspect
from estate.store.tables import Run


def hidden(connection: Connection) -> tuple[int, ...]:
    """Numbers of runs whose rows do not count yet."""
    return tuple(row.seq for row in connection.execute(select(RUN.c.seq).where(RUN.c.state == "settling")))


def holds(table: FromClause, unpublished: Sequence[int]) -> ColumnElement[bool]:
    """The condition for interval rows that hold now, in the eyes of a reader."""
    open_now = table.c.to_seq.is_(None)
    if not unpublished:
        return open_now
    return or_(open_now, table.c.to_seq.in_(unpublished)) & table.c.from_seq.not_in(unpublished)


def list_runs(database: Database, limit: int | None = None) -> Iterator[RunObject]:
    """Runs, the latest look first."""
    query = select(RUN).order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc()).limit(limit)
    with database.read() as connection:
        for row in connection.execute(query).mappings():
            yield run_object(Run(**row))


def list_changes(
    database: Database, *, run: Run | None = None, since: datetime | None = None
) -> Iterator[ChangeObject]:
    """Changes of one run, or of all runs that looked since a time; a flapping key is told once, as that.

    Changes whose cause is the estate come first, and what was never looked at before last.
    """
    with database.read() as connection:
        query = _changes().where(RUN.c.state.in_(PUBLISHED))
        if run is not None:
            query = query.where(CHANGE.c.run_seq == run.seq)
        if since is not None:
            query = query.where(RUN.c.looked_at >= since)
        flapping = _flapping(connection, run, since)
        told: set[_Key] = set()
        for row in connection.execution_options(yield_per=1000).execute(query):
            key = (row.asset_id, row.vantage, row.aspect, row.key)
            kind = row.kind
            if row.run_seq in flapping.get(key, ()) and Kind(kind) in FLIPS:
                if key in told:
                    continue
                told.add(key)
                kind = Kind.FLAPPING.value
            yield {
                "run": row.run_id,
                "looked_at": iso(row.looked_at),
                "kind": kind,
                "cause": row.cause,
                "certainty": row.certainty,
                "asset": f"{row.asset_kind}:{row.asset_key}",
                "zone": row.zone,
                "vantage": row.vantage,
                "aspect": shown_aspect(row.aspect, row.key),
                "key": row.key,
                "before": state_object(row.before),
                "after": state_object(row.after),
                "reason": row.reason,
            }


def _changes() -> Select[tuple[object, ...]]:
    return (
        select(
            CHANGE.c.run_seq,
            CHANGE.c.asset_id,
            CHANGE.c.aspect,
            CHANGE.c.key,
            CHANGE.c.kind,
            CHANGE.c.cause,
            CHANGE.c.certainty,
            CHANGE.c.before,
            CHANGE.c.after,
            CHANGE.c.reason,
            ASSET.c.kind.label("asset_kind"),
            ASSET.c.key.label("asset_key"),
            ASSET.c.zone,
            RUN.c.id.label("run_id"),
            RUN.c.looked_at,
            RUN.c.vantage,
        )
        .join(ASSET, ASSET.c.id == CHANGE.c.asset_id)
        .join(RUN, RUN.c.seq == CHANGE.c.run_seq)
        .order_by(RUN.c.looked_at, RUN.c.seq, CHANGE.c.kind == Kind.FIRST_OBSERVED.value, CHANGE.c.id)
    )


_Key = tuple[int, str, str, str]


def _flapping(connection: Connection, run: Run | None, since: datetime | None) -> dict[_Key, frozenset[int]]:
    """For each key that flips too often: the runs in question in which it did."""
    flips = [kind.value for kind in FLIPS]
    key = (CHANGE.c.asset_id, CHANGE.c.aspect, CHANGE.c.key)
    asked = (
        select(CHANGE.c.asset_id, RUN.c.vantage, CHANGE.c.aspect, CHANGE.c.key, CHANGE.c.run_seq)
        .join(RUN, RUN.c.seq == CHANGE.c.run_seq)
        .where(RUN.c.state.in_(PUBLISHED), CHANGE.c.kind.in_(flips))
    )
    chosen = asked.with_only_columns(*key)
    if run is not None:
        chosen = chosen.where(CHANGE.c.run_seq == run.seq)
    if since is not None:
        chosen = chosen.where(RUN.c.looked_at >= since)
    by_key: dict[_Key, list[int]] = {}
    for *names, seq in connection.execute(asked.where(tuple_(*key).in_(chosen)).order_by(RUN.c.looked_at, RUN.c.seq)):
        by_key.setdefault((names[0], names[1], names[2], names[3]), []).append(seq)
    if not any(len(seqs) >= FLAPPING_FLIPS for seqs in by_key.values()):
        return {}
    orders: dict[tuple[str, str, str], list[int]] = {}
    series: dict[int, tuple[str, str, str]] = {}
    rows = select(RUN.c.seq, RUN.c.zone, RUN.c.vantage, RUN.c.scan).where(RUN.c.state.in_(PUBLISHED))
    for seq, zone, vantage, scan in connection.execute(rows.order_by(RUN.c.looked_at, RUN.c.seq)):
        orders.setdefault((zone, vantage, scan), []).append(seq)
        series[seq] = (zone, vantage, scan)
    return {
        name: frozenset(at for at in seqs if is_flapping(seqs, orders[series[at]], at))
        for name, seqs in by_key.items()
        if len(seqs) >= FLAPPING_FLIPS
    }
