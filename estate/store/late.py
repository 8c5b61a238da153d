"""What an older run may still say after newer ones have spoken."""

from collections.abc import Mapping, Set
from dataclasses import replace

from sqlalchemy import Connection, select

from estate.coverage import NOTHING, Keys
from estate.diff import Fact, InSight
from estate.observations import Sight
from estate.store.history import Newer, Series, earlier, looked_later
from estate.store.known import Known
from estate.store.rows import FACT, RUN, fact_of
from estate.store.tables import Run

UNTOUCHED = Newer()


def newer_than(
    connection: Connection, series: Series, run: Run, known: Mapping[str, Known], subjects: Set[str]
) -> dict[str, Newer]:
    """What later runs know of these subjects.

    Keys whose state they changed they saw, unless they only lost sight of it: of such keys `known` is brought up to
    date, for the older run may still prove that they were gone before that.
    """
    found = looked_later(connection, series, run, subjects)
    by_id = {state.id: subject for subject, state in known.items() if state.id is not None}
    earlier_runs = select(RUN.c.seq).where(earlier(run))
    columns = (FACT.c.asset_id, FACT.c.key, FACT.c.id, FACT.c.value, FACT.c.present, FACT.c.misses, FACT.c.sight)
    query = select(*columns, FACT.c.to_seq).where(
        FACT.c.asset_id.in_(by_id),
        FACT.c.vantage == series.vantage,
        FACT.c.aspect == series.aspect,
        FACT.c.from_seq.not_in(earlier_runs),
        FACT.c.from_seq != run.seq,
    )
    lost: dict[str, set[str]] = {}
    touched: dict[str, set[str]] = {}
    for asset_id, key, row, value, present, misses, sight, to_seq in connection.execute(query):
        state = known[by_id[asset_id]]
        fact = fact_of(value, present, misses, sight)
        before = state.facts.get(key)
        only_lost = fact.sight is InSight.LOST and to_seq is None and before == replace(fact, sight=InSight.SEEN)
        (lost if only_lost else touched).setdefault(by_id[asset_id], set()).add(key)
        if only_lost:
            state.facts[key], state.rows[key] = fact, row
    for subject in lost.keys() | touched.keys():
        newer = found.setdefault(subject, Newer())
        newer.seen |= Keys.of(touched.get(subject, ()))
        newer.lost = Keys.of(lost.get(subject, ())) - newer.seen
    return found


def without(sight: Sight, newer: Newer) -> Sight:
    """The sight without keys that a later run saw already, or lost sight of while this one does not deny them."""
    seen = newer.seen
    if newer.lost:
        denied = NOTHING
        for look in sight.negative:
            denied |= look.keys
        seen |= newer.lost - denied
    if not seen:
        return sight
    left = sight.asked - seen
    return replace(sight, asked=left, present={key: value for key, value in sight.present.items() if key in left})


def dimmed(key: str, fact: Fact, newer: Newer) -> Fact:
    """What is new from an older run is out of sight where a later one could not look."""
    return replace(fact, sight=InSight.LOST) if fact.present and key in newer.dim else fact
