"""The table beside the evidence speaks of every file, and of no other."""

import re
from pathlib import Path

import pytest


@pytest.mark.parametrize("tool", ["nmap", "zmap"])
def test_every_recorded_file_is_there(evidence: Path, tool: str) -> None:
    section = (evidence / "README.md").read_text().partition(f"## {tool}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}
    assert len(named) > 10
    assert named <= {path.name for path in (evidence / tool).iterdir()}


def test_evidence_stays_small(evidence: Path) -> None:
    recorded = [path for tool in ("nmap", "zmap") for path in (evidence / tool).iterdir()]
    assert max(path.stat().st_size for path in recorded) < 1_500_000


def test_no_report_bears_a_local_path(evidence: Path) -> None:
    for path in (evidence / "nmap").glob("*.xml"):
        assert b"/work" not in path.read_bytes(), path.name
