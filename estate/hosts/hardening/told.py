"""What every part of hardening asks of a host: its words, its programs, and whether it has a kernel of its own."""

import re
from dataclasses import dataclass

from estate.hosts.host import Host, Unseen, lines
from estate.hosts.who import read_who

_INITS = frozenset(
    {"systemd", "init", "runit", "runit-init", "s6-svscan", "openrc-init", "busybox", "dinit", "tini-init"}
)
_DYNAMIC = range(61184, 65520)
"""Users that systemd makes for a service while it runs: systemd.exec(5), DynamicUser."""
_PROGRAM = re.compile(r"(init|-) (\d{1,10}|\?) (.{1,15})")


@dataclass(frozen=True, slots=True)
class Daemons:
    """Programs that run under a system's user, by the fifteen characters that the kernel keeps of a name.

    An ordinary user can name a process as he likes; `names` has none of theirs. `init` is the first process.
    """

    names: frozenset[str]
    init: str


def told(host: Host, section: str, *, partly: bool = False) -> tuple[tuple[str, str], ...]:
    """The `word=value` lines of a section, in order.

    Raises:
        Unseen: it is not there, or not whole.
    """
    found = (line.partition("=") for line in lines(host.section(section, partly=partly)))
    return tuple((word, value.strip()) for word, sign, value in found if sign)


def first(words: tuple[tuple[str, str], ...], word: str) -> str:
    """The first value of a word; empty where it was not said."""
    return next((value for each, value in words if each == word), "")


def is_root(host: Host) -> bool:
    """Whether the collector was root."""
    return host.read(read_who).root


def is_container(host: Host) -> bool:
    """Whether the kernel, and with it what guards the host from outside, is somebody else's."""
    return host.read(read_who).container


def is_appliance(host: Host) -> bool:
    """Whether it is a container of one program: made anew where it must change, with no init to keep it."""
    return is_container(host) and host.read(daemons).init not in _INITS


def daemons(host: Host) -> Daemons:
    """What runs.

    Raises:
        Unseen: processes of others are hidden, or not all came.
    """
    names: set[str] = set()
    init = ""
    for line in lines(host.section("daemons")):
        if (found := _PROGRAM.fullmatch(line)) is None:
            continue
        place, user, name = found.groups()
        if place == "init":
            init = name
        if user != "?" and (int(user) < 1000 or int(user) in _DYNAMIC):
            names.add(name)
    if not init:
        raise Unseen("unreadable")
    return Daemons(frozenset(names), init)
