"""Who makes a run: one maker at a time, and a run whose maker died goes on instead of being begun anew."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from estate.errors import StoreBusy
from estate.store.database import Database
from estate.store.history import PUBLISHED
from estate.store.leases import SETTLEMENT, Hold, is_dead, leased
from estate.store.recording import take_back
from estate.store.rows import LEASE, RUN
from estate.store.runs import NewRun, open_run, shards_of
from estate.store.tables import Run


@dataclass(frozen=True, slots=True)
class Made:
    """A run that this process makes, and alone may make as long as it keeps the hold."""

    run: Run
    hold: Hold
    resumed: bool


@contextmanager
def made(database: Database, new: NewRun, since: datetime, now: datetime) -> Iterator[Made]:
    """Go on with an unfinished run that asks the same, or open the new one; nobody else makes it meanwhile.

    Args:
        database: where runs are kept.
        new: the run that is wanted; one of the same id is made again, as when its flow is retried.
        since: unfinished runs that began earlier are out of date; so are those before a run that is published.
        now: when the run is opened.

    Raises:
        StoreBusy: another process makes the run of this id, and does not end.
    """
    with ExitStack() as held:
        _take_back(database)
        for run in _candidates(database, new, since):
            hold = _held(database, run, held)
            if hold is not None and _is_unfinished(database, run):
                yield Made(run, hold, resumed=True)
                return
            held.close()
        _say_left_over(database, new)
        hold = held.enter_context(leased(database, _lease(new.id)))
        yield Made(open_run(database, new, now), hold, resumed=False)


def abandoned(database: Database, now: datetime) -> list[Run]:
    """Unfinished runs that nobody makes or settles any more, oldest first."""
    query = select(RUN).where(RUN.c.state.in_(("planned", "asking", "settling"))).order_by(RUN.c.seq)
    with database.read() as connection:
        runs = [Run(**row) for row in connection.execute(query).mappings()]
        leases = connection.execute(select(LEASE.c.name, LEASE.c.holder).where(LEASE.c.until > now))
        held = {name for name, holder in leases if not is_dead(holder)}
    return [run for run in runs if not held & {SETTLEMENT, _lease(run.id)}]


def _lease(run_id: str) -> str:
    return f"run/{run_id}"


def _held(database: Database, run: Run, held: ExitStack) -> Hold | None:
    """The lease on a run, if its maker is dead or has been silent for longer than leases last."""
    with suppress(StoreBusy):
        return held.enter_context(leased(database, _lease(run.id), wait_seconds=0))
    return None


def _take_back(database: Database) -> None:
    """Make a run whose settler was killed a run that is asked again; what it staged does not count."""
    settling = select(RUN.c.seq).where(RUN.c.state == "settling")
    with database.read() as connection:
        if connection.execute(settling.limit(1)).first() is None:
            return
    with suppress(StoreBusy), leased(database, SETTLEMENT, wait_seconds=0) as hold, database.write() as connection:
        hold.keep(connection)
        take_back(connection)


def _candidates(database: Database, like: NewRun, since: datetime) -> Sequence[Run]:
    """Unfinished runs of the same question that nothing newer has answered, newest first."""
    same = (RUN.c.scan == like.scan, RUN.c.scope == like.scope, RUN.c.zone == like.zone, RUN.c.vantage == like.vantage)
    newest = select(RUN.c.looked_at).where(*same, RUN.c.state.in_(PUBLISHED)).order_by(RUN.c.looked_at.desc()).limit(1)
    with database.read() as connection:
        published = connection.execute(newest).scalar()
        query = (
            select(RUN)
            .where(
                *same,
                RUN.c.state == "asking",
                RUN.c.scope_sha256 == like.scope_sha256,
                RUN.c.profile == like.profile.to_json(),
                RUN.c.choice == like.choice,
                RUN.c.looked_at >= (max(since, published) if published else since),
                RUN.c.id != like.id,
            )
            .order_by(RUN.c.seq.desc())
        )
        runs = [Run(**row) for row in connection.execute(query).mappings()]
    return [run for run in runs if tuple(shard.plan for shard in shards_of(database, run.seq or 0)) == like.shards]


def _say_left_over(database: Database, new: NewRun) -> None:
    """Say of every run that nobody will go on with what became of it, and what can be done with its evidence."""
    query = select(RUN).where(RUN.c.scan == new.scan, RUN.c.scope == new.scope, RUN.c.state == "asking")
    with database.read() as connection:
        runs = [
            Run(**row) for row in connection.execute(query.where(RUN.c.message == "", RUN.c.id != new.id)).mappings()
        ]
    for run in runs:
        with suppress(StoreBusy), leased(database, _lease(run.id), wait_seconds=0):
            message = f"not finished, since its maker died: `roundsman settle {run.id[:12]}` settles what was asked"
            with database.write() as connection:
                unfinished = (RUN.c.seq == run.seq) & (RUN.c.state == "asking")
                connection.execute(update(RUN).where(unfinished).values(message=message))


def _is_unfinished(database: Database, run: Run) -> bool:
    """Whether it still is, now that nobody else can change that."""
    with database.read() as connection:
        return connection.execute(select(RUN.c.state).where(RUN.c.seq == run.seq)).scalar() == "asking"
