"""Which assets a sweep must ask in full, because something was seen on them before."""

from sqlalchemy import select

from estate.store.database import Database
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT


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
