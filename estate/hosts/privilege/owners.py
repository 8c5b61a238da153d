"""Whose a file is in the package database, and which set-id bits the database itself knows of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from estate.hosts.host import Host, Unseen, lines

_MERGED = re.compile(r"/usr(/(?:s?bin|lib[0-9a-z]*)/.*)\Z", re.DOTALL)
_BARE = re.compile(r"/(?:s?bin|lib[0-9a-z]*)/", re.DOTALL)
_OWN_MODE = re.compile(r"B ([0-7]{4}) (\S+) (\S+) (\S+) (/.*)\Z", re.DOTALL)
_OVERRIDE = re.compile(r"V (\S+) (\S+) ([0-7]{3,4}) (/.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Owners:
    """Answers of the host's package database on the paths that were asked of it.

    `database` is `dpkg`, `rpm`, `apk` or empty. `known` are set-id bits as packages themselves ship them, where the
    database has them (rpm, apk); `overrides` are those that were registered on the host (dpkg-statoverride): mode, user
    and group by path.
    """

    database: str
    packages: Mapping[str, str]
    diverted: Mapping[str, str]
    known: Mapping[str, tuple[int, str, str]]
    overrides: Mapping[str, tuple[int, str, str]]
    full: bool

    def package(self, path: str) -> str:
        """The package that a file came with, without its architecture; empty where none did."""
        for spelled in (path, self.diverted.get(path, path)):
            for each in both_ways(spelled):
                if each in self.packages:
                    return self.packages[each]
        return ""


def both_ways(path: str) -> tuple[str, ...]:
    """A path as it may be spelled before and after /bin became a part of /usr."""
    if merged := _MERGED.match(path):
        return path, merged[1]
    return (path, "/usr" + path) if _BARE.match(path) else (path,)


def read_owners(host: Host) -> Owners:
    """The database's answers.

    Raises:
        Unseen: they are not whole; without them nobody can say whose a file is.
    """
    database, full = "", True
    packages: dict[str, str] = {}
    diverted: dict[str, str] = {}
    known: dict[str, tuple[int, str, str]] = {}
    overrides: dict[str, tuple[int, str, str]] = {}
    for row in lines(host.section("owner")):
        if row.startswith("db "):
            database = row[3:]
        elif row == "T":
            full = False
        elif row.startswith("P ") and len(parts := row.split(" ", 2)) == 3:
            packages[parts[2]] = parts[1].partition(":")[0]
        elif row.startswith("D ") and "\t" in row:
            here, _, there = row[2:].partition("\t")
            diverted[there] = here
        elif own := _OWN_MODE.match(row):
            packages[own[5]] = own[4]
            known[own[5]] = int(own[1], 8), own[2], own[3]
        elif override := _OVERRIDE.match(row):
            overrides[override[4]] = int(override[3], 8), override[1], override[2]
    return Owners(database, packages, diverted, known, overrides, full)


def owners_or_none(host: Host) -> tuple[Owners, str]:
    """The answers, and why there are none."""
    try:
        return host.read(read_owners), ""
    except Unseen as unseen:
        return Owners("", {}, {}, {}, {}, False), unseen.reason
