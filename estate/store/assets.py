"""Assets with what is known of each now."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, exists, func, or_, select

from estate.assets import Asset, parse_asset
from estate.diff import InSight
from estate.errors import NotFound
from estate.findings import Detection
from estate.policy import Policy
from estate.store.database import Database
from estate.store.documents import AssetObject
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT, FINDING, IDENTIFIER, STEP


def list_assets(database: Database, policy: Policy) -> Iterator[AssetObject]:
    """Every asset of which something was seen or missed, by zone and key."""
    with database.read() as connection:
        unpublished = hidden(connection)
        keys: dict[int, list[str]] = {}
        unseen: dict[int, list[str]] = {}
        facts = select(FACT.c.asset_id, FACT.c.key, FACT.c.sight).where(holds(FACT, unpublished), FACT.c.present)
        for asset_id, key, sight in connection.execute(facts.distinct()):
            (keys if sight == InSight.SEEN.value else unseen).setdefault(asset_id, []).append(key)
        counts = dict(
            connection.execute(
                select(FINDING.c.asset_id, func.count(FINDING.c.id.distinct()))
                .join(STEP, STEP.c.finding_id == FINDING.c.id)
                .where(holds(STEP, unpublished), STEP.c.detection != Detection.ABSENT.value)
                .group_by(FINDING.c.asset_id)
            )
            .tuples()
            .all()
        )
        addresses: dict[int, list[str]] = {}
        bound = select(IDENTIFIER.c.asset_id, IDENTIFIER.c.value).where(holds(IDENTIFIER, unpublished))
        for asset_id, value in connection.execute(bound):
            addresses.setdefault(asset_id, []).append(value)
        query = select(ASSET).where(_is_known(unpublished)).order_by(ASSET.c.zone, ASSET.c.kind, ASSET.c.key)
        for row in connection.execute(query):
            asset = Asset(row.kind, row.key, row.zone)
            yield {
                "asset": str(asset),
                "zone": asset.zone,
                "addresses": sorted(addresses.get(row.id, [])),
                "keys": sorted(keys.get(row.id, []), key=key_order),
                "unseen": sorted(unseen.get(row.id, []), key=key_order),
                "findings": counts.get(row.id, 0),
                "owner": policy.owner(asset),
                "criticality": policy.criticality(asset),
            }


def _is_known(unpublished: Sequence[int]) -> ColumnElement[bool]:
    """The condition for assets with a fact or a finding; a row alone may be left of a run that never counted."""
    return or_(
        exists().where(FACT.c.asset_id == ASSET.c.id, FACT.c.from_seq.not_in(unpublished)),
        exists().where(FINDING.c.asset_id == ASSET.c.id, FINDING.c.first_seq.not_in(unpublished)),
    )


def key_order(key: str) -> tuple[str, int, str]:
    """Ports in the order of their numbers."""
    family, _, item = key.partition("/")
    return family, int(item) if item.isdigit() else 0, item


def find_asset(database: Database, text: str, zone: str | None = None) -> tuple[int, Asset]:
    """The asset that is spelled so, or that has this address.

    Raises:
        BadTarget: the text is no asset.
        NotFound: nothing was ever seen of it, or it exists in several zones and none was chosen.
    """
    wanted = parse_asset(text)
    query = select(ASSET.c.id, ASSET.c.kind, ASSET.c.key, ASSET.c.zone)
    with database.read() as connection:
        unpublished = hidden(connection)
        query = query.where(_is_known(unpublished))
        rows = connection.execute(query.where(ASSET.c.kind == wanted.kind, ASSET.c.key == wanted.key)).all()
        if not rows:
            bound = select(IDENTIFIER.c.asset_id).where(
                IDENTIFIER.c.value == wanted.key, holds(IDENTIFIER, unpublished)
            )
            rows = connection.execute(query.where(ASSET.c.id.in_(bound))).all()
    if zone is not None:
        rows = [row for row in rows if row.zone == zone]
    if not rows:
        raise NotFound(f"nothing was ever seen of {text}; see `roundsman assets`")
    if len(rows) > 1:
        zones = ", ".join(sorted(row.zone for row in rows))
        raise NotFound(f"{text} exists in several zones ({zones}): choose one with --zone")
    return rows[0].id, Asset(rows[0].kind, rows[0].key, rows[0].zone)
