"""How a visit to a host is written beside the collector's untouched output, and read again."""

from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from estate.errors import BadReport
from estate.hosts.frames import MOST_BYTES, Collected, read_frames
from estate.hosts.host import Visit

_VISIT = TypeAdapter(Visit)
_LONGEST_VISIT = 65_536


def spell_visit(visit: Visit) -> bytes:
    """A visit as the companion of its evidence."""
    return _VISIT.dump_json(visit)


def read_visit(stream: BinaryIO) -> Visit:
    """Read a companion.

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


def read_collected(stream: BinaryIO, nonce: str) -> Collected:
    """Read a collector's output; nothing came of a host that was not reached.

    Raises:
        BadReport: it is larger than any collector's.
    """
    return read_frames(stream.read(MOST_BYTES + 1), nonce)
