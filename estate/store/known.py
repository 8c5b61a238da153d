"""What the store holds of assets at the moment of a run."""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, select

from estate.diff import Fact, InSight
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


_BETWEEN = "\x1f"


def steady(
    connection: Connection, series: Series, kind: str, seen: Mapping[str, Set[str]], *, nothing_gone: bool
) -> frozenset[str]:
    """The subjects of which just these keys are present, in sight and not in doubt: nearly all of a large estate.

    The database puts each subject's keys into one row, which is a third of the work of reading them one by one.

    Args:
        seen: the keys that the latest run sees, by subject.
        nothing_gone: leave out subjects of which anything is known to be gone.
    """
    certain = FACT.c.present & (FACT.c.misses == 0) & (FACT.c.sight == InSight.SEEN.value)
    query = (
        select(
            ASSET.c.key,
            func.aggregate_strings(case((certain, FACT.c.key)), _BETWEEN),
            func.count(case((FACT.c.present, 1))),
            func.count(FACT.c.id),
        )
        .select_from(_facts(series, FACT.c.to_seq.is_(None)))
        .where(ASSET.c.zone == series.zone, ASSET.c.kind == kind, ASSET.c.key.in_(list(seen)))
        .group_by(ASSET.c.key)
    )
    return frozenset(
        subject
        for subject, keys, present, known in connection.execute(query).all()
        if present == len(seen[subject])
        and (present == known or not nothing_gone)
        and set(keys.split(_BETWEEN) if keys else ()) == seen[subject]
    )


def _facts(series: Series, before: ColumnElement[bool]) -> FromClause:
    return ASSET.outerjoin(
        FACT,
        (FACT.c.asset_id == ASSET.c.id)
        & (FACT.c.vantage == series.vantage)
        & (FACT.c.aspect == series.aspect)
        & before,
    )


def load_known(
    connection: Connection, series: Series, kind: str, run: Run, subjects: Collection[str], *, late: bool
) -> dict[str, Known]:
    """The facts that held before this run, by subject; assets without facts are there too."""
    before: ColumnElement[bool] = FACT.c.to_seq.is_(None)
    if late:
        # Later runs closed some of these facts; this run stands before them.
        earlier_runs = select(RUN.c.seq).where(earlier(run))
        before = FACT.c.from_seq.in_(earlier_runs) & (FACT.c.to_seq.is_(None) | FACT.c.to_seq.not_in(earlier_runs))
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
        .select_from(_facts(series, before))
        .where(ASSET.c.zone == series.zone, ASSET.c.kind == kind, ASSET.c.key.in_(subjects))
    )
    known: dict[str, Known] = {}
    # All at once: one row at a time costs as much as the query itself.
    for subject, asset_id, row, key, value, present, misses, sight in connection.execute(query).all():
        state = known.get(subject)
        if state is None:
            state = known[subject] = Known(asset_id)
        if row is not None:
            state.facts[key] = fact_of(value, present, misses, sight)
            state.rows[key] = row
    return known
