"""The collector run inside a lab host, and what every check makes of it."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from estate.findings import Severity
from estate.hosts.frames import read_frames
from estate.hosts.host import Host, Unseen, Visit
from estate.hosts.registry import CHECKS
from infra.lab.hosts.lab import LabHost
from infra.lab.namespaces import LabError
from tasks.hosts.collector import collector

GROUPS = ("packages", "privilege", "access", "hardening")


@dataclass(frozen=True, slots=True)
class Failure:
    """One place at which a check failed."""

    check: str
    resource: str
    severity: Severity
    evidence: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What all checks say of one collection: where they failed, and which could not see everything, with the reason."""

    failures: tuple[Failure, ...]
    unseen: dict[str, str]

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """Check and resource of every failure."""
        return frozenset((each.check, each.resource) for each in self.failures)


def collect(lab: LabHost, *, user: str = "root", level: str = "standard", groups: Collection[str] = GROUPS) -> Host:
    """Run the collector inside, and cut what it printed into sections.

    Args:
        user: as whom.
        level: how much it is asked; only `cloud` connects anywhere.
        groups: parts of it that are wanted; others say nothing.

    Raises:
        LabError: it did not come to its end.
    """
    nonce = secrets.token_hex(16)
    script = collector()
    for group in set(GROUPS) - set(groups):
        silent = f"\n{group}_sections() {{ :; }}\n\nmain() {{\n".encode()
        script = script.replace(b"\nmain() {\n", silent, 1)
    done = lab.run(("sh", "-s", "--", nonce, level), stdin=script, timeout=300, user=user)
    frames = read_frames(done.stdout, nonce)
    if not frames.complete:
        raise LabError(f"the collector ended with {done.returncode}: {done.stderr[-500:].decode(errors='replace')}")
    return Host(Visit(f"host:{lab.kind}", datetime.now(UTC), nonce, "local"), frames)


def judge(host: Host) -> Judged:
    """Ask every check."""
    failures: list[Failure] = []
    unseen: dict[str, str] = {}
    for check in CHECKS:
        try:
            # Those that came before the check could not see on stand.
            failures.extend(Failure(check.id, each.resource, each.severity, each.evidence) for each in check.run(host))
        except Unseen as why:
            unseen[check.id] = why.reason
    return Judged(tuple(failures), unseen)
