"""When a key was last seen, and last looked at: read from coverage, newest run first."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from estate.coverage import Verdict
from estate.store.history import PUBLISHED
from estate.store.maps import decode
from estate.store.rows import COVERAGE, MAP, RUN

Wanted = tuple[str, str]
"""(subject, key) within one zone, scan and aspect."""


@dataclass(slots=True)
class Last:
    """The newest moments at which a key was proved present, proved absent, and looked at with any answer or silence."""

    present: datetime | None = None
    absent: datetime | None = None
    looked: datetime | None = None


def last_looks(connection: Connection, zone: str, aspect: str, wanted: Mapping[str, Set[str]]) -> dict[Wanted, Last]:
    """For every wanted key of every wanted subject, over all vantages of a zone."""
    found = {(subject, key): Last() for subject, keys in wanted.items() for key in keys}
    missing = set(found)
    query = (
        select(RUN.c.looked_at, COVERAGE.c.verdict, COVERAGE.c.map)
        .join(RUN, RUN.c.seq == COVERAGE.c.run_seq)
        .where(RUN.c.zone == zone, RUN.c.state.in_(PUBLISHED), COVERAGE.c.aspect == aspect)
        .where(COVERAGE.c.verdict != int(Verdict.BLIND))
        .order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
    )
    done: set[tuple[str, int]] = set()
    for looked_at, verdict, sha256 in connection.execute(query).all():
        if (sha256, verdict) in done:
            continue
        done.add((sha256, verdict))
        subjects = {subject for subject, _ in missing}
        if not subjects:
            break
        body = connection.execute(select(MAP.c.body).where(MAP.c.sha256 == sha256)).scalar_one()
        for subject, _, keys in decode(body, subjects):
            for key in wanted[subject]:
                if key in keys:
                    last = found[subject, key]
                    last.looked = last.looked or looked_at
                    if verdict == Verdict.POSITIVE:
                        last.present = last.present or looked_at
                    elif verdict == Verdict.NEGATIVE:
                        last.absent = last.absent or looked_at
        missing = {pair for pair in missing if found[pair].present is None}
    return found
