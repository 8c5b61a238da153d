"""What a new scope or a new policy means for facts that the run itself did not touch."""

import ipaddress
from collections.abc import Iterator

from sqlalchemy import Connection, insert, select

from estate.assets import Asset, canonical_address
from estate.diff import Fact, rescoped_out
from estate.findings import Ruling
from estate.scope import Scope
from estate.store.history import earlier
from estate.store.judging import apply_rulings
from estate.store.recording import change_row, fact_row, write_facts
from estate.store.rows import ASSET, CHANGE, FACT, IDENTIFIER, RUN, SCOPE, fact_of
from estate.store.staging import Staging

_BATCH = 2_000


def apply_scope(connection: Connection, staging: Staging) -> None:
    """Tell once of every asset that the scope held at its last run and holds no more."""
    run = staging.run
    if run.scope_sha256 is None:
        return
    query = (
        select(RUN.c.scope_sha256, SCOPE.c.body)
        .join(SCOPE, SCOPE.c.sha256 == RUN.c.scope_sha256)
        .where(staging.series.runs(), earlier(run), RUN.c.scope == run.scope)
        .order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
        .limit(1)
    )
    before = connection.execute(query).first()
    if before is None or before.scope_sha256 == run.scope_sha256:
        return
    body = connection.execute(select(SCOPE.c.body).where(SCOPE.c.sha256 == run.scope_sha256)).scalar_one()
    old, new = Scope.model_validate_json(before.body), Scope.model_validate_json(body)
    bound = _bound_addresses(connection, run.zone)
    for asset_id, asset, facts, rows in _present_facts(connection, staging):
        addresses = bound.get(asset_id) or ((asset.key,) if canonical_address(asset.key) else ())
        found = [ipaddress.ip_address(address) for address in addresses]
        if not any(one in old.admission for one in found) or any(one in new.admission for one in found):
            continue
        comparison = rescoped_out(asset, staging.scan.aspect, facts)
        closed = [rows[key] for key, _ in comparison.facts]
        new_rows = [
            fact_row(asset_id, run.vantage, staging.scan.aspect, key, fact, staging.seq)
            for key, fact in comparison.facts
        ]
        write_facts(connection, staging.seq, closed, new_rows)
        if comparison.changes:
            connection.execute(insert(CHANGE), [change_row(asset_id, c, staging.seq) for c in comparison.changes])
        rulings = [
            ruling
            for key, fact in comparison.facts
            for ruling in staging.scan.rulings(asset, key, fact, staging.policy, run.vantage)
        ]
        apply_rulings(connection, rulings, run.vantage, staging.seq, staging.scan.aspect, cause="scope")


def apply_policy(connection: Connection, staging: Staging) -> None:
    """Judge every known fact again where the policy is another one than at the last run: cause `policy`."""
    run = staging.run
    query = (
        select(RUN.c.policy_sha256)
        .where(staging.series.runs(), earlier(run))
        .order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
        .limit(1)
    )
    before = connection.execute(query).scalar()
    if before is None or before == staging.policy.sha256:
        return
    rulings: list[Ruling] = []
    for _, asset, facts, _ in _present_facts(connection, staging):
        for key, fact in facts.items():
            rulings += staging.scan.rulings(asset, key, fact, staging.policy, run.vantage)
        if len(rulings) >= _BATCH:
            apply_rulings(connection, rulings, run.vantage, staging.seq, staging.scan.aspect, cause="policy")
            rulings = []
    apply_rulings(connection, rulings, run.vantage, staging.seq, staging.scan.aspect, cause="policy")


def _bound_addresses(connection: Connection, zone: str) -> dict[int, tuple[str, ...]]:
    query = select(IDENTIFIER.c.asset_id, IDENTIFIER.c.value).where(
        IDENTIFIER.c.zone == zone, IDENTIFIER.c.type == "address", IDENTIFIER.c.to_seq.is_(None)
    )
    bound: dict[int, tuple[str, ...]] = {}
    for asset_id, value in connection.execute(query):
        bound[asset_id] = (*bound.get(asset_id, ()), value)
    return bound


def _present_facts(
    connection: Connection, staging: Staging
) -> Iterator[tuple[int, Asset, dict[str, Fact], dict[str, int]]]:
    """Every asset of the series with its present facts, a batch of assets at a time."""
    last = 0
    while True:
        assets = connection.execute(
            select(ASSET.c.id, ASSET.c.kind, ASSET.c.key, ASSET.c.zone)
            .where(ASSET.c.id > last, ASSET.c.zone == staging.run.zone, ASSET.c.kind == staging.scan.kind)
            .order_by(ASSET.c.id)
            .limit(_BATCH)
        ).all()
        if not assets:
            return
        last = assets[-1].id
        facts: dict[int, dict[str, Fact]] = {}
        rows: dict[int, dict[str, int]] = {}
        query = select(
            FACT.c.asset_id, FACT.c.id, FACT.c.key, FACT.c.value, FACT.c.present, FACT.c.misses, FACT.c.sight
        ).where(
            FACT.c.asset_id.in_([row.id for row in assets]),
            FACT.c.vantage == staging.run.vantage,
            FACT.c.aspect == staging.scan.aspect,
            FACT.c.to_seq.is_(None),
            FACT.c.present,
        )
        for asset_id, row, key, value, present, misses, sight in connection.execute(query):
            facts.setdefault(asset_id, {})[key] = fact_of(value, present, misses, sight)
            rows.setdefault(asset_id, {})[key] = row
        for row in assets:
            if row.id in facts:
                yield row.id, Asset(row.kind, row.key, row.zone), facts[row.id], rows[row.id]
