"""What people said before something was asked that no scope covers: who, when, and of what."""

from datetime import datetime

from sqlalchemy import insert

from estate.store.database import Database
from estate.store.rows import STATEMENT


def record_statement(database: Database, target: str, who: str, now: datetime) -> None:
    """Keep that somebody said that they may scan this."""
    with database.write() as connection:
        connection.execute(insert(STATEMENT), {"target": target, "stated_by": who, "stated_at": now})
