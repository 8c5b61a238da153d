"""When the end of a certificate becomes whose trouble: rungs that fit a life of six days as well as one of ten years.

A third of its life before the end is when cert-manager and most ACME clients renew, so that a certificate which is
older has an automation that failed, or none. Lives above 90 days are mostly renewed by people, who want whole weeks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DAY = timedelta(days=1)
_BY_HAND = 91 * DAY
"""Ninety days, and the hours by which CAs date back."""

_EARLIEST_WATCH = 398 * DAY / 3
"""A third of what a public certificate ever lived in these years; private CAs issue for decades."""


_FIXED_DAYS = (7, 3)
_APART = 0.75
"""A rung that comes so soon after another one is no news: a certificate of 90 days has its third at 7.5 days."""


class Rung(StrEnum):
    """How near the end is."""

    WATCH = "watch"
    WARN = "warn"
    HIGH = "high"
    WEEK = "week"
    DAYS = "days"
    CRITICAL = "critical"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Step:
    """A rung, and with how much life left it begins."""

    rung: Rung
    left: timedelta


def ladder(lifetime: timedelta) -> tuple[Step, ...]:
    """The rungs for a life of this length, from the first to be reached to the last.

    A week and three days before the end are rungs of their own where the life is long enough to keep them apart.
    """
    life = max(lifetime, timedelta(0))
    if life > _BY_HAND:
        steps = (min(life / 3, _EARLIEST_WATCH), 30 * DAY, 14 * DAY, DAY)
    else:
        # Never less than three days to act where the life is long enough for them, nor more than it can spare.
        steps = (life / 3, life / 6, max(life / 12, min(3 * DAY, life / 8)), min(DAY, life / 24))
    watch, warn, high, critical = steps
    found = [Step(Rung.WATCH, watch), Step(Rung.WARN, warn), Step(Rung.HIGH, high)]
    for rung, days in zip((Rung.WEEK, Rung.DAYS), _FIXED_DAYS, strict=True):
        if days * DAY <= _APART * found[-1].left and critical <= _APART * days * DAY:
            found.append(Step(rung, days * DAY))
    return (*found, Step(Rung.CRITICAL, critical))


def rung_of(lifetime: timedelta, not_after: datetime, now: datetime) -> Rung | None:
    """The rung that a certificate stands on, or None while it has plenty of life left."""
    left = not_after - now
    if left < timedelta(0):
        return Rung.EXPIRED
    reached = [step.rung for step in ladder(lifetime) if left <= step.left]
    return reached[-1] if reached else None


def spell_left(left: timedelta) -> str:
    """How much is left, in the unit that matters: days, or hours where they are few."""
    hours = abs(left) // timedelta(hours=1)
    spelled = f"{hours // 24} days" if hours >= 72 else f"{hours} hours"
    return spelled if left >= timedelta(0) else f"{spelled} ago"
