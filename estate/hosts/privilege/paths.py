"""Who may replace what root runs: a path, every directory on its way, and where its links lead."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.host import Host, lines
from estate.hosts.privilege.names import Names, read_names

_ROW = re.compile(r"([0-9a-f]{1,8}) (\d{1,10}) (\d{1,10}) (/.*)\Z", re.DOTALL)
_STICKY, _SEARCH = 0o1000, 0o001
_MOST_LINKS = 2


@dataclass(frozen=True, slots=True)
class Stat:
    """What stat says of a path, links followed."""

    mode: int
    uid: int
    gid: int

    @property
    def directory(self) -> bool:
        """Whether it is one."""
        return self.mode & 0o170000 == 0o040000

    @property
    def permissions(self) -> str:
        """The mode as chmod takes it."""
        return f"{self.mode & 0o7777:04o}"


@dataclass(frozen=True, slots=True)
class Weak:
    """A place that others than root may write: `place` is where, `who` may, and `anyone` where everybody does."""

    place: str
    who: str
    anyone: bool
    absent: bool = False

    @property
    def severity(self) -> Severity:
        """Any local account, or only some."""
        return Severity.CRITICAL if self.anyone else Severity.HIGH


def parse_stat(row: str) -> tuple[str, Stat] | None:
    """A row of mode (hexadecimal), user, group and path."""
    found = _ROW.match(row)
    if found is None:
        return None
    return found[4].replace("\x01", "\n"), Stat(int(found[1], 16), int(found[2]), int(found[3]))


@dataclass(frozen=True, slots=True)
class Paths:
    """What the host says of the paths that its root runs."""

    stats: Mapping[str, Stat]
    absent: frozenset[str]
    links: Mapping[str, str]
    names: Names
    reader: int
    fault: str

    def weak(self, path: str) -> Weak | None:
        """Who besides root may put something else there; None where nobody may, or where it was not looked at."""
        for spelled in dict.fromkeys(each for each in (path, self.links.get(path)) if each):
            for found in self._on_the_way(normal(spelled)):
                return found
        return None

    def known(self, path: str) -> bool:
        """Whether the path was looked at, and not hidden from whoever asked."""
        path = normal(path)
        if path in self.stats:
            return True
        if path not in self.absent:
            return False
        if self.reader == 0:
            return True
        above = next((each for each in parents(path) if each in self.stats), None)
        return above is not None and bool(self.stats[above].mode & _SEARCH)

    def _on_the_way(self, path: str, followed: int = 0) -> Iterator[Weak]:
        """The weak places of a path, nearest first; what a link leads to has no more links, unless somebody lies."""
        below: str | None = None
        for place in (path, *parents(path)):
            stat = self.stats.get(place)
            if stat is None:
                below = place
                continue
            if (who := self._who(stat, below)) is not None:
                yield Weak(place, who[0], who[1], path in self.absent)
            real = self.links.get(place)
            if real is not None and followed < _MOST_LINKS:
                yield from self._on_the_way(normal(real), followed + 1)
            below = place

    def _who(self, stat: Stat, below: str | None) -> tuple[str, bool] | None:
        """Who besides root may write it; of a sticky directory's entries only their own."""
        if stat.uid != 0:
            return f"{self.names.user(stat.uid)} owns it", False
        entry = self.stats.get(below) if below is not None and below not in self.links else None
        if stat.directory and stat.mode & _STICKY and entry is not None:
            return None
        if stat.mode & 0o002:
            return "everybody may write", True
        if stat.mode & 0o020 and stat.gid != 0 and (members := self.names.others_in(stat.gid)):
            return f"group {self.names.group(stat.gid)} ({', '.join(members[:5])}) may write", False
        return None

    def told(self, weak: Weak) -> str:
        """The place and what is wrong with it, as evidence."""
        stat = self.stats[weak.place]
        absent = "it is absent, and " if weak.absent else ""
        owner = self.names.owner(stat.uid, stat.gid)
        return f"{absent}{weak.place} is {stat.permissions} {owner}: {weak.who}"


def normal(path: str) -> str:
    """A path without doubled or trailing slashes and single dots."""
    path = re.sub(r"/\.(?=/|\Z)", "", re.sub(r"/+", "/", path))
    return path.rstrip("/") or "/"


def parents(path: str) -> Iterator[str]:
    """Every directory above a path, nearest first."""
    while path not in {"", "/"}:
        path = path.rpartition("/")[0] or "/"
        yield path


def read_paths(host: Host) -> Paths:
    """The stats of the paths that the other sections name.

    Raises:
        Unseen: nothing came.
    """
    stats: dict[str, Stat] = {}
    absent: set[str] = set()
    links: dict[str, str] = {}
    body = lines(host.section("refs", partly=True))
    fault = host.fault("refs")
    for row in body[:-1] if fault else body:
        kind, rest = row[:1], row[2:]
        if kind == "R" and (found := parse_stat(rest)) is not None:
            stats[found[0]] = found[1]
        elif kind == "-":
            absent.add(rest)
        elif kind == "L" and "\t" in rest:
            path, _, real = rest.partition("\t")
            links[path] = real
        elif kind == "T":
            fault = fault or "cut"
    return Paths(stats, frozenset(absent), links, host.read(read_names), _reader(host), fault)


def _reader(host: Host) -> int:
    """Who asked: root sees everything, and to others what is hidden looks absent."""
    found = re.search(rb"^uid=(\d{1,10})$", host.section("who", partly=True), re.MULTILINE)
    return -1 if found is None else int(found[1])
