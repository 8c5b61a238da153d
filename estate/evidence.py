"""The untouched bytes that a scanner returned: content-addressed, and never read before they are stored."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Evidence:
    """One document a tool brought, before it is stored.

    `media` names the reader: `nmap`, `zmap`, …; `path` is where the tool wrote it. `asked` is what this
    one question covered, in the words of the plan: a report never knows what it was asked.
    """

    media: str
    path: Path
    exit_code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """Where stored evidence is found again: the sha256 and size of the uncompressed bytes."""

    sha256: str
    size: int
    media: str
    notes: tuple[tuple[str, str], ...] = field(default=())


class EvidenceStore(Protocol):
    """A place for evidence; a second put of the same bytes writes nothing."""

    def put(self, path: Path, media: str) -> EvidenceRef:
        """Store the file's bytes, whole or not at all.

        Raises:
            EvidenceNotStored: disk full or not permitted; nothing was half-written.
        """

    def open(self, sha256: str) -> BinaryIO:
        """The uncompressed bytes as a stream that checks them against their name at its end.

        Raises:
            EvidenceMissing: no such evidence.
            EvidenceAltered: at the latest when the last byte was read.
        """


@dataclass(frozen=True, slots=True)
class Engine:
    """Which tool looked, in which version, with which database: part of a change's cause."""

    tool: str
    version: str = ""
    database: str = ""
    started: datetime | None = None
