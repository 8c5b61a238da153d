"""What audited hosts listen on, beside what the port sweep saw of them."""

from collections.abc import Iterator
from typing import TypedDict

from sqlalchemy import Connection, Select, select

from estate.coverage import Verdict
from estate.diff import InSight, Past
from estate.hosts.shard import HostShard
from estate.joins.listeners import Joined, Standing, join_listeners
from estate.observations import Attributes
from estate.store.database import Database
from estate.store.history import Series, pasts
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT, SHARD, value_of
from estate.store.tables import Run

_AFTER_ALL = 2**62
_SAID = {Past.SILENT: Verdict.SILENT, Past.PROVED: Verdict.NEGATIVE}


class JoinObject(TypedDict):
    """One port of one host as both looks have it."""

    asset: str
    key: str
    standing: str
    inside: dict[str, str]
    outside: dict[str, str]


def list_joined(database: Database, run: Run) -> Iterator[JoinObject]:
    """Every port of the run's hosts that one of both looks shows; nothing where no sweep ever looked at a host."""
    with database.read() as connection:
        assets = _assets(connection, run)
        found = [(asset, _join(connection, run, asset)) for asset in assets]
    for asset, joined in found:
        for one in joined:
            yield {
                "asset": f"host:{asset}",
                "key": one.key,
                "standing": one.standing.value,
                "inside": dict(one.inside),
                "outside": dict(one.outside),
            }


def audited(database: Database, run: Run) -> frozenset[str]:
    """The hosts that an audit was to visit, as assets are spelled."""
    with database.read() as connection:
        return frozenset(f"host:{asset}" for asset in _assets(connection, run))


def _assets(connection: Connection, run: Run) -> list[str]:
    plans = connection.execute(select(SHARD.c.plan).where(SHARD.c.run_seq == run.seq)).scalars().all()
    return sorted({target.asset for plan in plans for target in HostShard.from_json(plan).targets})


def _join(connection: Connection, run: Run, asset: str) -> list[Joined]:
    listeners, inside = _facts(connection, run, asset, "host", "listener/")
    ports, _ = _facts(connection, run, asset, "ports", "")
    wanted = {key.partition("/")[2].partition("@")[0] for key in listeners} - ports.keys()
    series = Series(run.zone, run.vantage, "ports", "ports")
    # What any sweep up to now said of ports that were never open: the newest word counts.
    known = pasts(connection, series, Run(**{**run.model_dump(), "seq": _AFTER_ALL}), {asset: wanted}) if wanted else {}
    looked = {key: _SAID[past] for (_, key), past in known.items() if past in _SAID}
    looked |= _closed(connection, run, asset)
    found = list(join_listeners(listeners, inside, ports, looked))
    swept = bool(ports or known)
    return found if swept else [one for one in found if one.standing is not Standing.UNASKED]


def _facts(
    connection: Connection, run: Run, asset: str, aspect: str, family: str
) -> tuple[dict[str, Attributes], Verdict | None]:
    """The present facts of an aspect, and whether all of them are in sight."""
    query = _query(run, asset, aspect).where(FACT.c.present, holds(FACT, hidden(connection)))
    rows = connection.execute(query).all()
    found = {row.key: value_of(row.value) for row in rows if row.key.startswith(family)}
    whole = all(row.sight == InSight.SEEN.value for row in rows if row.key.startswith(family))
    return found, Verdict.NEGATIVE if found and whole else None


def _closed(connection: Connection, run: Run, asset: str) -> dict[str, Verdict]:
    """Ports that were open once and were proved closed."""
    query = _query(run, asset, "ports").where(~FACT.c.present, holds(FACT, hidden(connection)))
    return {row.key: Verdict.NEGATIVE for row in connection.execute(query)}


def _query(run: Run, asset: str, aspect: str) -> Select[tuple[str, str, str]]:
    return (
        select(FACT.c.key, FACT.c.value, FACT.c.sight)
        .join(ASSET, ASSET.c.id == FACT.c.asset_id)
        .where(
            ASSET.c.kind == "host",
            ASSET.c.key == asset,
            ASSET.c.zone == run.zone,
            FACT.c.vantage == run.vantage,
            FACT.c.aspect == aspect,
        )
    )
