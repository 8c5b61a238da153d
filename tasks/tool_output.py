"""What a tool prints, line by line as it comes, with only its end kept: a flood costs no memory."""

from collections.abc import Callable
from pathlib import Path

OnLine = Callable[[str], None]

CHUNK = 65_536


class Output:
    """One stream of a running tool."""

    def __init__(self, keep: int, on_line: OnLine | None) -> None:
        """Keep the last `keep` bytes, and give every line to `on_line`; one over 64 KiB comes in pieces."""
        self._keep = keep
        self._on_line = on_line
        self._tail = bytearray()
        self._line = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take what came."""
        self._tail += chunk
        if len(self._tail) > self._keep + CHUNK:
            del self._tail[: len(self._tail) - self._keep]
        if self._on_line is None:
            return
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._line += line
            self._give(self._on_line)
        self._line += rest
        if len(self._line) > CHUNK:
            self._give(self._on_line)

    def finish(self) -> None:
        """Give the last line, which nothing ended."""
        if self._line and self._on_line is not None:
            self._give(self._on_line)

    def tail(self) -> str:
        """The end of it; what is no UTF-8 shows as replacement characters."""
        return self._tail[max(0, len(self._tail) - self._keep) :].decode("utf-8", "replace")

    def _give(self, on_line: OnLine) -> None:
        line = self._line.decode("utf-8", "replace").rstrip("\r")
        self._line.clear()
        on_line(line)


def file_tail(path: Path, keep: int) -> str:
    """The end of a stream that went to a file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - keep))
        return file.read(keep).decode("utf-8", "replace")
