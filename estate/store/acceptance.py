"""Accept a baseline: rows in `estate.toml` that bear a name, and a clock for what is left."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert

from estate.errors import BadInput
from estate.manifest import Expectation, append_expected
from estate.store.baselines import Proposal
from estate.store.rows import ACCEPTANCE
from estate.store.surroundings import Surroundings
from estate.store.tables import Run


def tags_of(here: Surroundings, zone: str) -> Mapping[str, frozenset[str]]:
    """The tags of a zone's declared assets."""
    return {each.name: frozenset(each.tags) for each in here.manifest.assets if each.zone == zone}


def accept_baseline(here: Surroundings, run: Run, rows: Sequence[Proposal], who: str, now: datetime) -> None:
    """Write the rows, and start the clocks of the zone's findings.

    Raises:
        BadInput: there is no estate.toml to write to, or it cannot be written.
    """
    if here.path is None:
        raise BadInput("there is no estate.toml to write to: `roundsman init` makes one")
    expectations = [
        Expectation.model_validate(
            {row.by: row.value, "zone": row.zone, "ports": row.ports, "accepted_by": who, "accepted_on": now.date()}
            | {"note": f"baseline of run {run.id[:12]}"}
        )
        for row in rows
    ]
    text = here.path.read_text(encoding="utf-8")
    _replace(here.path, append_expected(text, expectations, str(here.path)))
    with here.database.write() as connection:
        connection.execute(
            insert(ACCEPTANCE), {"run_seq": run.seq, "zone": run.zone, "accepted_by": who, "accepted_at": now}
        )


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then rename: nobody ever reads half of it."""
    unfinished: Path | None = None
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as new:
            unfinished = Path(new.name)
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        unfinished.chmod(path.stat().st_mode)
        unfinished.rename(path)
        unfinished = None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
