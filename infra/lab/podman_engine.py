"""A Podman of one's own with its API socket, in a folder that is gone with it; it needs no daemon and no network."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.lab.namespaces import LabError

_SECONDS = 120
_SETTINGS = """
[containers]
default_ulimits=["nofile=1024:1024","nproc=1024:1024"]
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
"""
"""crun refuses mixed cgroups, and a machine without CAP_SYS_RESOURCE cannot raise limits."""


@dataclass(frozen=True, slots=True)
class PodmanEngine:
    """A running service."""

    folder: Path

    @property
    def where(self) -> str:
        """Its address."""
        return f"unix://{self.folder}/sock"

    @property
    def environment(self) -> dict[str, str]:
        """With what it is run."""
        return {"PATH": os.environ["PATH"], "HOME": "/root", "CONTAINERS_CONF": f"{self.folder}/containers.conf"}

    def command(self, *argv: str) -> tuple[str, ...]:
        """Podman with storage of its own."""
        folders = ("--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run")
        return ("podman", *folders, "--storage-driver", "vfs", *argv)

    def podman(self, *argv: str, given: bytes = b"") -> str:
        """Run a command, and return what it printed.

        Raises:
            LabError: it failed.
        """
        command = self.command(*argv)
        done = subprocess.run(
            command, input=given, capture_output=True, timeout=_SECONDS, check=False, env=self.environment
        )
        if done.returncode:
            raise LabError(f"podman {' '.join(argv[:3])} …: {done.stderr.decode(errors='replace')[-500:]}")
        return done.stdout.decode(errors="replace").strip()


@contextmanager
def podman_engine() -> Iterator[PodmanEngine]:
    """Start the service.

    Raises:
        LabError: it did not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="rp-", dir="/tmp"))
    engine = PodmanEngine(folder)
    (folder / "containers.conf").write_text(_SETTINGS)
    service = engine.command("system", "service", "--time", "0", engine.where)
    try:
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(service, stdout=log, stderr=log, env=engine.environment) as process,
        ):
            try:
                until = time.monotonic() + _SECONDS
                while not (folder / "sock").exists():
                    if process.poll() is not None or time.monotonic() > until:
                        raise LabError(f"podman did not start: {(folder / 'log').read_text()[-500:]}")
                    time.sleep(0.1)
                yield engine
            finally:
                engine.podman("rm", "--force", "--all", "--volumes", "--time", "1")
                process.terminate()
                process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
