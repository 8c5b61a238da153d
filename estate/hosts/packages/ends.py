"""Whether the distribution's release still gets fixes."""

from collections.abc import Iterator
from datetime import date, timedelta

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen
from estate.hosts.packages.lifetimes import AS_OF, Lifetime, is_rolling, lifetime
from estate.hosts.packages.release import read_release
from estate.hosts.packages.rows import rows

_TRUSTED = timedelta(days=400)
"""As long as a table may be taken for true: distributions announce ends a year ahead."""
_PAID_MARK = "esm.ubuntu.com"


def _past_its_end(host: Host) -> Iterator[Problem]:
    today, release = host.visit.at.date(), host.read(read_release)
    if today - AS_OF > _TRUSTED:
        told = f"Roundsman's table of lifetimes is of {AS_OF}; what was announced since is not in it"
        yield Problem("lifetimes", Severity.LOW, told, "table of lifetimes")
    known = lifetime(release)
    if known is None:
        if is_rolling(release):
            return
        raise Unseen("not-rated")
    if judged := _judged(host, today, known):
        severity, evidence = judged
        yield Problem(release.label, severity, evidence, release.name)


def _judged(host: Host, today: date, known: Lifetime) -> tuple[Severity, str] | None:
    if today <= known.regular:
        return None
    if known.long is not None and today <= known.long:
        return Severity.LOW, f"regular support ended on {known.regular}; long-term support goes on until {known.long}"
    ended = known.long or known.regular
    if known.paid is not None and today <= known.paid:
        if _is_paid_for(host):
            return Severity.LOW, f"support ended on {ended}; what is paid for goes on until {known.paid}"
        return Severity.HIGH, f"support ended on {ended}; only who pays gets fixes, until {known.paid}"
    return Severity.HIGH, f"all support ended on {known.paid or ended}"


def _is_paid_for(host: Host) -> bool:
    """Whether the lists of Ubuntu's expanded maintenance are here: they are fetched with a subscription only."""
    try:
        listed, _ = rows(host, "lists")
    except Unseen:
        return False
    return any(_PAID_MARK in line for line in listed)


CHECKS = (
    Check(
        "HOST-PKG-008",
        "The distribution's release is past the end of its support",
        _past_its_end,
        "Move the host to a release that is supported, or buy the extended support that its maker sells; where the"
        " resource is `lifetimes`: update Roundsman.",
        controls=("2.2",),
        attack=("T1190",),
    ),
)
