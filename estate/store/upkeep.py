"""What a new scope or a new policy means for facts and findings that the run itself did not touch."""

import ipaddress
from collections.abc import Iterator

from pydantic import ValidationError
from sqlalchemy import Connection, insert, select

from estate.assets import Asset, canonical_address
from estate.diff import Cause, Fact, rescoped_out
from estate.findings import Detection, Ruling
from estate.scope import Scope
from estate.store.history import earlier
from estate.store.judging import apply_rulings, lose_sight
from estate.store.recording import change_row, fact_row, write_facts
from estate.store.rows import ASSET, CHANGE, FACT, FINDING, IDENTIFIER, RUN, SCOPE, STEP, fact_of
from estate.store.staging import Staging

_BATCH = 2_000


def apply_scope(connection: Connection, staging: Staging) -> None:
    """Tell once of every asset that the scope held at its last run, and that no scope holds any more."""
    run, scan = staging.run, staging.scan
    if run.scope_sha256 is None:
        return
    versions = dict(_last_versions(connection, staging))
    before = versions.get(run.scope)
    if before in {None, run.scope_sha256}:
        return
    old = _scope(connection, before)
    held = [_scope(connection, sha256) for sha256 in (versions | {run.scope: run.scope_sha256}).values()]
    if old is None or None in held:
        return
    bound = _bound_addresses(connection, run.zone)
    for asset_id, asset, facts, rows in _assets(connection, staging):
        addresses = bound.get(asset_id) or ((asset.key,) if canonical_address(asset.key) else ())
        found = [ipaddress.ip_address(address) for address in addresses]
        was_in = any(one in old.admission for one in found)
        if not was_in or any(one in scope.admission for scope in held if scope for one in found):
            continue
        comparison = rescoped_out(asset, scan.aspect, facts)
        new_rows = [fact_row(asset_id, run.vantage, scan.aspect, k, fact, staging.seq) for k, fact in comparison.facts]
        write_facts(connection, staging.seq, [rows[key] for key, _ in comparison.facts], new_rows)
        if comparison.changes:
            connection.execute(insert(CHANGE), [change_row(asset_id, c, staging.seq) for c in comparison.changes])
        lose_sight(connection, asset_id, run.vantage, scan.aspect, staging.seq, Cause.SCOPE.value)


def apply_policy(connection: Connection, staging: Staging) -> None:
    """Judge every known fact and every open finding again where the policy is another one than at the last run."""
    if not staging.policy_changed:
        return
    rulings: list[Ruling] = []
    for _, asset, facts, _ in _assets(connection, staging):
        for key, fact in facts.items():
            rulings += staging.scan.rulings(asset, key, fact, staging.policy, staging.run.vantage)
        if len(rulings) >= _BATCH:
            _apply(connection, staging, rulings)
            rulings = []
    _apply(connection, staging, rulings)
    _apply(connection, staging, _retired(connection, staging))


def _apply(connection: Connection, staging: Staging, rulings: list[Ruling]) -> None:
    vantage, aspect = staging.run.vantage, staging.scan.aspect
    apply_rulings(connection, rulings, vantage, staging.seq, aspect, Cause.POLICY.value)


def _retired(connection: Connection, staging: Staging) -> list[Ruling]:
    """What becomes of open findings that only the policy of then made findings."""
    query = (
        select(FINDING.c.rule, FINDING.c.locator, ASSET.c.kind, ASSET.c.key, ASSET.c.zone)
        .join(STEP, STEP.c.finding_id == FINDING.c.id)
        .join(ASSET, ASSET.c.id == FINDING.c.asset_id)
        .where(
            FINDING.c.aspect == staging.scan.aspect,
            ASSET.c.zone == staging.run.zone,
            STEP.c.vantage == staging.run.vantage,
            STEP.c.to_seq.is_(None),
            STEP.c.detection != Detection.ABSENT.value,
        )
    )
    return [
        ruling
        for rule, locator, kind, key, zone in connection.execute(query)
        for ruling in staging.scan.retired(rule, Asset(kind, key, zone), locator, staging.policy)
    ]


def _last_versions(connection: Connection, staging: Staging) -> Iterator[tuple[str, str]]:
    """Every scope of the series with the version that its last run before this one had."""
    runs = select(RUN.c.scope).where(staging.series.runs(), earlier(staging.run), RUN.c.scope_sha256.is_not(None))
    for name in sorted(connection.execute(runs.distinct()).scalars()):
        last = (
            runs.with_only_columns(RUN.c.scope_sha256)
            .where(RUN.c.scope == name)
            .order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
        )
        yield name, connection.execute(last.limit(1)).scalar_one()


def _scope(connection: Connection, sha256: str | None) -> Scope | None:
    """A signed-off scope, or None for one that another version of this program wrote in words of its own."""
    body = connection.execute(select(SCOPE.c.body).where(SCOPE.c.sha256 == sha256)).scalar_one()
    try:
        return Scope.model_validate_json(body)
    except ValidationError:
        return None


def _bound_addresses(connection: Connection, zone: str) -> dict[int, tuple[str, ...]]:
    query = select(IDENTIFIER.c.asset_id, IDENTIFIER.c.value).where(
        IDENTIFIER.c.zone == zone, IDENTIFIER.c.type == "address", IDENTIFIER.c.to_seq.is_(None)
    )
    bound: dict[int, tuple[str, ...]] = {}
    for asset_id, value in connection.execute(query):
        bound[asset_id] = (*bound.get(asset_id, ()), value)
    return bound


def _assets(connection: Connection, staging: Staging) -> Iterator[tuple[int, Asset, dict[str, Fact], dict[str, int]]]:
    """Every asset of the zone with its present facts from this vantage, a batch of assets at a time."""
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
            yield row.id, Asset(row.kind, row.key, row.zone), facts.get(row.id, {}), rows.get(row.id, {})
