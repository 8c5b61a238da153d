"""The grades that are known now, endpoint by endpoint."""

from collections.abc import Iterator

from sqlalchemy import select

from estate.store.database import Database
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT, value_of
from estate.store.tables import Run
from estate.tls.keys import GRADE, split_key


def list_grades(database: Database, run: Run) -> Iterator[dict[str, str]]:
    """Every grade of the run's zone and vantage, as text."""
    with database.read() as connection:
        query = (
            select(ASSET.c.key, FACT.c.key.label("item"), FACT.c.value, FACT.c.sight)
            .join(ASSET, ASSET.c.id == FACT.c.asset_id)
            .where(
                holds(FACT, hidden(connection)),
                FACT.c.present,
                FACT.c.aspect == "tls",
                FACT.c.vantage == run.vantage,
                ASSET.c.zone == run.zone,
            )
            .order_by(ASSET.c.key, FACT.c.key)
        )
        rows = connection.execute(query).all()
    for asset, item, value, sight in rows:
        parts = split_key(item)
        if parts is None or parts[2] != GRADE:
            continue
        told = dict(value_of(value))
        yield {
            "asset": asset,
            "endpoint": f"{parts[0]} {parts[1]}".removesuffix(" -"),
            "grade": told.get("grade", "?"),
            "trust-ignored": told.get("trust-ignored", ""),
            "reasons": told.get("reasons", ""),
            "sight": sight,
        }
