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
    for asset, item, told in _facts(database, run, "tls"):
        parts = split_key(item)
        if parts is None or parts[2] != GRADE:
            continue
        yield {
            "asset": asset,
            "endpoint": f"{parts[0]} {parts[1]}".removesuffix(" -"),
            "grade": told.get("grade", "?"),
            "trust-ignored": told.get("trust-ignored", ""),
            "ssllabs": told.get("ssllabs", ""),
            "reasons": told.get("reasons", ""),
        }


def list_certificates(database: Database, run: Run) -> Iterator[dict[str, str]]:
    """Every certificate that a place of the run's zone shows now, or a file holds, as text."""
    for asset, item, told in _facts(database, run, "certificate"):
        family, _, place = item.partition("/")
        if family in {"certificate", "certificate-file"} and "/problem/" not in item:
            if family == "certificate":
                place = place.replace("/", " ").removesuffix(" -")
            yield {
                "until": told.get("not_after", "?"),
                "asset": asset,
                "place": place,
                "names": told.get("names", "-"),
                "issuer": told.get("issuer", "-"),
            }


def _facts(database: Database, run: Run, aspect: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The present facts of an aspect in the run's zone and vantage: (asset, key, attributes)."""
    with database.read() as connection:
        query = (
            select(ASSET.c.key, FACT.c.key.label("item"), FACT.c.value)
            .join(ASSET, ASSET.c.id == FACT.c.asset_id)
            .where(
                holds(FACT, hidden(connection)),
                FACT.c.present,
                FACT.c.aspect == aspect,
                FACT.c.vantage == run.vantage,
                ASSET.c.zone == run.zone,
            )
            .order_by(ASSET.c.key, FACT.c.key)
        )
        rows = connection.execute(query).all()
    for asset, item, value in rows:
        yield asset, item, dict(value_of(value))
