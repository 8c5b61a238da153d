"""Options that several commands share, and how their values are read."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from estate.coverage import Keys
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

_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_moment(text: str, now: datetime, option: str) -> datetime:
    """Read `2026-11-24`, `2026-11-24T02:10Z` (UTC where no zone is said) or `36h`, `7d` ago.

    Raises:
        BadInput: naming the option.
    """
    ago = _AGO.match(text.strip())
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(
            f"{option} {text!r} is no time: write 2026-11-24, 2026-11-24T02:10Z, or 36h or 7d for so long ago"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_NMAP_FAMILIES = {"T": "tcp", "U": "udp"}


def read_port_list(text: str) -> Keys:
    """Read `1-1024,8080`, `tcp/1-1024 udp/53` (commas will do) or nmap's `T:1-1024,U:53`.

    Raises:
        BadTarget: anything else.
    """
    spelled = re.sub(r"(?:^|[,\s]+)([TU]):", lambda match: f" {_NMAP_FAMILIES[match[1]]}/", text.strip())
    return read_ports(re.sub(r",\s*(?=[a-z]+/)", " ", spelled).strip())


def now() -> datetime:
    """The one place where the command line reads the clock."""
    return datetime.now(UTC)
