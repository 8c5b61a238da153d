"""What the store holds of assets at the moment of a run."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, select

from estate.diff import Fact
from estate.store.history import Series, earlier
from estate.store.rows import ASSET, FACT, RUN, fact_of
from estate.store.tables import Run


@dataclass(slots=True)
class Known:
    """What the store holds of one asset."""

    id: int | None = None
    facts: dict[str, Fact] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


NOTHING_KNOWN = Known()
"""Of an asset without a row; nobody writes to it."""


def load_known(
    connection: Connection, series: Series, kind: str, run: Run, subjects: Collection[str], *, late: bool
) -> dict[str, Known]:
    """The facts that held before this run, by subject; assets without facts are there too."""
    before: ColumnElement[bool] = FACT.c.to_seq.is_(None)
    if late:
        # Later runs closed some of these facts; this run stands before them.
        earlier_runs = select(RUN.c.seq).where(earlier(run))
        before = FACT.c.from_seq.in_(earlier_runs) & (FACT.c.to_seq.is_(None) | FACT.c.to_seq.not_in(earlier_runs))
    join = ASSET.outerjoin(
        FACT,
        (FACT.c.asset_id == ASSET.c.id)
        & (FACT.c.vantage == series.vantage)
        & (FACT.c.aspect == series.aspect)
        & before,
    )
    query = (
        select(
            ASSET.c.key,
            ASSET.c.id,
            FACT.c.id,
            FACT.c.key,
            FACT.c.value,
            FACT.c.present,
            FACT.c.misses,
            FACT.c.sight,
        )
        .select_from(join)
        .where(ASSET.c.zone == series.zone, ASSET.c.kind == kind, ASSET.c.key.in_(subjects))
    )
    known: dict[str, Known] = {}
    for subject, asset_id, row, key, value, present, misses, sight in connection.execute(query):
        state = known.get(subject)
        if state is None:
            state = known[subject] = Known(asset_id)
        if row is not None:
            state.facts[key] = fact_of(value, present, misses, sight)
            state.rows[key] = row
    return known
