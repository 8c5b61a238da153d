"""What the circuit breaker held back, and whether a later run says the same."""

from sqlalchemy import Connection, insert, select

from estate.coverage import Keys
from estate.store.history import earlier
from estate.store.maps import Groups, decode, encode
from estate.store.rows import MAP, RUN
from estate.store.staging import Staging
from estate.store.tables import Run

_AGREEMENT = 0.9


def quarantine_note(connection: Connection, staging: Staging) -> str:
    """Keep what the run would close, as the name of a stored map."""
    groups: Groups = {}
    for subject, keys in staging.totals.closing.items():
        groups.setdefault(("gone", str(Keys.of(keys))), []).append(subject)
    sha256, body = encode(groups)
    if connection.execute(select(MAP.c.sha256).where(MAP.c.sha256 == sha256)).first() is None:
        connection.execute(insert(MAP), {"sha256": sha256, "body": body})
    return sha256


def matching_quarantine(connection: Connection, staging: Staging) -> Run | None:
    """The latest quarantined run before this one whose closings this run repeats, nine in ten at least."""
    query = (
        select(RUN)
        .where(
            RUN.c.state == "quarantined",
            RUN.c.zone == staging.run.zone,
            RUN.c.vantage == staging.run.vantage,
            RUN.c.scan == staging.run.scan,
            earlier(staging.run),
        )
        .order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    if row is None or not row["quarantine"]:
        return None
    body = connection.execute(select(MAP.c.body).where(MAP.c.sha256 == row["quarantine"])).scalar_one()
    held = {(subject, key) for subject, _, keys in decode(body) for key in keys}
    again = {(subject, key) for subject, keys in staging.totals.closing.items() for key in keys}
    agreed = len(held & again)
    return Run(**row) if agreed >= _AGREEMENT * max(len(held), len(again)) else None
