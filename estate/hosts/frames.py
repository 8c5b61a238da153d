"""The collector's output cut into sections: framed by a nonce that no file on the host can know.

    \n@NONCE B name\n BODY \n@NONCE E name rc=0 cap=4096\n  …  \n@NONCE Z ok\n

What comes before the first frame (a banner, a login shell's chatter) is skipped. A section whose end is missing was
cut with the connection; without the last line the whole collection is not complete.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from estate.errors import BadReport

MOST_BYTES = 16 * 1024 * 1024
"""The collector's own caps add up to less."""
NONCE = re.compile(rb"[0-9a-f]{32}\Z")
_LATE, _MISSING, _DENIED, _PIPE = 124, 3, 4, 141


@dataclass(frozen=True, slots=True)
class Section:
    """One section as it came; `fault` is empty where it is whole, else why it is not.

    Faults: `cut` (longer than its cap), `timeout`, `missing-tool`, `no-privilege`, `failed`, `truncated` (the
    connection ended inside it). What a faulty section does say is true, only not all.
    """

    body: bytes
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """The sections of one collection by name; `complete` where the collector came to its end."""

    sections: Mapping[str, Section]
    complete: bool


def read_frames(output: bytes, nonce: str) -> Collected:
    """Cut a collector's output into its sections; the first of two sections of one name counts.

    Raises:
        BadReport: the nonce is none, or the output is larger than any collector's.
    """
    mark = nonce.encode()
    if not NONCE.match(mark):
        raise BadReport("the collection's nonce is not 32 hexadecimal digits")
    if len(output) > MOST_BYTES:
        raise BadReport(f"the collection has {len(output):,} bytes; no collector writes more than {MOST_BYTES:,}")
    begin = re.compile(rb"\n@" + mark + rb" B ([a-z0-9_]{1,32})\n")
    any_frame = re.compile(rb"\n@" + mark + rb" ")
    text = b"\n" + output
    sections: dict[str, Section] = {}
    at = 0
    while (found := begin.search(text, at)) is not None:
        name = found[1].decode()
        end = re.compile(rb"\n@" + mark + rb" E " + found[1] + rb" rc=(\d{1,3}) cap=(\d{1,9})(?=\n)")
        following = any_frame.search(text, found.end() - 1)
        stop = len(text) if following is None else following.start()
        ended = None if following is None else end.match(text, following.start())
        body = text[found.end() : max(stop, found.end())]
        fault = "truncated" if ended is None else _fault(int(ended[1]), len(body), int(ended[2]))
        sections.setdefault(name, Section(body, fault))
        at = found.end() - 1 if ended is None else ended.end()
    complete = re.search(rb"\n@" + mark + rb" Z ok\n", text) is not None
    return Collected(sections, complete)


def _fault(code: int, size: int, cap: int) -> str:
    if code == _PIPE or size >= cap:
        return "cut"
    return {0: "", _LATE: "timeout", _MISSING: "missing-tool", _DENIED: "no-privilege"}.get(code, "failed")
