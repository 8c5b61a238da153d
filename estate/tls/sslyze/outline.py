"""Find the servers in a report of sslyze's command line, and read them one by one, since each is large."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from estate.errors import BadReport
from estate.text import printable
from estate.tls.sslyze.shapes import Head, Result, Server

MOST_BYTES = 256 << 20
"""About a thousand servers: each takes a quarter of a megabyte, most of it suites that were declined."""

_SERVERS, _STARTED, _VERSION = "server_scan_results", "date_scans_started", "sslyze_version"
_INVALID = "invalid_server_strings"
_SPACE = re.compile(r"[ \t\n\r]*")
_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class SslyzeReport:
    """A report whose outline is sound."""

    started: datetime
    version: str
    invalid: tuple[str, ...]
    _text: str
    _places: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self._places)

    def servers(self) -> Iterator[Server]:
        """Each server.

        Raises:
            BadReport: naming the server and the field that is not as sslyze writes it.
        """
        for number, (start, _) in enumerate(self._places):
            told, _ = _decode(self._text, start)
            yield _checked(_SERVER, told, f"{_SERVERS}[{number}]")


_SERVER: TypeAdapter[Server] = TypeAdapter(Server)
_HEAD: TypeAdapter[Head] = TypeAdapter(Head)


def read_sslyze(stream: BinaryIO) -> SslyzeReport:
    """Read the outline of a report.

    Raises:
        BadReport: it is empty, too large, cut short, no JSON or not sslyze's.
    """
    data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadReport(f"a report of more than {MOST_BYTES >> 20} MB: scan fewer servers at once")
    if not data.strip():
        raise BadReport("empty: sslyze wrote nothing, or was ended before it could")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise BadReport(f"no text: byte {error.start} is not {error.encoding}") from None
    del data
    head, places = _outline(text)
    found = _checked(_HEAD, head, "")
    invalid = tuple(printable(str(one.get("server_string", one)), 200) for one in found.invalid_server_strings)
    return SslyzeReport(found.date_scans_started, found.sslyze_version, invalid, text, places)


def _outline(text: str) -> tuple[dict[str, object], tuple[tuple[int, int], ...]]:
    """The fields of the document but for the servers, and where in the text each server is."""
    head: dict[str, object] = {}
    places: tuple[tuple[int, int], ...] | None = None
    at = _skip(text, 0)
    at = _after(text, at, "{", "a report begins with {")
    while not text.startswith("}", at):
        name, at = _decode(text, at)
        if not isinstance(name, str):
            raise BadReport(f"character {at}: a field's name is expected")
        at = _after(text, at, ":", f"{printable(name, 60)} has no value")
        if name == _SERVERS and text.startswith("[", at):
            places, at = _places(text, at)
        else:
            value, at = _decode(text, at)
            if name in {_STARTED, _VERSION, _INVALID, _SERVERS}:
                head[name] = value
        if not text.startswith("}", at):
            at = _after(text, at, ",", "the report is cut short", before="}")
    if _skip(text, at + 1) != len(text):
        raise BadReport(f"character {at + 1}: something follows the report's end")
    if places is None:
        why = "has to be a list" if _SERVERS in head else "is missing: is this a report of sslyze (--json_out)?"
        raise BadReport(f"{_SERVERS}: {why}")
    return head, places


def _places(text: str, at: int) -> tuple[tuple[tuple[int, int], ...], int]:
    found: list[tuple[int, int]] = []
    at = _after(text, at, "[", "a list is expected")
    while not text.startswith("]", at):
        start = at
        _, at = _decode(text, at)
        found.append((start, at))
        if not text.startswith("]", at):
            at = _after(text, at, ",", f"the report is cut short in {_SERVERS}[{len(found) - 1}]", before="]")
    return tuple(found), _skip(text, at + 1)


def _decode(text: str, at: int) -> tuple[object, int]:
    """A value, and where what follows it begins.

    Raises:
        BadReport: there is none, or it nests too deeply.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except RecursionError:
        raise BadReport(f"character {at}: brackets are nested too deeply") from None
    except json.JSONDecodeError as error:
        short = "cut short: " if error.pos >= len(text) else ""
        raise BadReport(f"no JSON, {short}line {error.lineno}, column {error.colno}: {error.msg}") from None
    return value, _skip(text, end)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after(text: str, at: int, mark: str, complaint: str, *, before: str = "") -> int:
    """Where what follows a mark begins; a comma wants something after it that ends nothing."""
    if not text.startswith(mark, at):
        where = "the end" if at >= len(text) else f"character {at}"
        raise BadReport(f"no JSON, {where}: {complaint}")
    at = _skip(text, at + 1)
    if before and text.startswith(before, at):
        raise BadReport(f"no JSON, character {at}: nothing follows a comma")
    return at


def _number(digits: str) -> int | str:
    """Serial numbers and keys are longer than any number that is needed, and than what Python likes to read."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


_DECODER = json.JSONDecoder(parse_int=_number)


def _checked(adapter: TypeAdapter[Result], told: object, place: str) -> Result:
    try:
        # As JSON: there a moment is text, and a tuple a list.
        return adapter.validate_json(json.dumps(told))
    except RecursionError:
        raise BadReport(f"{place or 'the report'}: brackets are nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(filter(None, (place, *map(str, first["loc"])))) or "the report"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadReport(f"{printable(path, 160)}: {printable(first['msg'], 200)}{more}") from None
