"""Forget old evidence and old coverage, when told to; facts, changes and findings stay for ever."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, delete, false, func, select, update

from estate.diff import FLAPPING_RUNS
from estate.evidence import EvidenceStore
from estate.store.database import Database
from estate.store.history import PUBLISHED
from estate.store.leases import SETTLEMENT, leased
from estate.store.rows import COVERAGE, EVIDENCE, MAP, RUN, SHARD

DONE = (*PUBLISHED, "cancelled")


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was, or would be, removed: documents of so many runs, coverage of so many others, and unused maps."""

    documents: int
    bytes: int
    runs: int
    maps: int
    forgotten: int = 0


def prune(
    database: Database,
    evidence: EvidenceStore,
    before: datetime | None,
    now: datetime,
    *,
    dry: bool,
    forget_before: datetime | None = None,
) -> Pruned:
    """Remove the evidence of settled runs that looked before a time, and the coverage of even older ones.

    A document that a later run refers to as well stays. Runs without evidence can be read but not settled again; of
    runs without coverage only the outcome is left, and nobody can say any more what they looked at. The last ten runs
    of every zone, vantage and scan keep their coverage however old they are: else the next one would know of nothing.

    Args:
        database: where runs are indexed.
        evidence: where their evidence is.
        before: forget evidence of runs that looked before this; None to keep all of it.
        now: the time.
        dry: only say what would go.
        forget_before: forget evidence and coverage of runs that looked before this; None to keep all of it.

    Raises:
        StoreBusy: something is being settled for too long.
    """
    with leased(database, SETTLEMENT):
        with database.write() as connection:
            forgotten = _forgotten(connection, forget_before)
            old: ColumnElement[bool] = EVIDENCE.c.run_seq.in_(forgotten)
            if before is not None:
                done = select(RUN.c.seq).where(RUN.c.looked_at < before, RUN.c.state.in_(DONE))
                old |= EVIDENCE.c.run_seq.in_(done)
            held = in_use(connection, ~old)
            columns = (EVIDENCE.c.run_seq, EVIDENCE.c.sha256, EVIDENCE.c.companion, EVIDENCE.c.size)
            rows = connection.execute(select(*columns).where(old, EVIDENCE.c.pruned_at.is_(None))).all()
            doomed = {name for row in rows for name in (row.sha256, row.companion) if name and name not in held}
            runs = select(func.count(SHARD.c.run_seq.distinct())).where(SHARD.c.run_seq.in_(forgotten))
            count = connection.execute(runs).scalar_one()
            if not dry:
                connection.execute(update(EVIDENCE).where(old, EVIDENCE.c.pruned_at.is_(None)).values(pruned_at=now))
                for table in (COVERAGE, SHARD, EVIDENCE):
                    connection.execute(delete(table).where(table.c.run_seq.in_(forgotten)))
            maps = _drop_maps(connection, forgotten, dry=dry)
        if not dry:
            # The index says so first: a crash in between leaves bytes that nobody needs, never an index without bytes.
            for name in sorted(doomed):
                evidence.remove(name)
    size = sum({row.sha256: row.size for row in rows if row.sha256 in doomed}.values())
    return Pruned(len(doomed), size, len({row.run_seq for row in rows}), maps, count)


def _forgotten(connection: Connection, before: datetime | None) -> Select[tuple[int]]:
    """The numbers of runs of which only the outcome is to be left."""
    query = select(RUN.c.seq).where(RUN.c.state.in_(DONE))
    if before is None:
        return query.where(false())
    held: Counter[tuple[str, str, str]] = Counter()
    kept = []
    columns = (RUN.c.seq, RUN.c.zone, RUN.c.vantage, RUN.c.scan)
    runs = select(*columns).where(RUN.c.state.in_(PUBLISHED)).order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
    for seq, *series in connection.execute(runs):
        name = (series[0], series[1], series[2])
        if held[name] < FLAPPING_RUNS:
            held[name] += 1
            kept.append(seq)
    return query.where(RUN.c.looked_at < before, RUN.c.seq.not_in(kept))


def in_use(connection: Connection, others: ColumnElement[bool]) -> set[str]:
    """The documents of all other runs."""
    query = select(EVIDENCE.c.sha256, EVIDENCE.c.companion).where(others, EVIDENCE.c.pruned_at.is_(None))
    return {name for row in connection.execute(query) for name in row if name}


def _drop_maps(connection: Connection, forgotten: Select[tuple[int]], *, dry: bool) -> int:
    """Remove maps that nothing refers to; those of forgotten runs are only counted where nothing is removed yet."""
    held = select(COVERAGE.c.map).where(COVERAGE.c.run_seq.not_in(forgotten)) if dry else select(COVERAGE.c.map)
    quarantined = select(RUN.c.quarantine).where(RUN.c.quarantine != "")
    unused = MAP.c.sha256.not_in(held) & MAP.c.sha256.not_in(quarantined)
    count = connection.execute(select(func.count()).select_from(MAP).where(unused)).scalar_one()
    if not dry:
        connection.execute(delete(MAP).where(unused))
    return count
