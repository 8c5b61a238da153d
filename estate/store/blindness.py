"""Where a run could not look: every asset with the keys out of sight, and why."""

from collections.abc import Iterator

from sqlalchemy import select

from estate.coverage import Verdict
from estate.store.database import Database
from estate.store.maps import decode
from estate.store.rows import COVERAGE, MAP
from estate.store.tables import Run

Blindness = tuple[str, str, tuple[str, ...]]
"""An asset's key, the reason, and the keys in their order."""


def list_blind(database: Database, run: Run) -> Iterator[Blindness]:
    """What the run was asked and could not see, in the order in which it is stored."""
    query = (
        select(MAP.c.body)
        .join(COVERAGE, COVERAGE.c.map == MAP.c.sha256)
        .where(COVERAGE.c.run_seq == run.seq, COVERAGE.c.verdict == int(Verdict.BLIND))
        .order_by(COVERAGE.c.shard, COVERAGE.c.part)
    )
    with database.read() as connection:
        bodies = connection.execute(query).scalars().all()
    for body in bodies:
        for subject, reason, keys in decode(body):
            yield subject, reason, tuple(keys)
