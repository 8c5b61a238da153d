"""Options that several commands share, and how their values are read."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from estate.coverage import NOTHING, Keys
from estate.errors import BadInput
from estate.findings import Severity
from estate.scope import read_ports

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object per line.")]
EstateFile = Annotated[
    Path | None,
    typer.Option(
        "--estate", envvar="ROUNDSMAN_ESTATE", help="The estate's description; estate.toml here or in the home."
    ),
]
Vantage = Annotated[str, typer.Option("--vantage", help="From where it was looked.")]
Zone = Annotated[str | None, typer.Option("--zone", help="The zone, where an address exists in several.")]


class FailOn(StrEnum):
    """From where on a command exits with 1."""

    NEVER = "never"
    CHANGE = "change"
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def severity(self) -> Severity | None:
        """The severity that counts, or None for `never` and `change`."""
        return None if self in (FailOn.NEVER, FailOn.CHANGE) else Severity(self.value)


FailOnOption = Annotated[
    FailOn,
    typer.Option("--fail-on", help="Exit 1 on any change, or on an open finding of this severity or worse."),
]

_LONG = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_moment(text: str, now: datetime, option: str, *, ahead: bool = False) -> datetime:
    """Read `2026-11-24`, `2026-11-24T02:10Z` (UTC where no zone is said), or `36h`, `7d` ago (or from now).

    Raises:
        BadInput: naming the option.
    """
    try:
        long = _LONG.match(text.strip())
        if long:
            span = timedelta(**{_UNITS[long[2]]: int(long[1])})
            return now + span if ahead else now - span
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        meant = "from now" if ahead else "ago"
        raise BadInput(
            f"{option} {text[:60]!r} is no time: write 2026-11-24, 2026-11-24T02:10Z (UTC without an offset), "
            f"or 36h or 7d for so long {meant}"
        ) from None


def is_span(text: str) -> bool:
    """Whether this says how long (`90d`) instead of when."""
    return _LONG.match(text.strip()) is not None


def read_past(text: str, now: datetime, option: str) -> datetime:
    """Read a moment that is over.

    Raises:
        BadInput: naming the option, also where it lies in the future.
    """
    moment = read_moment(text, now, option)
    if moment > now:
        raise BadInput(f"{option} {text[:60]!r} lies in the future ({moment:%Y-%m-%d %H:%M} UTC)")
    return moment


_NMAP_FAMILIES = {"T": "tcp", "U": "udp"}


def read_port_list(text: str) -> Keys:
    """Read `1-1024,8080`, `tcp/1-1024 udp/53` (commas will do), nmap's `T:1-1024,U:53`, or `-` for all of TCP.

    Raises:
        BadTarget: anything else.
    """
    spelled = re.sub(r"(?:^|[,\s]+)([TU]):", lambda match: f" {_NMAP_FAMILIES[match[1]]}/", text.strip())
    words = re.sub(r",\s*(?=[a-z]+/)", " ", re.sub(r"\s*,\s*", ",", spelled)).split()
    keys = NOTHING
    for word in words or [""]:
        keys |= read_ports("tcp/*" if word == "-" else word)
    return keys


def now() -> datetime:
    """The one place where the command line reads the clock."""
    return datetime.now(UTC)
