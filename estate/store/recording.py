"""The rows that a run begins, ends, and takes back if it is not to count."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, case, delete, insert, select, update

from estate.diff import Change, Fact
from estate.store.rows import CHANGE, COVERAGE, FACT, FINDING, IDENTIFIER, RUN, STEP, state_text, value_text


def fact_row(asset_id: int, vantage: str, aspect: str, key: str, fact: Fact, seq: int) -> dict[str, object]:
    """A fact's columns from this run on."""
    return {
        "asset_id": asset_id,
        "vantage": vantage,
        "aspect": aspect,
        "key": key,
        "value": value_text(fact.value),
        "present": fact.present,
        "misses": fact.misses,
        "sight": fact.sight.value,
        "from_seq": seq,
        "to_seq": None,
    }


def change_row(asset_id: int, change: Change, seq: int) -> dict[str, object]:
    """A change's columns."""
    return {
        "run_seq": seq,
        "asset_id": asset_id,
        "aspect": change.aspect,
        "key": change.key,
        "kind": change.kind.value,
        "cause": change.cause.value,
        "certainty": change.certainty.value,
        "before": state_text(change.before),
        "after": state_text(change.after),
        "reason": change.reason,
    }


def write_facts(connection: Connection, seq: int, closed: Sequence[int], facts: Sequence[Mapping[str, object]]) -> None:
    """End the intervals of `closed` at this run, and begin those of `facts`."""
    for start in range(0, len(closed), 10_000):
        connection.execute(update(FACT).where(FACT.c.id.in_(closed[start : start + 10_000])).values(to_seq=seq))
    if facts:
        connection.execute(insert(FACT), list(facts))


def unstage(connection: Connection, seq: int) -> None:
    """Take back everything that a run staged; only for runs that are not published."""
    connection.execute(delete(CHANGE).where(CHANGE.c.run_seq == seq))
    for table in (FACT, STEP, IDENTIFIER):
        connection.execute(delete(table).where(table.c.from_seq == seq))
        connection.execute(update(table).where(table.c.to_seq == seq).values(to_seq=None))
    connection.execute(delete(FINDING).where(FINDING.c.first_seq == seq))
    connection.execute(delete(COVERAGE).where(COVERAGE.c.run_seq == seq))


def take_back(connection: Connection) -> None:
    """Make runs whose settler was killed what they were before: what it staged does not count.

    Only for who holds the settlement: else the settler may be alive.
    """
    for (seq,) in connection.execute(select(RUN.c.seq).where(RUN.c.state == "settling")).all():
        unstage(connection, seq)
        state = case((RUN.c.quarantine != "", "quarantined"), else_="asking")
        connection.execute(update(RUN).where(RUN.c.seq == seq).values(state=state))
