"""Forget old evidence and what nothing refers to any more; facts, changes and coverage stay."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select, update

from estate.evidence import EvidenceStore
from estate.store.database import Database
from estate.store.history import PUBLISHED
from estate.store.rows import COVERAGE, EVIDENCE, MAP, RUN


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was, or would be, removed."""

    documents: int
    bytes: int
    runs: int
    maps: int


def prune(database: Database, evidence: EvidenceStore, before: datetime, now: datetime, *, dry: bool) -> Pruned:
    """Remove the evidence of settled runs that looked before a time.

    A document that a later run refers to as well stays. Those runs can be read but not settled again.
    """
    old = (
        select(RUN.c.seq).where(RUN.c.looked_at < before, RUN.c.state.in_((*PUBLISHED, "cancelled"))).scalar_subquery()
    )
    with database.write() as connection:
        kept = select(EVIDENCE.c.sha256).where(EVIDENCE.c.run_seq.not_in(old), EVIDENCE.c.pruned_at.is_(None))
        companions = select(EVIDENCE.c.companion).where(
            EVIDENCE.c.run_seq.not_in(old), EVIDENCE.c.pruned_at.is_(None), EVIDENCE.c.companion.is_not(None)
        )
        in_use = {row[0] for row in connection.execute(kept)} | {row[0] for row in connection.execute(companions)}
        rows = connection.execute(
            select(EVIDENCE.c.id, EVIDENCE.c.run_seq, EVIDENCE.c.sha256, EVIDENCE.c.companion, EVIDENCE.c.size).where(
                EVIDENCE.c.run_seq.in_(old), EVIDENCE.c.pruned_at.is_(None)
            )
        ).all()
        orphans = MAP.c.sha256.not_in(select(COVERAGE.c.map)) & MAP.c.sha256.not_in(
            select(RUN.c.quarantine).where(RUN.c.quarantine != "")
        )
        maps = connection.execute(select(func.count()).select_from(MAP).where(orphans)).scalar_one()
        if not dry:
            if rows:
                connection.execute(
                    update(EVIDENCE)
                    .where(EVIDENCE.c.run_seq.in_(old), EVIDENCE.c.pruned_at.is_(None))
                    .values(pruned_at=now)
                )
            connection.execute(delete(MAP).where(or_(orphans)))
    doomed = {name for row in rows for name in (row.sha256, row.companion) if name and name not in in_use}
    if not dry:
        # The index says so first: a crash in between leaves bytes that nobody needs, never an index without bytes.
        for name in sorted(doomed):
            evidence.remove(name)
    size = sum({row.sha256: row.size for row in rows if row.sha256 in doomed}.values())
    return Pruned(len(doomed), size, len({row.run_seq for row in rows}), maps)
