"""Whether what runs was ever scanned, and when: the engine's word on what runs, joined with ours on images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from estate.containers.engine import Container, Engine
from estate.containers.runtime.check import Check, Problem, Unseen
from estate.findings import Severity

MOST_DAYS = 30


@dataclass(frozen=True, slots=True)
class Scans:
    """When the images of an engine were last scanned, by their ids, as it was known when the run was planned."""

    check: ClassVar[str] = "R41"
    last: Mapping[str, datetime]
    at: datetime
    most_days: int = MOST_DAYS

    def run(self, container: Container, _engine: Engine) -> Iterator[Problem]:
        """R41."""
        last = self.last.get(container.image_id)
        if last is None:
            yield Problem("image", Severity.MEDIUM, f"{container.image} runs, and nobody ever scanned that image")
        elif self.at - last > timedelta(days=self.most_days):
            # The number of days would be another one at each look.
            yield Problem(
                "image", Severity.MEDIUM, f"{container.image} was last scanned more than {self.most_days} days ago"
            )


def unknown(_container: Container, _engine: Engine) -> tuple[Problem, ...]:
    """R41 where nobody said what was scanned."""
    raise Unseen("not-asked")


CHECKS: tuple[Check, ...] = (
    Check(Scans.check, "A running image was not scanned for long", unknown, "roundsman scan containers", ("4.4",)),
)
