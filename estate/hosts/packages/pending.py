"""Updates that wait, updates that are held back, and lists that are too old to know of any."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen
from estate.hosts.packages.listening import is_reached
from estate.hosts.packages.lists import lists_of, read_lists
from estate.hosts.packages.release import read_release
from estate.hosts.packages.system import read_system
from estate.hosts.packages.updates import Update, waiting
from estate.hosts.who import read_who


def _security(host: Host) -> Iterator[Problem]:
    rated, severity = True, _severities(host)
    for update in waiting(host):
        rated = rated and update.security is not None
        if update.security and not update.held:
            yield _problem(update, severity(update))
    if not rated:
        raise Unseen("not-rated")
    _need_fresh_lists(host, security=True)


def _ordinary(host: Host) -> Iterator[Problem]:
    for update in waiting(host):
        if not update.security and not update.held:
            yield _problem(update, Severity.LOW)
    _need_fresh_lists(host, security=False)


def _held_back(host: Host) -> Iterator[Problem]:
    severity = _severities(host)
    for update in waiting(host):
        if update.held:
            yield _problem(update, severity(update) if update.security else Severity.LOW)
    _need_fresh_lists(host, security=False)


def _severities(host: Host) -> Callable[[Update], Severity]:
    """How bad a missing security update is: one step less where no process that listens has loaded what it mends."""
    reached = is_reached(host)
    return lambda update: Severity.HIGH if reached(update.name) else Severity.MEDIUM


def _problem(update: Update, severity: Severity) -> Problem:
    return Problem(update.name, severity, update.evidence)


def _need_fresh_lists(host: Host, *, security: bool) -> None:
    """Say `stale` where updates may be unknown: those that are known stand."""
    for manager in host.read(read_system).managers:
        lists = lists_of(host, manager)
        apart = security and manager == "dpkg" and not host.read(read_release).unstable
        if lists.stale or (apart and lists.security_stale):
            raise Unseen("stale")


def _stale(host: Host) -> Iterator[Problem]:
    unfetched_is_normal = host.read(read_who).container
    for lists in host.read(read_lists):
        if lists.newest is None and unfetched_is_normal:
            # An image has its updates built in: nobody fetches lists inside.
            continue
        if lists.stale:
            day = "never" if lists.newest is None else f"on {datetime.fromtimestamp(lists.newest, UTC):%Y-%m-%d}"
            yield Problem(_PROGRAM[lists.manager], Severity.MEDIUM, f"lists were last fetched {day}")
        elif lists.manager == "dpkg" and lists.security_age is not None and lists.security_stale:
            yield Problem("apt-security", Severity.MEDIUM, "lists of security updates are older than all others")


_PROGRAM = {"dpkg": "apt", "apk": "apk", "rpm": "dnf"}

CHECKS = (
    Check(
        "HOST-PKG-002",
        "A security update waits",
        _security,
        "apt-get install --only-upgrade {resource}   # or: dnf upgrade {resource}, apk upgrade {resource}",
        cis=("1.2.2.1",),
        controls=("7.3",),
        attack=("T1068", "T1190"),
    ),
    Check(
        "HOST-PKG-003",
        "An update waits",
        _ordinary,
        "apt-get install --only-upgrade {resource}   # or: dnf upgrade {resource}, apk upgrade {resource}",
        cis=("1.2.2.1",),
        controls=("7.4",),
    ),
    Check(
        "HOST-PKG-004",
        "An update is held back",
        _held_back,
        "apt-mark unhold {resource} && apt-get install --only-upgrade {resource}"
        "   # or: dnf versionlock delete {resource}",
        cis=("1.2.2.1",),
        controls=("7.3",),
    ),
    Check(
        "HOST-PKG-010",
        "The lists of packages are old, so that no update is no news",
        _stale,
        "apt-get update   # and: systemctl enable --now apt-daily.timer (dnf: dnf-makecache.timer; apk: apk update)",
        cis=("1.2.2.1",),
        controls=("7.3",),
    ),
)
