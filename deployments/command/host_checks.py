"""What `doctor` says of host audits: the ways in, their credentials, what each leaves blind, and personal data kept."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from deployments.command.looked import Check
from deployments.command.printing import counted
from estate.manifest import DeclaredHost
from estate.store.personal import count_personal
from estate.store.surroundings import Surroundings

_BLIND = {
    "no": "an ordinary login: shadow, sudoers, other homes and other users' processes stay out of sight",
    "pinned": "the pinned collector sees everything, and can do nothing else",
    "full": "a root shell sees everything, and whoever holds its key is root there",
}


def check_hosts(here: Surroundings) -> Iterator[Check]:
    """Look at every declared way into a host, without going there."""
    rows = here.manifest.hosts
    if any(row.via == "ssh" for row in rows):
        found = shutil.which("ssh")
        yield Check(
            "ssh", found is not None, found or "the OpenSSH client is not installed: apt install openssh-client"
        )
    for row in rows:
        missing = list(_missing(here, row))
        told = "; ".join(missing) if missing else _told(row)
        yield Check(f"host {row.host}", not missing, told, needed=False)
    kept = count_personal(here.database)
    if kept:
        days = here.manifest.retention.personal_days
        ending = f"`roundsman prune --personal` keeps {counted(days or 0, 'day')}"
        if not days:
            ending = "nothing limits how long: [retention] personal_days does"
        yield Check("personal", bool(days), f"{counted(kept, 'fact')} of host audits may name people; {ending}", False)


def _missing(here: Surroundings, row: DeclaredHost) -> Iterator[str]:
    base = here.path.parent if here.path else Path.cwd()
    for name in ("identity", "known_hosts", "config"):
        said = getattr(row, name)
        path = base / Path(said).expanduser() if said else None
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            yield f"{name}: {path}: {error.strerror}"
            continue
        if name == "identity" and path.stat().st_mode & 0o077:
            yield f"identity: {path} may be read by others, so ssh refuses it: chmod 600"


def _told(row: DeclaredHost) -> str:
    way = f"in container {row.container}" if row.container else row.via
    return f"{way}, {_BLIND[row.sudo]}"
