"""How fresh the lists are by which a host knows of updates: without fresh lists, no update is no news."""

import re
from dataclasses import dataclass

from estate.hosts.host import Host, Unseen
from estate.hosts.packages.rows import rows
from estate.hosts.packages.system import read_system
from estate.hosts.who import read_who

FRESH_SECONDS = 7 * 86400
_DAY = 86400
_STAMP = re.compile(r"/update-(?:success-)?stamp\Z")
_SECURITY = re.compile(r"security|esm\.ubuntu\.com")
_PLACES = {"dpkg": "/var/lib/apt/", "apk": "APKINDEX", "rpm": "/var/cache/"}


@dataclass(frozen=True, slots=True)
class Lists:
    """One package manager's lists.

    Args:
        manager: whose.
        newest: when the newest of them was made or fetched, as a Unix time; None where there are none.
        age: how many seconds ago that was, by the clock that is right for it.
        security_age: the same of those that bring security updates, where they are apart from the others.
    """

    manager: str
    newest: int | None
    age: int | None
    security_age: int | None

    @property
    def stale(self) -> bool:
        """Whether nothing was fetched for a week."""
        return self.age is None or self.age > FRESH_SECONDS

    @property
    def security_stale(self) -> bool:
        """Whether no security updates can be known of."""
        return self.security_age is None or self.security_age > FRESH_SECONDS


def read_lists(host: Host) -> tuple[Lists, ...]:
    """The lists of every package manager of this host.

    A file's time is the server's or the host's, and the host's clock may be years off: each is held against ours and
    against the host's own, and the nearer one counts.

    Raises:
        Unseen: the files could not be looked at.
    """
    listed, fault = rows(host, "lists")
    if fault:
        raise Unseen(fault)
    clocks = [int(host.visit.at.timestamp())]
    if (now := host.read(read_who).now) is not None:
        clocks.append(now)
    found: list[tuple[int, int, str]] = []
    for line in listed:
        when, _, path = line.partition("\t")
        if not (when.isascii() and when.isdecimal()) or len(when) > 11:
            continue
        ages = [age for clock in clocks if (age := clock - int(when)) > -_DAY]
        if ages:
            found.append((min(ages), int(when), path))
    return tuple(_lists(manager, found) for manager in host.read(read_system).managers)


def lists_of(host: Host, manager: str) -> Lists:
    """One manager's lists.

    Raises:
        Unseen: as `read_lists`.
    """
    return next(lists for lists in host.read(read_lists) if lists.manager == manager)


def _lists(manager: str, found: list[tuple[int, int, str]]) -> Lists:
    mine = sorted(row for row in found if _PLACES[manager] in row[2])
    apart = [age for age, _, path in mine if manager != "dpkg" or _SECURITY.search(path)]
    # Debian's own timer leaves a stamp after everything was fetched.
    stamped = [age for age, _, path in mine if _STAMP.search(path)] if apart else []
    fetched = [row for row in mine if not _STAMP.search(row[2])]
    if not fetched:
        return Lists(manager, None, None, None)
    return Lists(manager, mine[0][1], mine[0][0], min((*apart, *stamped), default=None))
