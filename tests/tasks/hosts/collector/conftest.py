"""The real collector, cut down to one group, on this machine and on machines that are made for it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.hosts.frames import read_frames
from estate.hosts.host import Host, Visit

NONCE = "0123456789abcdef" * 2
PARTS = Path(__file__).parents[4] / "tasks" / "hosts" / "collector"
GROUPS = ("packages", "privilege", "access", "hardening")
SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "ash")}

Collect = Callable[..., Host]


def script(*groups: str) -> bytes:
    """The collector as it is sent, without the other groups."""
    others = "".join(f"{group}_sections() {{ :; }}\n" for group in GROUPS if group not in groups)
    parts = ("head", *groups, "tail")
    *before, tail = ((PARTS / f"{part}.sh").read_bytes() for part in parts)
    return b"".join(before) + others.encode() + tail


@pytest.fixture
def collect() -> Collect:
    """Run groups of the collector in a shell, behind a command that changes its world, and read what comes."""

    def run(
        *groups: str, shell: str = "dash", behind: tuple[str, ...] = (), environment: Mapping[str, str] | None = None
    ) -> Host:
        command = (*behind, *SHELLS.get(shell, (shell,)), "-s", "--", NONCE)
        surroundings = {**os.environ, **(environment or {})}
        done = subprocess.run(
            command, input=script(*groups), capture_output=True, timeout=240, check=True, env=surroundings, cwd="/"
        )
        return Host(Visit("host:here", datetime.now(UTC), NONCE, "test"), read_frames(done.stdout, NONCE))

    return run


@pytest.fixture
def world() -> Iterator[Path]:
    """A directory that everybody may read, as a root for a machine of our own."""
    made = Path(tempfile.mkdtemp(prefix="world-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def alpine(world: Path) -> Path:
    """A root with BusyBox and nothing else, and a database of apk's: what a small container has."""
    program = Path(shutil.which("busybox") or "/bin/busybox").resolve()
    for name in ("bin", "etc", "lib/apk/db", "opt", "proc", "tmp", "dev", "var/cache/apk"):
        (world / name).mkdir(parents=True)
    shutil.copy(program, world / "bin" / "busybox")
    for line in subprocess.run(("ldd", program), capture_output=True, text=True, check=False).stdout.splitlines():
        for word in line.split():
            if word.startswith("/"):
                (world / word.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, world / word.lstrip("/"))
    listed = subprocess.run((program, "--list"), capture_output=True, text=True, check=True).stdout.split()
    for name in {*listed, "sh"} - {"busybox"}:
        (world / "bin" / name).symlink_to("busybox")
    (world / "etc/os-release").write_text("ID=alpine\nVERSION_ID=3.22.1\n")
    (world / "lib/apk/db/installed").write_text(
        "C:Q1abc\nP:libcrypto3\nV:3.5.1-r0\nA:x86_64\no:openssl\nF:lib\nR:libcrypto.so.3\n\nP:busybox\nV:1.37.0-r18\n\n"
    )
    return world
