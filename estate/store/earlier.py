"""Evidence of the last runs of a scan: what need not be asked again, because nothing about it is other than then."""

from collections.abc import Iterator

from sqlalchemy import select

from estate.store.database import Database
from estate.store.history import PUBLISHED
from estate.store.rows import EVIDENCE, RUN


def earlier_evidence(database: Database, scan: str, media: str, runs: int = 5) -> Iterator[tuple[str, str]]:
    """The documents of one media with their companions, by their sha256: those of the newest runs first.

    Args:
        database: where runs are indexed.
        scan: whose runs.
        media: which documents; those without a companion, and pruned ones, are left out.
        runs: of so many runs.
    """
    last = (
        select(RUN.c.seq)
        .where(RUN.c.scan == scan, RUN.c.state.in_(PUBLISHED))
        .order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
        .limit(runs)
    )
    query = (
        select(EVIDENCE.c.sha256, EVIDENCE.c.companion)
        .where(
            EVIDENCE.c.run_seq.in_(last.scalar_subquery()),
            EVIDENCE.c.media == media,
            EVIDENCE.c.companion.is_not(None),
            EVIDENCE.c.pruned_at.is_(None),
        )
        .order_by(EVIDENCE.c.run_seq.desc(), EVIDENCE.c.id)
    )
    with database.read() as connection:
        yield from [(row.sha256, row.companion) for row in connection.execute(query)]
