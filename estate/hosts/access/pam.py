"""PAM's stacks as pam.conf(5) writes them: who decides whether somebody is who they say."""

import re
from dataclasses import dataclass

from estate.hosts.access.texts import seen_texts
from estate.hosts.host import Host

_LINE = re.compile(r"-?(auth|account|password|session)\s+(\[[^\]]*\]|\S+)\s+(\S+)(?:\s+(.*))?\Z", re.IGNORECASE)
_INCLUDE = re.compile(r"@include\s+(\S+)\s*\Z")
_CHOICE = re.compile(r"([a-z_]+)\s*=\s*([a-z]+|\d+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one service's stack.

    Args:
        file: the file that it stands in.
        kind: `auth`, `account`, `password`, `session`.
        control: as written, in lower case: `required`, `sufficient`, `[success=1 default=ignore]`, `include`.
        module: as written: mostly a name, seldom a path.
        arguments: what the module is told.
    """

    file: str
    kind: str
    control: str
    module: str
    arguments: str

    @property
    def name(self) -> str:
        """The module's name without its path and end."""
        return self.module.rpartition("/")[2].removesuffix(".so")

    @property
    def alone_enough(self) -> bool:
        """Whether this module's yes ends the stack with a yes, or leaps over those that would say no."""
        if self.control.startswith("["):
            choices: dict[str, str] = dict(_CHOICE.findall(self.control))
            outcome = choices.get("success", choices.get("default", "bad"))
            return outcome == "done" or outcome.isdecimal()
        return self.control == "sufficient"

    @property
    def told(self) -> str:
        """The line again, in one spacing."""
        return " ".join((self.kind, self.control, self.module, *self.arguments.split()))


@dataclass(frozen=True, slots=True)
class Pam:
    """The stacks by file, and modules of which no package knows."""

    stacks: tuple[tuple[str, tuple[Line, ...]], ...]
    modules: tuple[str, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line of every file."""
        return tuple(line for _, stack in self.stacks for line in stack)


def read_pam(host: Host) -> Pam:
    """Read the section `pam`; what was cut off is missing.

    Raises:
        Unseen: nothing of it came.
    """
    texts = seen_texts(host, "pam")
    stacks = tuple((path, tuple(_lines(path, text))) for path, text in texts.files)
    modules = tuple(word[7:] for word in texts.said if word.startswith("module "))
    return Pam(stacks, modules)


def _lines(path: str, text: tuple[str, ...]) -> list[Line]:
    found: list[Line] = []
    for written in _joined(text):
        line = written.partition("#")[0].strip()
        if path == "/etc/pam.conf":
            line = "".join(line.split(None, 1)[1:])
        if (included := _INCLUDE.match(line)) is not None:
            found.append(Line(path, "auth", "include", included[1], ""))
        elif (parts := _LINE.match(line)) is not None:
            found.append(Line(path, parts[1].lower(), parts[2].lower(), parts[3], parts[4] or ""))
    return found


def _joined(text: tuple[str, ...]) -> list[str]:
    """Lines that end in a backslash go on in the next one."""
    found: list[str] = []
    going_on = False
    for line in text:
        plain = line.removesuffix("\\")
        if going_on:
            found[-1] += " " + plain
        else:
            found.append(plain)
        going_on = line.endswith("\\")
    return found
