"""The one walk over a host's files: what is set-user-id, capable, writable by all or nobody's; and what went unseen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from estate.hosts.host import Host, Unseen, lines

_CAPABLE = re.compile(
    r"(/.*?) (?:= )?((?:[a-z_0-9,]*[=+-][eip]*)(?: [a-z_0-9,]+[=+-][eip]*)*(?: \[rootid=\d+\])?)\Z", re.DOTALL
)
_ROWS = {
    kind: re.compile(kind + fields, re.DOTALL)
    for kind, fields in (
        ("S", r" ([0-7]{1,5}) (\d{1,10}) (\d{1,10}) (/.*)\Z"),
        ("W", r" ([a-z]) ([0-7]{1,5}) (\d{1,10}) (\d{1,10}) (/.*)\Z"),
        ("O", r" (\d{1,10}) (\d{1,10}) (/.*)\Z"),
        ("N", r" ([0-7]{1,5}) (\d{1,10}) (\d{1,10})\Z"),
    )
}
_LOCAL = frozenset({"files", "compat", "systemd", "[SUCCESS=merge]", "[NOTFOUND=return]"})
_NAMELESS = "/(a path with a newline)"


@dataclass(frozen=True, slots=True)
class Special:
    """A file that runs as somebody else: its mode with the set-id bits, and whose it is, in numbers."""

    path: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Writable:
    """A file, or a directory without the sticky bit, that everybody may write."""

    path: str
    mode: int
    directory: bool


@dataclass(frozen=True, slots=True)
class Walk:
    """What came of the walk; `blind` says why anything of a kind may be missing, by the letter of its row."""

    special: tuple[Special, ...]
    capable: tuple[tuple[str, str], ...]
    writable: tuple[Writable, ...]
    unowned: tuple[tuple[str, int, int], ...]
    quiet: tuple[str, ...]
    """Mount points at which set-id bits and capabilities do nothing (`nosuid`)."""
    mounts: tuple[str, ...]
    blind: tuple[tuple[str, str], ...]

    def whole(self, *kinds: str) -> None:
        """Say where one of these kinds may not be all.

        Raises:
            Unseen: it may not.
        """
        for kind, reason in self.blind:
            if kind in {"*", *kinds}:
                raise Unseen(reason)

    def inert(self, path: str) -> bool:
        """Whether the file system that a path lies on ignores set-id bits."""
        over = [at for at in (*self.mounts, *self.quiet) if at in {"/", path} or path.startswith(at + "/")]
        return bool(over) and max(over, key=len) in self.quiet


def read_walk(host: Host) -> Walk:
    """The walk's rows; a path's newline was written as the byte 1.

    Raises:
        Unseen: nothing came of it.
    """
    rows = lines(host.section("walk", partly=True))
    special: list[Special] = []
    capable: list[tuple[str, str]] = []
    writable: list[Writable] = []
    unowned: list[tuple[str, int, int]] = []
    mounts: dict[str, str] = {}
    blind: list[tuple[str, str]] = []
    ended = False
    if host.fault("walk"):
        rows = rows[:-1]
        blind.append(("*", host.fault("walk")))
    for row in (row.replace("\x01", "\n") for row in rows):
        kind = row[:1]
        if kind == "/" and (capabilities := _CAPABLE.match(row)):
            capable.append((capabilities[1], capabilities[2]))
        elif kind == "M" and len(parts := row.split(" ", 2)) == 3:
            mounts[parts[2]] = parts[1]
        elif kind == "D":
            blind.append(("*", "no-privilege"))
        elif kind == "A" and set(row.split()[2:]) - _LOCAL:
            blind.append(("O", "not-rated"))
        elif kind == "A":
            continue
        elif kind == "E":
            ended = True
        elif kind in "TXC" and kind:
            blind.append(_unseen(kind, row))
        elif kind in _ROWS and (fields := _ROWS[kind].match(row)):
            match kind:
                case "S":
                    special.append(Special(fields[4], int(fields[1], 8), int(fields[2]), int(fields[3])))
                case "N":
                    special.append(Special(_NAMELESS, int(fields[1], 8), int(fields[2]), int(fields[3])))
                case "W":
                    writable.append(Writable(fields[5], int(fields[2], 8), fields[1] == "d"))
                case _:
                    unowned.append((fields[3], int(fields[1]), int(fields[2])))
        elif row:
            blind.append(("*", "unreadable"))
    if not ended:
        blind.append(("*", "truncated"))
    return Walk(
        tuple(dict.fromkeys(special)),
        tuple(dict.fromkeys(capable)),
        tuple(dict.fromkeys(writable)),
        tuple(dict.fromkeys(unowned)),
        tuple(at for at, flag in mounts.items() if flag == "nosuid"),
        tuple(at for at, flag in mounts.items() if flag != "nosuid"),
        tuple(dict.fromkeys(blind)),
    )


def _unseen(kind: str, row: str) -> tuple[str, str]:
    """What a row says of what is not there: room that ran out, a tool that is missing, a name that was not asked."""
    what = row[2:]
    if kind == "C":
        return "/", "unreadable"
    if kind == "X":
        return {"caps": ("/", "missing-tool"), "unowned": ("O", "missing-tool")}.get(what, ("*", "unreadable"))
    return {"s": ("S", "cut"), "w": ("W", "cut"), "C": ("/", "cut"), "N": ("S", "cut"), "D": ("D", "cut")}.get(
        what, (what[:1] or "*", "cut")
    )


def special_files(host: Host) -> Iterator[Special]:
    """Files with a set-id bit, without those in stores of containers that belong to an ordinary account."""
    for each in host.read(read_walk).special:
        if each.uid == 0 or not any(store in each.path for store in _STORES):
            yield each


_STORES = ("/.local/share/containers/", "/.local/share/docker/")
