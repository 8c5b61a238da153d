"""What tests of visits ask for: a visit that is read back."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from estate.evidence import Evidence
from estate.hosts.evidence import read_collected, read_visit
from estate.hosts.frames import Collected
from estate.hosts.host import Visit
from estate.hosts.shard import Target
from tasks.hosts.visit import visit


@dataclass(frozen=True)
class Visited:
    """One visit with what it says."""

    evidence: Evidence
    told: Visit
    collected: Collected

    @property
    def who(self) -> dict[str, str]:
        """The collector's first section."""
        lines = self.collected.sections["who"].body.decode().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def visited(tmp_path: Path) -> Callable[..., Visited]:
    """Visit a target, and read the evidence as a shard does."""
    folder = tmp_path / "visits"
    folder.mkdir()

    def go(target: Target, deadline: float = 60, cancelled: threading.Event | None = None) -> Visited:
        evidence = visit(target, folder, deadline=deadline, cancelled=cancelled)
        assert evidence.media == "host"
        with ExitStack() as opened:
            told = read_visit(opened.enter_context(evidence.path.open("rb")))
            output = opened.enter_context(evidence.companion.open("rb")) if evidence.companion else None
            return Visited(evidence, told, read_collected(output, told.nonce))

    return go
