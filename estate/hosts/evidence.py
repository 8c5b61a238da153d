"""A visit to a host as evidence: how it went, and as its companion the collector's untouched output."""

from typing import BinaryIO

from pydantic import TypeAdapter

from estate.evidence import read_bounded, read_document
from estate.hosts.frames import MOST_BYTES, Collected, read_frames
from estate.hosts.host import Visit

_VISIT = TypeAdapter(Visit)
_LONGEST_VISIT = 65_536


def spell_visit(visit: Visit) -> bytes:
    """A visit as the document that stands for it."""
    return _VISIT.dump_json(visit)


def read_visit(stream: BinaryIO) -> Visit:
    """Read a visit.

    Raises:
        BadReport: it is none.
    """
    text = read_bounded(stream, _LONGEST_VISIT, "a visit's description has more than 64 KiB")
    return read_document(_VISIT, text, "a visit's description")


def read_collected(stream: BinaryIO | None, nonce: str) -> Collected:
    """Read a collector's output; there is none of a host that was not reached.

    Raises:
        BadReport: it is larger than any collector's.
    """
    return read_frames(stream.read(MOST_BYTES + 1) if stream else b"", nonce)
