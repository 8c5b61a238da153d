"""Runs and their shards: planned once, leased while asked, and every bit of evidence written down before it is read."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from estate.diff import Breaker
from estate.errors import NotFound
from estate.evidence import EvidenceRef
from estate.store.database import Database
from estate.store.leases import is_dead
from estate.store.rows import EVIDENCE, RUN, SCOPE, SHARD
from estate.store.tables import EvidenceRow, Run, Shard

SET_ASIDE = -2
"""Evidence of an attempt that did not end is kept under this less its shard's number once a later attempt did."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is asked and by which rules it is judged; stored with the run, so that it settles the same way for ever."""

    keys: str
    versions: bool = False
    silences: int = 3
    breaker: Breaker = field(default_factory=Breaker)
    canaries: tuple[tuple[str, str, str], ...] = ()

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(
            {
                "keys": self.keys,
                "versions": self.versions,
                "silences": self.silences,
                "share": self.breaker.share,
                "at_least": self.breaker.at_least,
                "canaries": self.canaries,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> "Profile":
        """As it was stored."""
        stored = json.loads(text)
        return cls(
            stored["keys"],
            stored["versions"],
            stored["silences"],
            Breaker(stored["share"], stored["at_least"]),
            tuple((address, key, expect) for address, key, expect in stored["canaries"]),
        )


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be opened; `shards` are stored plans, number 0 first."""

    id: str
    scan: str
    scope: str
    zone: str
    vantage: str
    trigger: str
    profile: Profile
    looked_at: datetime
    shards: tuple[str, ...]
    scope_sha256: str | None = None
    scope_body: str = ""
    flow_run_id: str | None = None
    policy_sha256: str = ""
    engine: str = ""
    intel: str = ""
    choice: str = ""
    canary: str = ""
    floor: float = 0.5
    warnings: tuple[str, ...] = ()
    maker: str = ""


def open_run(database: Database, new: NewRun, now: datetime) -> Run:
    """Write the run and its planned shards, or find the one of that id: the same run is never opened twice."""
    try:
        with database.write() as connection:
            found = connection.execute(select(RUN.c.seq).where(RUN.c.id == new.id)).first()
            if found is None:
                if new.scope_sha256 is not None:
                    known = connection.execute(select(SCOPE.c.sha256).where(SCOPE.c.sha256 == new.scope_sha256)).first()
                    if known is None:
                        connection.execute(
                            insert(SCOPE),
                            {"sha256": new.scope_sha256, "name": new.scope, "body": new.scope_body},
                        )
                columns = _columns(new, now)
                seq = connection.execute(insert(RUN).values(**columns).returning(RUN.c.seq)).scalar_one()
                shards = [{"run_seq": seq, "number": number, "plan": plan} for number, plan in enumerate(new.shards)]
                if shards:
                    connection.execute(insert(SHARD), shards)
    except IntegrityError:
        pass  # somebody else opened it in this very moment; we read theirs
    return run_named(database, new.id)


def _columns(new: NewRun, now: datetime) -> dict[str, Any]:
    return {
        "id": new.id,
        "scan": new.scan,
        "scope": new.scope,
        "scope_sha256": new.scope_sha256,
        "zone": new.zone,
        "vantage": new.vantage,
        "trigger": new.trigger,
        "flow_run_id": new.flow_run_id,
        "maker": new.maker,
        "profile": new.profile.to_json(),
        "policy_sha256": new.policy_sha256,
        "engine": new.engine,
        "intel": new.intel,
        "choice": new.choice,
        "canary": new.canary,
        "floor": new.floor,
        "looked_at": new.looked_at,
        "created_at": now,
        "state": "asking" if new.shards else "planned",
        "warnings": json.dumps(list(new.warnings)),
    }


def run_named(database: Database, run_id: str) -> Run:
    """The run of that id, or the only one whose id begins so, or the latest for `latest`.

    Raises:
        NotFound: there is none, or more than one begins so.
    """
    query = select(RUN).order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc()).limit(2)
    with database.read() as connection:
        if run_id == "latest":
            rows = connection.execute(query.limit(1)).mappings().all()
        else:
            rows = connection.execute(query.where(RUN.c.id == run_id)).mappings().all()
            beginning = RUN.c.id.startswith(run_id, autoescape=True)
            rows = rows or (connection.execute(query.where(beginning)).mappings().all() if run_id else [])
    if not rows:
        raise NotFound("there is no run yet" if run_id == "latest" else f"no run {run_id!r}; see `roundsman runs`")
    if len(rows) > 1:
        raise NotFound(f"more than one run begins with {run_id!r}; give more of its id")
    return Run(**rows[0])


def shards_of(database: Database, seq: int) -> list[Shard]:
    """The run's shards in order."""
    with database.read() as connection:
        rows = connection.execute(select(SHARD).where(SHARD.c.run_seq == seq).order_by(SHARD.c.number))
        return [Shard(**row) for row in rows.mappings()]


def lease_shard(database: Database, seq: int, number: int, holder: str, now: datetime, seconds: float) -> bool:
    """Take a shard that nobody asks, or whose asker died or fell silent; False where another one asks or it is done."""
    with database.write() as connection:
        row = connection.execute(select(SHARD).where(SHARD.c.run_seq == seq, SHARD.c.number == number)).mappings().one()
        shard = Shard(**row)
        if shard.state == "asked":
            return False
        held = shard.state == "leased" and shard.lease_until is not None and shard.lease_until > now
        if held and shard.holder != holder and not is_dead(shard.holder):
            return False
        taken = connection.execute(
            update(SHARD)
            .where(SHARD.c.run_seq == seq, SHARD.c.number == number, SHARD.c.attempts == shard.attempts)
            .values(
                state="leased",
                holder=holder,
                attempts=shard.attempts + 1,
                lease_until=now + timedelta(seconds=seconds),
            )
        )
        return taken.rowcount == 1


def renew_shard(database: Database, seq: int, number: int, holder: str, now: datetime, seconds: float) -> bool:
    """Say that we still ask, once half of the lease is over; False when another one took over."""
    ours = (SHARD.c.run_seq == seq, SHARD.c.number == number, SHARD.c.holder == holder)
    with database.write() as connection:
        until = connection.execute(select(SHARD.c.lease_until).where(*ours)).scalar()
        if until is None or until >= now + timedelta(seconds=seconds / 2):
            return until is not None
        kept = connection.execute(update(SHARD).where(*ours).values(lease_until=now + timedelta(seconds=seconds)))
        return kept.rowcount == 1


def end_shard(
    database: Database, seq: int, number: int, error: str = "", brought: Collection[str] | None = None
) -> None:
    """Mark a shard as asked, or give it back with the reason.

    Args:
        database: where runs are kept.
        seq: the run.
        number: the shard.
        error: why it could not be asked whole.
        brought: the documents that this attempt brought, where it is known that they answer the whole shard. What
            attempts before it brought to the same questions is kept, but set aside: it may be hours older.
    """
    state = "planned" if error else "asked"
    with database.write() as connection:
        if brought is not None and not error:
            older = (EVIDENCE.c.run_seq == seq, EVIDENCE.c.shard == number, EVIDENCE.c.look == 0)
            aside = update(EVIDENCE).where(*older, EVIDENCE.c.sha256.not_in(sorted(brought)))
            connection.execute(aside.values(shard=SET_ASIDE - number))
        connection.execute(
            update(SHARD)
            .where(SHARD.c.run_seq == seq, SHARD.c.number == number)
            .values(state=state, error=error, holder="", lease_until=None)
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored document with what the index says of it."""

    shard: int
    look: int
    media: str
    ref: EvidenceRef
    companion: EvidenceRef | None = None
    ended: str = ""
    engine: str = ""


def add_evidence(database: Database, seq: int, stored: Sequence[Stored], now: datetime) -> None:
    """Index stored evidence; a document that is indexed already is not written again, but is no longer pruned."""
    with database.write() as connection:
        if not database.is_sqlite:
            # Two that bring the same document to one run must not both find it missing.
            connection.execute(select(RUN.c.seq).where(RUN.c.seq == seq).with_for_update())
        columns = (EVIDENCE.c.shard, EVIDENCE.c.look, EVIDENCE.c.sha256, EVIDENCE.c.id, EVIDENCE.c.pruned_at)
        held = connection.execute(select(*columns).where(EVIDENCE.c.run_seq == seq)).all()
        known = {(row.shard, row.look, row.sha256) for row in held}
        brought = {(document.shard, document.look, document.ref.sha256) for document in stored}
        back = [row.id for row in held if row.pruned_at and (row.shard, row.look, row.sha256) in brought]
        if back:
            connection.execute(update(EVIDENCE).where(EVIDENCE.c.id.in_(back)).values(pruned_at=None, stored_at=now))
        rows = [
            {
                "run_seq": seq,
                "shard": document.shard,
                "look": document.look,
                "media": document.media,
                "sha256": document.ref.sha256,
                "size": document.ref.size,
                "companion": document.companion.sha256 if document.companion else None,
                "ended": document.ended,
                "engine": document.engine,
                "stored_at": now,
            }
            for document in stored
            if (document.shard, document.look, document.ref.sha256) not in known
        ]
        if rows:
            connection.execute(insert(EVIDENCE), rows)


def evidence_of(database: Database, seq: int) -> dict[int, list[EvidenceRow]]:
    """The run's evidence by shard, in a fixed order."""
    with database.read() as connection:
        rows = connection.execute(
            select(EVIDENCE)
            .where(EVIDENCE.c.run_seq == seq)
            .order_by(EVIDENCE.c.shard, EVIDENCE.c.look, EVIDENCE.c.sha256)
        )
        found: dict[int, list[EvidenceRow]] = {}
        for row in rows.mappings():
            found.setdefault(row["shard"], []).append(EvidenceRow(**row))
        return found


def set_state(database: Database, seq: int, state: str, **columns: object) -> None:
    """Move the run on."""
    with database.write() as connection:
        connection.execute(update(RUN).where(RUN.c.seq == seq).values(state=state, **columns))
