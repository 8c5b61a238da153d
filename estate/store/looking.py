"""When a key was last seen, and last looked at: read from coverage, newest run first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from estate.coverage import Keys, Verdict
from estate.store.history import PUBLISHED
from estate.store.maps import decode
from estate.store.rows import COVERAGE, MAP, RUN

Wanted = Mapping[str, Mapping[str, Verdict]]
"""By subject and key, the verdict that shows the problem: a port that answers, or one that should and refuses."""

_ANOMALY = "anomaly/"


@dataclass(slots=True)
class Last:
    """The newest moments at which the wanted verdict was given, and any but blindness."""

    shown: datetime | None = None
    looked: datetime | None = None


def last_looks(
    connection: Connection, zone: str, aspect: str, wanted: Wanted, since: datetime
) -> dict[tuple[str, str], Last]:
    """For every wanted key of every wanted subject, over all vantages of a zone, back to a moment."""
    found = {(subject, key): Last() for subject, keys in wanted.items() for key in keys}
    left = {subject: dict(keys) for subject, keys in wanted.items()}
    query = (
        select(RUN.c.looked_at, COVERAGE.c.verdict, COVERAGE.c.map)
        .join(RUN, RUN.c.seq == COVERAGE.c.run_seq)
        .where(RUN.c.zone == zone, RUN.c.state.in_(PUBLISHED), COVERAGE.c.aspect == aspect)
        .where(COVERAGE.c.verdict != int(Verdict.BLIND), RUN.c.looked_at >= since)
        # What answered comes first: mostly it is all that was asked for.
        .order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc(), COVERAGE.c.verdict.desc())
    )
    done: set[tuple[str, int]] = set()
    for looked_at, number, name in connection.execute(query):
        if not left:
            break
        if (name, number) in done:
            continue
        done.add((name, number))
        body = connection.execute(select(MAP.c.body).where(MAP.c.sha256 == name)).scalar_one()
        for subject, _, keys in decode(body, left.keys()):
            told = left.get(subject, {})
            for key, verdict in tuple(told.items()):
                if key in keys or _is_about(key, keys):
                    last = found[subject, key]
                    last.looked = last.looked or looked_at
                    if number == verdict and key in keys:
                        last.shown = looked_at
                        del told[key]
            if not told:
                left.pop(subject, None)
    return found


def _is_about(key: str, keys: Keys) -> bool:
    """Whether a look at these keys is one at an anomaly, which is a word on the whole subject."""
    return key.startswith(_ANOMALY) and bool(keys)
