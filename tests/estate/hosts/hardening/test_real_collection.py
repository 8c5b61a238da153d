"""The collector's part on this machine, read through every check of the group."""

import secrets
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.hosts.frames import read_frames
from estate.hosts.hardening import CHECKS, INVENTORY
from estate.hosts.host import Host, Unseen, Visit

PARTS = Path(__file__).parents[4] / "tasks" / "hosts" / "collector"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
OURS = {"firewall", "daemons", "mounts", "confinement", "updates", "cores", "netctl", "shipping", "agents", "boot"}


def collected(*shell: str) -> Host:
    nonce = secrets.token_hex(16)
    argv = (*shell, "-s", "--", nonce)
    head, ours, tail = ((PARTS / f"{name}.sh").read_bytes() for name in ("head", "hardening", "tail"))
    others = b"".join(b"%s_sections() { :; }\n" % name for name in (b"packages", b"privilege", b"access"))
    done = subprocess.run(argv, input=head + others + ours + tail, capture_output=True, check=True, timeout=120)
    frames = read_frames(done.stdout, nonce)
    assert frames.complete
    return Host(Visit("host:here", datetime(2026, 5, 4, tzinfo=UTC), nonce, "local"), frames)


@pytest.mark.parametrize("shell", [("dash",), ("bash",), ("busybox", "ash"), (*NOBODY, "dash")], ids=" ".join)
def test_what_the_collector_brings_is_read(shell: tuple[str, ...]) -> None:
    host = collected(*shell)
    assert set(host.collected.sections) >= OURS
    unseen: dict[str, str] = {}
    for check in CHECKS:
        try:
            tuple(check.run(host))
        except Unseen as why:
            unseen[check.id] = why.reason
    for inventory in INVENTORY:
        with suppress(Unseen):
            tuple(inventory.read(host))
    assert set(unseen.values()) <= {"no-privilege", "not-asked"}
    assert unseen["HOST-HRD-007"] == "not-asked"
    assert ("HOST-HRD-001" in unseen) is (NOBODY[0] in shell)
