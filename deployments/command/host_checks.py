"""What `doctor` says of host audits: the ways in, their credentials, what each leaves blind, and personal data kept."""

import os
import shutil
import subprocess
from collections.abc import Iterator

from deployments.command.looked import Check
from deployments.command.printing import counted
from estate.manifest import DeclaredHost
from estate.store.personal import count_personal
from estate.store.surroundings import Surroundings
from tasks.containers.api import address_of

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
        missing = [*_missing(here, row), *_closed(here, row)]
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
    for name in ("identity", "known_hosts", "config"):
        said = getattr(row, name)
        path = here.file(said) if said else None
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            yield f"{name}: {path}: {error.strerror}"
            continue
        if name == "identity" and path.stat().st_mode & 0o077:
            yield f"identity: {path} may be read by others, so ssh refuses it: chmod 600"


def _closed(here: Surroundings, row: DeclaredHost) -> Iterator[str]:
    """Keys and rights that do not open, as far as that can be tried without going to the host."""
    if row.via == "docker" and not _reaches_engine(here):
        yield "the container engine may not be asked: join its group, or name another socket in [containers] engine"
    if row.via == "local" and row.sudo == "full" and os.geteuid() and _run("sudo", "-n", "true") is None:
        yield "sudo wants a password here, so the audit runs without privilege"
    if row.identity is None:
        return
    path = here.file(row.identity)
    if not path.is_file() or _run("ssh-keygen", "-y", "-P", "", "-f", str(path)) is not None:
        return
    # A passphrase keeps it: then only an agent can use it, and knows it by its fingerprint.
    printed = _run("ssh-keygen", "-l", "-f", str(path)) or ""
    fingerprint = next((word for word in printed.split() if word.startswith("SHA256:")), "")
    if not fingerprint or fingerprint not in (_run("ssh-add", "-l") or ""):
        yield f"identity: {path} has a passphrase, and no agent holds it: ssh-add {path}"


def _reaches_engine(here: Surroundings) -> bool:
    where = address_of(here.manifest.containers.engine or "")
    return not where.startswith("unix://") or os.access(where.removeprefix("unix://"), os.R_OK | os.W_OK)


def _run(*argv: str) -> str | None:
    """What a tool prints; None where it fails or is not there."""
    kept = {name: os.environ[name] for name in ("SSH_AUTH_SOCK", "PATH", "HOME") if name in os.environ}
    try:
        done = subprocess.run(
            argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=10, check=True, env=kept, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _told(row: DeclaredHost) -> str:
    way = f"in container {row.container}" if row.container else row.via
    return f"{way}, {_BLIND[row.sudo]}"
