"""Processes that still run a program or library whose file was replaced: the update is there, and not in use."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen
from estate.hosts.packages.rows import rows
from estate.hosts.who import read_who

_SHOWN = 5


def _deleted(host: Host) -> Iterator[Problem]:
    listed, fault = rows(host, "deleted")
    used: dict[str, set[str]] = {}
    for line in listed:
        name, _, rest = line.partition("\t")
        unit, _, path = rest.partition("\t")
        if path.startswith("/"):
            used.setdefault(unit or name or "?", set()).add(path)
        elif line:
            fault = fault or "unreadable"
    for who, paths in used.items():
        shown = sorted(paths)
        more = " and more" if len(shown) > _SHOWN else ""
        evidence = f"runs the deleted {', '.join(shown[:_SHOWN])}{more}"
        yield Problem(who, Severity.MEDIUM, evidence)
    if fault:
        raise Unseen(fault)
    if not host.read(read_who).root:
        # The kernel shows each user his own processes.
        raise Unseen("no-privilege")


CHECKS = (
    Check(
        "HOST-PKG-012",
        "A process runs a program or library that was replaced",
        _deleted,
        "systemctl restart {resource}   # or whatever starts it; for systemd itself: systemctl daemon-reexec",
        controls=("7.3",),
        attack=("T1190",),
    ),
)
