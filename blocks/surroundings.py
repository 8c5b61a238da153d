"""Where a flow or a command works: the estate, database and evidence that it opens."""

from pathlib import Path

from estate.evidence import EvidenceStore
from estate.store.surroundings import Surroundings, open_surroundings


def open_here(estate: Path | None = None) -> Surroundings:
    """Open the surroundings; Prefect is loaded only where evidence lives behind one of its blocks."""
    return open_surroundings(estate, _load_store)


def _load_store(block: str) -> EvidenceStore:
    from blocks.evidence import open_evidence  # noqa: PLC0415  # two seconds that a local folder does not cost

    return open_evidence(block)
