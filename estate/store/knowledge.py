"""What is known before a run asks: who must be asked in full, and what keeps silent already."""

from sqlalchemy import select

from estate.assets import Asset
from estate.diff import Fact
from estate.store.database import Database
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT, fact_of
from estate.store.tables import Run


def known_assets(database: Database, zone: str, vantage: str, aspect: str) -> frozenset[str]:
    """The keys of assets that have a fact, present or gone, from this vantage."""
    with database.read() as connection:
        query = (
            select(ASSET.c.key)
            .join(FACT, FACT.c.asset_id == ASSET.c.id)
            .where(
                ASSET.c.zone == zone,
                FACT.c.vantage == vantage,
                FACT.c.aspect == aspect,
                holds(FACT, hidden(connection)),
            )
            .distinct()
        )
        return frozenset(row.key for row in connection.execute(query))


def suspected(database: Database, run: Run, aspect: str) -> tuple[tuple[Asset, str, Fact], ...]:
    """What earlier runs of this vantage found silent, but not often enough to call it gone."""
    columns = (ASSET.c.kind, ASSET.c.key.label("asset"), FACT.c.key, FACT.c.value, FACT.c.misses, FACT.c.sight)
    with database.read() as connection:
        query = (
            select(*columns)
            .join(FACT, FACT.c.asset_id == ASSET.c.id)
            .where(
                ASSET.c.zone == run.zone,
                FACT.c.vantage == run.vantage,
                FACT.c.aspect == aspect,
                FACT.c.present,
                FACT.c.misses > 0,
                holds(FACT, hidden(connection)),
            )
            .order_by(ASSET.c.key, FACT.c.key)
        )
        return tuple(
            (Asset(row.kind, row.asset, run.zone), row.key, fact_of(row.value, True, row.misses, row.sight))
            for row in connection.execute(query)
        )
