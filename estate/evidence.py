"""The untouched bytes that a scanner returned: content-addressed, and stored before anybody reads them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from estate.errors import BadReport
from estate.text import printable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One document that a tool brought, not yet stored.

    `media` names its reader (`nmap`, `zmap`); `companion` is a second file without which the first one cannot be
    judged (zmap's metadata); `ended` is empty when the tool finished by itself, otherwise why it did not
    (`deadline`, `cancelled`, `signal 9`, `exit 1`).
    """

    media: str
    path: Path
    companion: Path | None = None
    ended: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """Where stored evidence is found again: the sha256 and size of its uncompressed bytes."""

    sha256: str
    size: int


class EvidenceStore(Protocol):
    """A place for evidence; a second put of the same bytes writes nothing."""

    def put(self, path: Path) -> EvidenceRef:
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

    def remove(self, sha256: str) -> None:
        """Forget these bytes; absent ones are no error."""


@dataclass(frozen=True, slots=True)
class Document:
    """Stored evidence, opened for reading."""

    media: str
    look: int
    stream: BinaryIO
    companion: BinaryIO | None = None
    ended: str = ""


class RepeatedSubjectError(Exception):
    """Subjects that a report lists in several places: they must be held back and merged at the end."""

    def __init__(self, subjects: frozenset[str]) -> None:
        super().__init__(f"{len(subjects)} subjects occur more than once")
        self.subjects = subjects


@dataclass(slots=True)
class Notes:
    """What was noticed while reading, for the operator."""

    outside: int = 0
    unfinished: set[str] = field(default_factory=set)
    remarks: set[str] = field(default_factory=set)


def read_document(adapter: TypeAdapter[T], text: bytes, what: str) -> T:
    """Read a document that this program wrote itself.

    Args:
        adapter: of its type.
        text: its JSON.
        what: how it is called where it is refused.

    Raises:
        BadReport: it is none.
    """
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = printable(".".join(map(str, first["loc"])), 200)
        raise BadReport(f"{what}: {where}: {printable(first['msg'], 200)}") from None


def read_bounded(stream: BinaryIO, most: int, complaint: str) -> bytes:
    """All of a stream that is no larger than any honest one.

    Raises:
        BadReport: it has more than `most` bytes, in the words of the complaint.
    """
    text = stream.read(most + 1)
    if len(text) > most:
        raise BadReport(complaint)
    return text
