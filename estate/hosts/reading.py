"""What one collected host proves: its inventory, its failed checks, and a verdict on every question, asked or not."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from estate.coverage import Keys, Look, Verdict
from estate.hosts.checks import Check, Inventoried, Problem
from estate.hosts.host import Host, Unseen
from estate.hosts.registry import CHECKS, INVENTORY, OF_THE_CLOUD
from estate.observations import Attributes, Reading
from estate.text import printable

ASKED: Mapping[str, Keys] = {
    "standard": Keys.of(
        (
            *(f"{each.family}/*" for each in INVENTORY),
            *(f"{check.id}/*" for check in CHECKS if check.id not in OF_THE_CLOUD),
        )
    ),
    "cloud": Keys.of((*(f"{each.family}/*" for each in INVENTORY), *(f"{check.id}/*" for check in CHECKS))),
}
"""Every question by the level of a visit: what is in each family, and which places fail each check."""
_MOST_OF_A_KIND = 20_000
_LONGEST_NAME = 1_000
_LONGEST_VALUE = 500


def host_reading(host: Host, look: int = 0) -> Reading:
    """Read a host through every inventory and check."""
    present: dict[str, Attributes] = {}
    reasons: dict[tuple[Verdict, str], list[str]] = {}
    for each in INVENTORY:
        verdict, reason = _gather(present, each.family, partial(each.read, host))
        reasons.setdefault((verdict, reason or "not-listed"), []).append(f"{each.family}/*")
    for check in CHECKS:
        verdict, reason = _gather(present, check.id, partial(_problems, check, host))
        reasons.setdefault((verdict, reason or "passed"), []).append(f"{check.id}/*")
    looks = tuple(Look(verdict, reason, Keys.of(keys)) for (verdict, reason), keys in reasons.items())
    return Reading(host.visit.asset, present, looks, look)


def _problems(check: Check, host: Host) -> Iterator[Inventoried]:
    return map(_told, check.run(host))


def _told(problem: Problem) -> Inventoried:
    values = {"severity": problem.severity.value, "evidence": problem.evidence, "subject": problem.subject}
    return problem.resource, tuple(sorted((name, value) for name, value in values.items() if value))


def _gather(
    present: dict[str, Attributes], family: str, read: Callable[[], Iterable[Inventoried]]
) -> tuple[Verdict, str]:
    """Put a family's things into `present`; the verdict on everything else of the family, with the reason."""
    count = 0
    try:
        for name, values in read():
            if count >= _MOST_OF_A_KIND:
                return Verdict.BLIND, "too-many"
            present[f"{family}/{name_of(name)}"] = tuple(
                (key, printable(value, _LONGEST_VALUE)) for key, value in values
            )
            count += 1
    except Unseen as unseen:
        return Verdict.BLIND, unseen.reason
    return Verdict.NEGATIVE, ""


def name_of(name: str) -> str:
    """A name as part of a key: printable, bounded, and still one of its own."""
    return printable(name, _LONGEST_NAME) or "-"
