"""Store a report in a home and open its run, without settling it: `python -m infra.bench.storing HOME REPORT ASKED`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.importing import Import, import_report
from estate.store.runs import Profile
from estate.targets import Targets


def store(home: Path, report: Path, asked: str) -> None:
    """As `roundsman import` does it, up to where it settles."""
    told = Import("nmap", report, Targets.parse(asked), None, "default", "inside", None, "")
    import_report(
        open_database(f"sqlite:///{home / 'roundsman.db'}"),
        EvidenceFolder(home / "evidence"),
        told,
        {},
        Profile(keys=""),
        "",
        datetime.now(UTC),
    )


if __name__ == "__main__":
    store(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
