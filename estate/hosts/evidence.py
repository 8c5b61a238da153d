"""A visit to a host as evidence: how it went, and as its companion the collector's untouched output."""

from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from estate.errors import BadReport
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
    text = stream.read(_LONGEST_VISIT + 1)
    if len(text) > _LONGEST_VISIT:
        raise BadReport("a visit's description has more than 64 KiB")
    try:
        return _VISIT.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadReport(f"a visit's description: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def read_collected(stream: BinaryIO | None, nonce: str) -> Collected:
    """Read a collector's output; there is none of a host that was not reached.

    Raises:
        BadReport: it is larger than any collector's.
    """
    return read_frames(stream.read(MOST_BYTES + 1) if stream else b"", nonce)
