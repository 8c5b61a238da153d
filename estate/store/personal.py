"""Forget what host audits know of people: old evidence, and past states, changes and solved findings that name them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, update

from estate.evidence import EvidenceStore
from estate.findings import Detection
from estate.hosts.personal import FAMILIES
from estate.store.database import Database
from estate.store.host_audit import HostAudit
from estate.store.leases import SETTLEMENT, leased
from estate.store.retention import DONE, in_use
from estate.store.rows import CHANGE, EVIDENCE, FACT, FINDING, RUN, STEP

_ASPECT = HostAudit.aspect


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was, or would be, removed: documents of evidence, and rows that name people."""

    documents: int
    facts: int
    changes: int
    findings: int


def forget_personal(
    database: Database, evidence: EvidenceStore, before: datetime, now: datetime, *, dry: bool
) -> Forgotten:
    """Remove what host audits before a time say of people; the accounts and keys that exist today stay known.

    Args:
        database: where facts are.
        evidence: where the audits' evidence is; its runs can be read afterwards, but not settled again.
        before: forget what was seen only in runs that looked before this.
        now: the time.
        dry: only say what would go.

    Raises:
        StoreBusy: something is being settled for too long.
    """
    with leased(database, SETTLEMENT):
        with database.write() as connection:
            old = select(RUN.c.seq).where(RUN.c.scan == HostAudit.name, RUN.c.looked_at < before, RUN.c.state.in_(DONE))
            documents = EVIDENCE.c.run_seq.in_(old) & EVIDENCE.c.pruned_at.is_(None)
            rows = connection.execute(select(EVIDENCE.c.sha256, EVIDENCE.c.companion).where(documents)).all()
            held = in_use(connection, ~documents)
            doomed = {name for row in rows for name in row if name and name not in held}
            closed = FACT.c.to_seq.in_(old) | (FACT.c.from_seq.in_(old) & FACT.c.to_seq.is_(None) & ~FACT.c.present)
            facts = (FACT.c.aspect == _ASPECT) & _named(FACT.c.key) & closed
            changes = (CHANGE.c.aspect == _ASPECT) & _named(CHANGE.c.key) & CHANGE.c.run_seq.in_(old)
            alive = select(STEP.c.finding_id).where(
                STEP.c.to_seq.is_(None), (STEP.c.detection != Detection.ABSENT.value) | STEP.c.from_seq.not_in(old)
            )
            solved = (FINDING.c.aspect == _ASPECT) & _named(FINDING.c.locator) & FINDING.c.id.not_in(alive)
            gone = Forgotten(
                len(doomed),
                _count(connection, FACT, facts),
                _count(connection, CHANGE, changes),
                _count(connection, FINDING, solved),
            )
            if not dry:
                connection.execute(update(EVIDENCE).where(documents).values(pruned_at=now))
                names = select(FINDING.c.id).where(solved)
                connection.execute(delete(STEP).where(STEP.c.finding_id.in_(names)))
                for table, chosen in ((FINDING, solved), (CHANGE, changes), (FACT, facts)):
                    connection.execute(delete(table).where(chosen))
        if not dry:
            for name in sorted(doomed):
                evidence.remove(name)
    return gone


def count_personal(database: Database) -> int:
    """How many facts name people, past and present."""
    with database.read() as connection:
        return _count(connection, FACT, (FACT.c.aspect == _ASPECT) & _named(FACT.c.key))


def _named(column: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(*(column.startswith(f"{family}/", autoescape=True) for family in FAMILIES))


def _count(connection: Connection, table: Table, chosen: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(chosen)).scalar_one())
