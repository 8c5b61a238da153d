"""The updates that wait on a host, by its own package manager's word and lists."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from estate.hosts.host import Host, Unseen, lines
from estate.hosts.packages.advisories import read_advisories
from estate.hosts.packages.rows import rows
from estate.hosts.packages.system import read_system

# Inst NAME [INSTALLED] (CANDIDATE LABEL:RELEASE/SUITE, … [ARCHITECTURE]); what has no INSTALLED comes as a dependency.
_INST = re.compile(r"Inst (\S+)(?: \[([^\]\s]+)\])? \((\S+) ([^\[]*)\[[^\]]*\]\)")
_SECURITY = re.compile(r"Debian-Security:|-security\b|UbuntuESM")
_APK = re.compile(r"(\S+?)-(\d\S*)\s+<\s+(\S+)\Z")


@dataclass(frozen=True, slots=True)
class Update:
    """One that waits; `security` is None where nobody says what it is for, `source` who offers it."""

    name: str
    installed: str
    candidate: str
    source: str
    security: bool | None
    held: bool

    @property
    def evidence(self) -> str:
        """What a person wants to see."""
        offered = f" from {self.source}" if self.source else ""
        return f"installed {self.installed}, available {self.candidate}{offered}"


@dataclass(frozen=True, slots=True)
class Updates:
    """What waits; `faults` says of each package manager why there may be more."""

    updates: tuple[Update, ...]
    faults: tuple[tuple[str, str], ...]


def read_updates(host: Host) -> Updates:
    """Read what every package manager says.

    Raises:
        Unseen: it is not known which managers there are.
    """
    found: list[Update] = []
    faults: list[tuple[str, str]] = []
    for manager in host.read(read_system).managers:
        try:
            found += _READERS[manager](host)
        except _Partly as partly:
            found += partly.found
            faults.append((manager, partly.reason))
        except Unseen as unseen:
            faults.append((manager, unseen.reason))
    return Updates(tuple(found), tuple(faults))


class _Partly(Exception):
    def __init__(self, found: list[Update], reason: str) -> None:
        super().__init__(reason)
        self.found, self.reason = found, reason


def _told(found: list[Update], reason: str) -> list[Update]:
    if reason:
        raise _Partly(found, reason)
    return found


def _apt(host: Host) -> list[Update]:
    held = {
        name
        for package in host.read(read_system).packages
        if package.held
        for name in (package.name, f"{package.name}:{package.architecture}")
    }
    listed, fault = rows(host, "apt_upgrades")
    found = []
    for line in listed:
        said = _INST.match(line)
        if said is None:
            fault = fault or ("unreadable" if line else "")
        elif said[2]:
            name, installed, candidate, offers = said[1], said[2], said[3], said[4]
            security = _SECURITY.search(offers) is not None
            found.append(Update(name, installed, candidate, _origin(offers, security), security, name in held))
    return _told(found, fault)


def _origin(offers: str, security: bool) -> str:
    """The first label that says what it is for, without the point release, which has nothing to do with the package."""
    each = [offer.strip() for offer in offers.split(",")]
    first = next((offer for offer in each if security and _SECURITY.search(offer)), each[0])
    label, _, suite = first.partition(":")
    return f"{label} {suite.rpartition('/')[2]}".strip()


def _apk(host: Host) -> list[Update]:
    """Alpine does not say which updates are for security."""
    listed, fault = rows(host, "apk_upgrades")
    said = (_APK.match(line.strip()) for line in listed)
    return _told([Update(row[1], row[2], row[3], "", None, False) for row in said if row], fault)


def _rpm(host: Host) -> list[Update]:
    """What advisories say is newer than the newest that is installed."""
    advised = host.read(read_advisories)
    locked = _locked(host)
    found = [
        Update(each.name, each.installed, each.candidate, each.advisory, each.security, each.name in locked)
        for each in advised.updates
    ]
    return _told(found, advised.fault)


def _locked(host: Host) -> frozenset[str]:
    """Names that dnf's versionlock holds: `NAME-EPOCH:VERSION-RELEASE.*`."""
    names, inside = set(), False
    for line in lines(host.section("yum_sources", partly=True)):
        if line.startswith("F\t"):
            inside = line.endswith("versionlock.list")
        elif inside and (row := line.strip()) and not row.startswith("!"):
            names.add(row.rsplit("-", 2)[0])
    return frozenset(names)


_READERS: dict[str, Callable[[Host], list[Update]]] = {"dpkg": _apt, "rpm": _rpm, "apk": _apk}


def waiting(host: Host) -> Iterator[Update]:
    """The updates of this host, and `Unseen` after them where a manager could not say all."""
    updates = host.read(read_updates)
    yield from updates.updates
    for _, reason in updates.faults:
        raise Unseen(reason)
