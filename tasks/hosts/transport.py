"""What a way to a host is: a command to run here, and the reading of what became of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from estate.text import printable
from tasks.hosts.shell_line import REMARK
from tasks.supervisor import Ended

LONGEST_DETAIL = 500
_SUDO = re.compile(r"(?:sudo(?:-rs)?: |Sorry, )")


@dataclass(frozen=True, slots=True)
class Errand:
    """One collection that is to be made.

    Args:
        nonce: what frames its sections.
        level: how deeply the collector looks.
        seconds: how long all of it may take.
        notes: a file of our own that the command may write to, or read from.
    """

    nonce: str
    level: str
    seconds: float
    notes: Path


@dataclass(frozen=True, slots=True)
class Came:
    """What became of a command.

    Args:
        ended: how the command ended here; its tail of standard error is the host's and the client's.
        framed: whether the collector said anything.
        said: the beginning of what was printed, which means nothing to us where nothing is framed.
        notes: what the command wrote of itself.
    """

    ended: Ended
    framed: bool
    said: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The error and detail of a `Visit`."""

    error: str = ""
    detail: str = ""


class Transport(Protocol):
    """One way to one host."""

    @property
    def via(self) -> str:
        """Its name."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the command gets of our environment, beyond what every tool gets."""

    def command(self, errand: Errand) -> tuple[str, ...]:
        """The program and its arguments; it reads the collector on standard input, and prints what that prints.

        Raises:
            BadInput: a name that the program could misread.
        """

    def explain(self, came: Came) -> Outcome:
        """Why nothing is framed, in a word of `Visit.error`; or with what remark something is."""


def remarks(stderr: str) -> str:
    """Why the collector ran with less privilege than was hoped for: sudo's words and our shell line's."""
    found = [line.strip() for line in stderr.splitlines() if line.startswith(REMARK) or _SUDO.match(line)]
    ours = [line for line in found if line.startswith(REMARK)]
    return joined([line.removeprefix(REMARK) for line in found]) if ours else ""


def joined(lines: list[str]) -> str:
    """The last few of these lines in one that is safe to show."""
    return printable("; ".join(dict.fromkeys(line.strip() for line in lines[-8:] if line.strip())), LONGEST_DETAIL)
