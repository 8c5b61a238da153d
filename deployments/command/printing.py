"""How results leave: one JSON object for programs, text for people, and remarks on standard error."""

import errno
import io
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from tempfile import SpooledTemporaryFile
from typing import IO

from rich.console import Console, RenderableType
from rich.text import Text

from estate.text import printable

SHOWN = 200
"""Rows of a table for people; programs get all of them with --json."""

_MESSAGE = 2_000
_IN_MEMORY = 8 << 20
_PIPE_WIDTH = 1_000


def prepare_streams() -> None:
    """Make output possible whatever we were started with: closed streams, and encodings that lack a character."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            with suppress(OSError):
                setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        stream = getattr(sys, name)
        with suppress(OSError):
            if isinstance(stream, io.TextIOWrapper) and stream.fileno() == number:
                stream.reconfigure(errors="backslashreplace")


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Write to standard output; a reader that left early (`| head`) has seen enough, and that is no error."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.EPIPE:
            raise OSError(error.errno, error.strerror, "standard output") from None
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(*renderables: RenderableType, style: str = "") -> None:
    """Print for people: tables as wide as the terminal; on a pipe one line a row, without colours."""
    if sys.stdout.isatty():
        with reader_may_leave():
            Console(highlight=False).print(*renderables, style=style)
        return
    text = io.StringIO()
    Console(file=text, width=_PIPE_WIDTH, highlight=False, force_terminal=False, no_color=True).print(*renderables)
    with reader_may_leave():
        sys.stdout.writelines(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def width() -> int:
    """How many columns there are to fill."""
    return Console().width if sys.stdout.isatty() else _PIPE_WIDTH


def complain(message: str) -> None:
    """Say on standard error what went wrong, so that standard output stays what was asked for."""
    name = "roundsman:"
    for line in message.splitlines() or [""]:
        text = _wrapped(f"{name or ' '} {printable(line, _MESSAGE)}")
        _remark(text.replace(name, _styled(name, "1;31"), 1) if name else text)
        name = ""


def hint(message: str) -> None:
    """Add a remark on standard error."""
    for line in message.splitlines():
        _remark(_styled(_wrapped(printable(line, _MESSAGE)), "2"))


def _wrapped(line: str) -> str:
    """Folded between words where a terminal would fold within them; one line for everybody else."""
    if not sys.stderr.isatty():
        return line
    columns = shutil.get_terminal_size().columns
    return "\n".join(textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False)) or line


def _remark(line: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _styled(text: str, code: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb" or not sys.stderr.isatty()
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


class Rows:
    """JSON rows that wait, on disk where they are many, until it is sure that an object comes of them."""

    def __init__(self) -> None:
        self._file: IO[str] = SpooledTemporaryFile(  # noqa: SIM115  # `close` closes it
            _IN_MEMORY, "w+", encoding="ascii", newline="\n"
        )

    def add(self, row: Mapping[str, object]) -> None:
        """Take one row."""
        self._file.write(json.dumps(row) + "\n")

    def lines(self) -> Iterator[str]:
        """Every row again, as JSON."""
        self._file.seek(0)
        for line in self._file:
            yield line.rstrip("\n")

    def close(self) -> None:
        """Forget them."""
        self._file.close()


def print_object(head: Mapping[str, object], lists: Mapping[str, Iterable[Mapping[str, object]] | Rows]) -> None:
    """Print one JSON object, or, where a row cannot be had, nothing of it; memory does not grow with its lists.

    All of it is ASCII: no banner reaches a terminal, and no locale breaks it.
    """
    with ExitStack() as held:
        waiting: dict[str, Rows] = {}
        for name, rows in lists.items():
            waiting[name] = rows if isinstance(rows, Rows) else Rows()
            held.callback(waiting[name].close)
            for row in () if isinstance(rows, Rows) else rows:
                waiting[name].add(row)
        with reader_may_leave():
            _write_object(sys.stdout, head, waiting)


def _write_object(out: IO[str], head: Mapping[str, object], lists: Mapping[str, Rows]) -> None:
    out.write("{")
    separator = ""
    for name, value in head.items():
        out.write(f"{separator}{json.dumps(name)}: {json.dumps(value)}")
        separator = ", "
    for name, rows in lists.items():
        out.write(f"{separator}{json.dumps(name)}: [")
        comma = "\n"
        for line in rows.lines():
            out.write(comma + line)
            comma = ",\n"
        out.write("]")
        separator = ", "
    out.write("}\n")


def print_rows(name: str, rows: Iterable[Mapping[str, object]], *, as_json: bool, as_lines: bool) -> bool:
    """Print for a program, if that was asked for."""
    if as_lines:
        with reader_may_leave():
            for row in rows:
                sys.stdout.write(json.dumps(row) + "\n")
        return True
    if as_json:
        print_object({}, {name: rows})
        return True
    return False


def safe(value: object, limit: int = 80) -> Text:
    """Foreign text: no control characters, no markup."""
    return Text(printable(str(value), limit))


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 finding`, `2 findings`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
