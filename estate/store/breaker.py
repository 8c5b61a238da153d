"""What the circuit breaker held back, and whether other runs say the same."""

from sqlalchemy import Connection, insert, select

from estate.coverage import Keys
from estate.store.maps import Groups, decode, encode, put
from estate.store.rows import MAP, RUN
from estate.store.staging import Staging
from estate.store.tables import Run

_AGREEMENT = 0.9


def quarantine_note(connection: Connection, staging: Staging) -> str:
    """Keep what the run would close, as the name of a stored map."""
    groups: Groups = {}
    for subject, keys in staging.totals.closing.items():
        put(groups, "gone", Keys.of(keys), subject)
    sha256, body = encode(groups)
    if connection.execute(select(MAP.c.sha256).where(MAP.c.sha256 == sha256)).first() is None:
        connection.execute(insert(MAP), {"sha256": sha256, "body": body})
    return sha256


def agreeing(connection: Connection, run: Run) -> list[Run]:
    """A quarantined run and those that it repeats or that repeat it, nine closings in ten at least, as they looked.

    None where the last of them could not see everything: a second opinion has to be a whole one.
    """
    query = (
        select(RUN)
        .where(
            RUN.c.state == "quarantined",
            RUN.c.quarantine != "",
            RUN.c.zone == run.zone,
            RUN.c.vantage == run.vantage,
            RUN.c.scan == run.scan,
        )
        .order_by(RUN.c.looked_at, RUN.c.seq)
    )
    wanted = _held(connection, run)
    found = [Run(**row) for row in connection.execute(query).mappings()]
    members = [other for other in found if other.seq == run.seq or _agree(_held(connection, other), wanted)]
    return members if len(members) > 1 and not members[-1].blind else []


def _held(connection: Connection, run: Run) -> set[tuple[str, str]]:
    body = connection.execute(select(MAP.c.body).where(MAP.c.sha256 == run.quarantine)).scalar_one()
    return {(subject, key) for subject, _, keys in decode(body) for key in keys}


def _agree(one: set[tuple[str, str]], two: set[tuple[str, str]]) -> bool:
    return len(one & two) >= _AGREEMENT * max(len(one), len(two))
