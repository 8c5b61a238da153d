"""Where this program finds its estate, database and evidence: option, then environment, then estate.toml."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from estate.assets import parse_asset
from estate.errors import BadInput
from estate.evidence import EvidenceStore
from estate.manifest import Manifest, load_manifest
from estate.policy import Policy
from estate.store.database import Database, database_url, home, open_database
from estate.store.folder import EvidenceFolder
from estate.store.history import PUBLISHED
from estate.store.rows import RUN
from estate.store.settlement import Settler
from estate.store.tables import Run

ESTATE_FILE = "estate.toml"
EvidenceBlocks = Callable[[str], EvidenceStore]


@dataclass(frozen=True)
class Surroundings:
    """An opened database and evidence store, and what the estate's description says."""

    path: Path | None
    manifest: Manifest
    database: Database
    evidence: EvidenceStore

    @property
    def policy(self) -> Policy:
        """What is right here; nothing is where no estate is described."""
        return self.manifest.declared

    @property
    def default_zone(self) -> str | None:
        """The zone of the only scope there is."""
        zones = {scope.zone for scope in self.manifest.scopes}
        return zones.pop() if len(zones) == 1 else None

    def file(self, text: str) -> Path:
        """A file as estate.toml names it: one that is not absolute begins there."""
        return (self.path.parent if self.path else Path.cwd()) / Path(text).expanduser()

    def bindings(self, zone: str) -> Mapping[str, tuple[str, ...]]:
        """Declared assets of a zone with their declared addresses."""
        return {each.name: each.addresses for each in self.manifest.assets if each.zone == zone and each.addresses}

    def asset_key(self, word: str, zone: str) -> str:
        """The key of the declared asset that a word means, be it a name, an address or `host:…`; else the word."""
        return self.manifest.declared.asset_for(word.removeprefix("host:"), zone).key

    def expected_by(self, asset: str, zone: str, key: str) -> str:
        """Which row of the estate's description expects this key, in words."""
        row = self.manifest.declared.expectation(parse_asset(asset, zone), key)
        if row is None:
            return ""
        words = (f"{row.by} {row.selects}", row.note or "", f"accepted by {row.accepted_by}" if row.accepted_by else "")
        return ", ".join(word for word in words if word)

    def settler(self, clock: Callable[[], datetime]) -> Settler:
        """What settles runs here."""
        return Settler(self.database, self.evidence, self.policy, clock)

    def latest_published(self) -> Run | None:
        """The latest run whose facts count."""
        query = select(RUN).where(RUN.c.state.in_(PUBLISHED)).order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc())
        with self.database.read() as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return Run(**row) if row else None


def find_estate(chosen: Path | None) -> Path | None:
    """The estate's description: the chosen file, `$ROUNDSMAN_ESTATE`, here, or in the home; None where there is none.

    Raises:
        BadInput: a file was named and is not there.
    """
    named = chosen or (Path(os.environ["ROUNDSMAN_ESTATE"]) if os.environ.get("ROUNDSMAN_ESTATE") else None)
    if named is not None:
        if not named.is_file():
            raise BadInput(f"{named} is not there: `roundsman init` writes one")
        return named.resolve()
    for place in (Path.cwd(), home()):
        if (place / ESTATE_FILE).is_file():
            return (place / ESTATE_FILE).resolve()
    return None


def read_estate(path: Path) -> Manifest:
    """Read the estate's description.

    Raises:
        BadInput: naming file, line and field.
    """
    try:
        return load_manifest(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}") from None


def open_surroundings(chosen: Path | None = None, blocks: EvidenceBlocks | None = None) -> Surroundings:
    """Open everything that a command needs.

    Args:
        chosen: the estate's description, as named on the command line.
        blocks: loads an evidence store from a Prefect block; only programs that know Prefect have one.
    """
    path = find_estate(chosen)
    manifest = read_estate(path) if path else Manifest()
    database = open_database(database_url(manifest.database.resolve(os.environ)))
    if manifest.evidence.block is None:
        folder = Path(manifest.evidence.folder).expanduser() if manifest.evidence.folder else home() / "evidence"
        return Surroundings(path, manifest, database, EvidenceFolder(folder))
    if blocks is None:
        raise BadInput(f"evidence lives in the Prefect block {manifest.evidence.block}, which this program cannot load")
    return Surroundings(path, manifest, database, blocks(manifest.evidence.block))
