"""When scanning is allowed: stretches of a local day, right across midnight and across both changes of the clock."""

import difflib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, field_validator

from estate.errors import BadTarget
from estate.scope.words import told

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HORIZON = timedelta(days=8)
_LOCAL_ZONES = {"localtime", "posixrules", "Factory"}


def read_clock(value: object) -> time:
    """A time of day to the minute; 24:00 is the midnight at which the day ends.

    Raises:
        BadTarget: anything else.
    """
    if isinstance(value, time):
        clock = value
    else:
        try:
            clock = time() if value == "24:00" else datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007  # a time of day
        except ValueError:
            raise BadTarget(f"{str(value)[:20]!r} is not a time of day such as 22:00") from None
    if clock.second or clock.microsecond or clock.tzinfo is not None:
        raise BadTarget(
            f"{clock.isoformat()} is not a time of day to the minute, such as 22:00 (the zone is said apart)"
        )
    return clock


def read_timezone(value: object) -> str:
    """A time zone of the IANA database.

    Raises:
        BadTarget: any other text, with the closest names.
    """
    text = str(value)[:60]
    try:
        if text not in _LOCAL_ZONES:  # They name whatever the machine is set to, which differs between workers.
            return ZoneInfo(text).key
    except (ValueError, OSError, KeyError):
        pass
    known = {name.lower(): name for name in available_timezones()}
    close = [known[name] for name in difflib.get_close_matches(text.lower(), known, 3)]
    hint = f": did you mean {' or '.join(close)}?" if close else ", such as UTC or Europe/Berlin"
    raise BadTarget(f"{text!r} is not a time zone of the IANA database{hint}")


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


_Clock = Annotated[
    time,
    BeforeValidator(told(read_clock)),
    PlainSerializer(lambda clock: clock.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"}),
]


class Window(BaseModel):
    """A stretch of certain days in which scanning may start and go on."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Window")

    days: tuple[Annotated[Day, BeforeValidator(_lower)], ...] = Field(
        WEEK,
        min_length=1,
        description="The days on which the window opens; one that crosses midnight runs into the next.",
    )
    opens: _Clock = Field(description="Local time at which scanning may start, for example 22:00.")
    closes: _Clock = Field(
        description="Local time at which scanning ends: on the next day if it is not after `opens`; equal is 24 hours."
    )
    timezone: Annotated[str, BeforeValidator(told(read_timezone))] = Field(
        description="The IANA time zone of both times, for example Europe/Berlin."
    )

    @field_validator("days")
    @classmethod
    def _in_order(cls, days: tuple[Day, ...]) -> tuple[Day, ...]:
        return tuple(day for day in WEEK if day in days)

    def __str__(self) -> str:
        days = "every day" if self.days == WEEK else ",".join(self.days)
        return f"{days} {self.opens:%H:%M}–{self.closes:%H:%M} {self.timezone}"

    def stretches(self, now: datetime, days: Iterable[int]) -> Iterator[tuple[datetime, datetime]]:
        """The open stretches in UTC of the local days that lie so many days from `now`."""
        zone = ZoneInfo(self.timezone)
        today = now.astimezone(zone).date()
        for offset in days:
            day = today + timedelta(days=offset)
            if WEEK[day.weekday()] in self.days:
                opens = _reached(day, self.opens, zone)
                closes = _reached(day + timedelta(days=self.closes <= self.opens), self.closes, zone)
                yield opens, closes


@lru_cache(maxsize=256)
def open_until(windows: tuple[Window, ...], now: datetime) -> datetime | None:
    """When the windows that are open now will all have closed, or None where none is open.

    Windows that hand over to each other are followed for eight days, which is enough to plan by. The answer is kept,
    since a shard asks the same for each of its addresses.
    """
    end = now
    while end - now < _HORIZON:
        later = [closes for each in windows for opens, closes in each.stretches(end, (-1, 0)) if opens <= end < closes]
        if not later:
            break
        end = max(later)
    return end if end > now else None


def opens_next(windows: Iterable[Window], now: datetime) -> datetime | None:
    """The next opening after `now`."""
    starts = (opens for each in windows for opens, closes in each.stretches(now, range(-1, 9)) if now < opens < closes)
    return min(starts, default=None)


def _reached(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall clock of that day shows that time or a later one.

    When the clock is put forward some times do not exist: they are reached at the jump. When it is put back some
    exist twice: the first one counts.
    """
    wall = datetime.combine(day, clock, zone)
    instant = wall.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    before = wall.replace(fold=1).astimezone(UTC)  # Read with the offset after the jump, it lies before the jump.
    shown = before.astimezone(zone).utcoffset()
    while instant - before > timedelta(seconds=1):
        middle = before + (instant - before) / 2
        before, instant = (middle, instant) if middle.astimezone(zone).utcoffset() == shown else (before, middle)
    return instant.replace(microsecond=0)
