"""How long a publicly trusted certificate may live: the CA/Browser Forum's schedule, as data."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from estate.certificates.certificate import Certificate

SOURCE = "CA/Browser Forum Baseline Requirements §6.3.2 (v2.2.9), ballots 193, SC-31 and SC-081v3"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest life in days of what is issued from this moment on."""

    since: datetime
    days: int


SCHEDULE = (
    Limit(datetime(2018, 3, 1, tzinfo=UTC), 825),
    Limit(datetime(2020, 9, 1, tzinfo=UTC), 398),
    Limit(datetime(2026, 3, 15, tzinfo=UTC), 200),
    Limit(datetime(2027, 3, 15, tzinfo=UTC), 100),
    Limit(datetime(2029, 3, 15, tzinfo=UTC), 47),
)
"""Oldest first; what was issued before the first is long expired."""


def limit_at(issued: datetime) -> int | None:
    """The longest life in days of a public leaf that was issued then, or None before there was one."""
    return next((limit.days for limit in reversed(SCHEDULE) if issued >= limit.since), None)


def days_of_life(certificate: Certificate) -> int:
    """Its life in days of 86,400 seconds; any rest counts as a further day (BR §1.6.1)."""
    return -(-certificate.lifetime // _DAY)


def excess(certificate: Certificate, private_limit: int | None, *, public: bool) -> tuple[int, int] | None:
    """Days of life and the limit, where a leaf lives longer than it may, else None.

    Args:
        certificate: the leaf; CAs live as long as they like.
        private_limit: days that the operator grants to what is not publicly trusted, None for no limit.
        public: whether its chain leads to one of Mozilla's roots.
    """
    limit = limit_at(certificate.not_before) if public else private_limit
    days = days_of_life(certificate)
    return None if limit is None or certificate.authority or days <= limit else (days, limit)
