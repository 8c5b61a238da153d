"""What becomes of an endpoint that was known without a name, once it has one and nobody asks the old way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, insert, or_, select

from estate.assets import Asset, canonical_address
from estate.certificates.facts import CERTIFICATES, FAMILY
from estate.diff import Cause, Fact, InSight, rescoped_out
from estate.store.judging import lose_sight
from estate.store.recording import change_row, fact_row, write_facts
from estate.store.rows import ASSET, CHANGE, FACT, SHARD, fact_of
from estate.store.staging import Staging
from estate.tls import keys
from estate.tls.shard import Endpoint, TlsShard

_FAMILIES: Mapping[str, tuple[str, ...]] = {"tls": (keys.FAMILY,), "certificates": (FAMILY, CERTIFICATES)}
_BATCH = 1_000


def apply_names(connection: Connection, staging: Staging) -> None:
    """Put facts out of sight that nobody looks at any more, since the same endpoint is asked by its name: told once.

    They are no longer ours to look at under that key, which is not that they are gone.
    """
    families = _FAMILIES.get(staging.run.scan)
    if families is None:
        return
    plans = connection.execute(select(SHARD.c.plan).where(SHARD.c.run_seq == staging.seq)).scalars()
    endpoints = [one for plan in plans for one in TlsShard.from_json(plan).endpoints]
    ports = _named(endpoints)
    nameless = FACT.c.key.like(f"{families[0]}/%/-%")
    for subject in _standing(connection, staging, sorted(ports), nameless):
        # No name begins with a dash.
        below = tuple(f"{families[0]}/{port}/-" for port in sorted(ports[subject]))
        _put_out(connection, staging, subject, below, "asked by name now")
    asked = {one.asset for one in endpoints}
    owners = {
        one.address: one.asset for one in endpoints if canonical_address(one.asset) is None and one.address not in asked
    }
    everything = tuple(f"{family}/" for family in families)
    for subject in _standing(connection, staging, sorted(owners), _begins(FACT.c.key, everything)):
        _put_out(connection, staging, subject, everything, f"{subject} is {owners[subject]} now")


def _named(endpoints: Sequence[Endpoint]) -> dict[str, set[int]]:
    """By asset: the ports that are asked by a name and not without one."""
    nameless = {(one.asset, one.port) for one in endpoints if one.name is None}
    found: dict[str, set[int]] = {}
    for one in endpoints:
        if one.name is not None and (one.asset, one.port) not in nameless:
            found.setdefault(one.asset, set()).add(one.port)
    return found


def _standing(
    connection: Connection, staging: Staging, subjects: Sequence[str], about: ColumnElement[bool]
) -> Iterator[str]:
    """Those of many assets of which anything has to go: nearly always none, and then this is all that it costs."""
    for start in range(0, len(subjects), _BATCH):
        query = (
            select(ASSET.c.key)
            .distinct()
            .join(FACT, FACT.c.asset_id == ASSET.c.id)
            .where(
                ASSET.c.kind == staging.scan.kind,
                ASSET.c.zone == staging.run.zone,
                ASSET.c.key.in_(subjects[start : start + _BATCH]),
                *_in_sight(staging),
                about,
            )
        )
        yield from sorted(connection.execute(query).scalars())


def _put_out(connection: Connection, staging: Staging, subject: str, below: tuple[str, ...], why: str) -> None:
    run, scan, seq = staging.run, staging.scan, staging.seq
    asset = Asset(scan.kind, subject, run.zone)
    facts: dict[str, Fact] = {}
    rows: dict[str, int] = {}
    found = list(_facts(connection, staging, asset, below))
    for _, row, key, fact in found:
        facts[key], rows[key] = fact, row
    comparison = rescoped_out(asset, scan.aspect, facts)
    if not found:
        return
    number = found[0][0]
    new = [fact_row(number, run.vantage, scan.aspect, key, fact, seq) for key, fact in comparison.facts]
    write_facts(connection, seq, [rows[key] for key, _ in comparison.facts], new)
    told = [change_row(number, replace(change, reason=why), seq) for change in comparison.changes]
    connection.execute(insert(CHANGE), told)
    lose_sight(connection, number, run.vantage, scan.aspect, seq, Cause.SCOPE.value, below)


def _facts(
    connection: Connection, staging: Staging, asset: Asset, below: tuple[str, ...]
) -> Iterator[tuple[int, int, str, Fact]]:
    query = (
        select(ASSET.c.id, FACT.c.id.label("row"), FACT.c.key.label("item"), FACT.c.value, FACT.c.present)
        .add_columns(FACT.c.misses, FACT.c.sight)
        .join(ASSET, ASSET.c.id == FACT.c.asset_id)
        .where(
            ASSET.c.kind == asset.kind,
            ASSET.c.key == asset.key,
            ASSET.c.zone == asset.zone,
            *_in_sight(staging),
            _begins(FACT.c.key, below),
        )
    )
    for number, row, key, value, present, misses, sight in connection.execute(query):
        yield number, row, key, fact_of(value, present, misses, sight)


def _in_sight(staging: Staging) -> tuple[ColumnElement[bool], ...]:
    return (
        FACT.c.vantage == staging.run.vantage,
        FACT.c.aspect == staging.scan.aspect,
        FACT.c.to_seq.is_(None),
        FACT.c.present,
        FACT.c.sight != InSight.OUT.value,
    )


def _begins(column: ColumnElement[str], beginnings: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(column.startswith(beginning, autoescape=True) for beginning in beginnings))
