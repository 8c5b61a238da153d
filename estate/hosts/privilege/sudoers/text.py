"""sudo's files as logical lines: continued lines joined, comments dropped, includes followed in the order sudo has."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_INCLUDE = re.compile(r"[ \t]*[@#]include(dir)?[ \t]+(.*)\Z", re.DOTALL)
_CONTINUED = re.compile(r"\\[ \t]*\r?\Z")
_DEEPEST = 128
"""As sudo's own limit (MAX_SUDOERS_DEPTH)."""


@dataclass(frozen=True, slots=True)
class Files:
    """sudo's files by path, directories that are included with their files, and what could not be read.

    `first` is where sudo begins; `unread` are paths that exist and did not come.
    """

    first: str
    contents: Mapping[str, str]
    unread: frozenset[str]
    host: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line and the file that it stands in; no text where something there could not be read."""

    file: str
    text: str


def logical_lines(files: Files) -> Iterator[Line]:
    """Every line that says something; an include that did not come is a line without text."""
    yield from _read(files, files.first, frozenset(), {files.first})


def _read(files: Files, path: str, open_files: frozenset[str], told: set[str]) -> Iterator[Line]:
    if path in files.unread:
        yield Line(path, "")
    if path not in files.contents or path in open_files or len(open_files) >= _DEEPEST:
        return
    for text in _joined(files.contents[path]):
        included = _INCLUDE.match(text)
        if included is None:
            if (said := without_comment(text).strip()) != "":
                yield Line(path, said)
            continue
        for each in _included(files, path, _include_path(files, path, included[2]), included[1] is not None):
            # A file that is included twice is read twice by sudo, and says nothing new the second time.
            if each not in told:
                told.add(each)
                yield from _read(files, each, open_files | {path}, told)


def _included(files: Files, parent: str, path: str, is_directory: bool) -> Iterator[str]:
    """The files that an include brings: of a directory, those without a dot and not ending in a tilde, in order."""
    if not is_directory:
        yield path
        return
    place = path.rstrip("/")
    if place in files.unread:
        yield place
    inside = {*files.contents, *files.unread}
    for each in sorted(each for each in inside if each.rpartition("/")[0] == place and each != parent):
        name = each.rpartition("/")[2]
        if "." not in name and not name.endswith("~"):
            yield each


def _include_path(files: Files, parent: str, words: str) -> str:
    words = words.strip()
    if words.startswith('"'):
        path = words[1:].partition('"')[0]
    else:
        path = re.sub(r"\\(.)", r"\1", (re.match(r"(?:\\.|[^\s\\])*", words) or [""])[0])
    path = path.replace("%h", files.host)
    return path if path.startswith("/") else f"{parent.rpartition('/')[0]}/{path}"


def _joined(text: str) -> Iterator[str]:
    """Lines joined where a backslash ends them; within a comment it does not."""
    whole = ""
    for line in text.split("\n"):
        whole += line
        if (end := _CONTINUED.search(whole)) is not None and not _INCLUDE.match(whole) and not _commented(whole):
            whole = whole[: end.start()]
            continue
        yield whole.rstrip("\r")
        whole = ""
    if whole:
        yield whole


def without_comment(text: str) -> str:
    """The line up to its comment."""
    at = _comment(text)
    return text if at is None else text[:at]


def _commented(text: str) -> bool:
    return _comment(text) is not None


def _comment(text: str) -> int | None:
    """Where a comment begins: at a number sign that is neither escaped, nor quoted, nor begins an id (`#0`)."""
    at, quoted = 0, False
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
        elif letter == '"':
            quoted = not quoted
        elif letter == "#" and not quoted and not re.match(r"-?\d", text[at + 1 : at + 3]):
            return at
        at += 1
    return None
