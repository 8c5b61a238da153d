"""Where in a TOML file each key stands, so that an error about a value can name its line."""

import re
from bisect import bisect_right

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n,]+|#[^\n]*)*")
_STRINGS = (r'"""(?:\\.|[^\\])*?"{3,5}', r"'''.*?'{3,5}", r'"(?:\\.|[^"\\])*"', r"'[^']*'")
_STRING = re.compile("|".join(_STRINGS), re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]+")


def line_numbers(text: str) -> dict[Path, int]:
    """The line of every key, list item and table of a document that `tomllib` has already read without an error."""
    return _Walk(text).found


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._tables: dict[Path, int] = {}
        prefix: Path = ()
        while self._skip() < len(text):
            if text[self.at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)

    def _skip(self) -> int:
        matched = _BLANK.match(self.text, self.at)
        self.at = matched.end() if matched else self.at
        return self.at

    def _take(self, pattern: re.Pattern[str]) -> str:
        matched = pattern.match(self.text, self.at)
        if matched is None:
            raise ValueError(f"not TOML at character {self.at}")
        self.at = matched.end()
        return matched[0]

    def _note(self, path: Path) -> None:
        self.found.setdefault(path, bisect_right(self._breaks, self.at - 1) + 1)

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip()
            quoted = self.text[self.at] in "\"'"
            part = self._take(_STRING if quoted else _BARE)
            parts.append(part[1:-1] if quoted else part)
            self._skip()
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _header(self) -> Path:
        """A table's path; a part that is a list of tables means its last one."""
        start = self.at
        many = self.text.startswith("[[", start)
        self.at += 2 if many else 1
        parts = self._key()
        path: Path = ()
        for depth, part in enumerate(parts):
            path = (*path, part)
            last = many and depth == len(parts) - 1
            if last:
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
        end = self.at + (2 if many else 1)
        self.at = start
        self._note(path)
        self.at = end
        return path

    def _pair(self, prefix: Path) -> None:
        start = self.at
        parts = self._key()
        end, self.at = self.at, start
        for depth in range(len(parts)):
            self._note((*prefix, *parts[: depth + 1]))
        self.at = end + 1
        self._value((*prefix, *parts))

    def _value(self, path: Path) -> None:
        self._skip()
        self._note(path)
        opening = self.text[self.at]
        if opening in "\"'":
            self._take(_STRING)
        elif opening == "[":
            self._items(path)
        elif opening == "{":
            self.at += 1
            while self.text[self._skip()] != "}":
                self._pair(path)
            self.at += 1
        else:
            self._take(_SCALAR)

    def _items(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self.text[self._skip()] != "]":
            self._value((*path, index))
            index += 1
        self.at += 1
