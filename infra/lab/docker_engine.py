"""A Docker engine of one's own: its folder, socket and processes end with it; it touches no network and no firewall.

    with docker_engine() as engine:
        engine.docker("run", "--detach", "--network", "none", "busybox:lab", "sleep", "600")

Needs root and docker.io. Nothing is pulled: images are imported from archives that the caller makes.
"""

import io
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.lab.namespaces import LabError

_SECONDS = 120
APPLETS = ("sh", "sleep", "cat", "cp", "chmod", "mkdir", "id", "echo", "ln", "rm", "true", "false", "touch", "ls")


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """A running engine."""

    folder: Path
    pid: int

    @property
    def where(self) -> str:
        """Its address."""
        return f"unix://{self.folder}/sock"

    def docker(self, *argv: str, given: bytes = b"", allowed: Sequence[int] = (0,)) -> str:
        """Run the command-line client, and return what it printed.

        Raises:
            LabError: it ended otherwise than allowed.
        """
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "DOCKER_HOST": self.where}
        done = subprocess.run(
            ("docker", *argv),
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**environment, "DOCKER_BUILDKIT": "0"},
        )
        if done.returncode not in allowed:
            raise LabError(f"docker {' '.join(argv[:3])} …: {done.stderr.decode(errors='replace')[-500:]}")
        return done.stdout.decode(errors="replace").strip()

    def load(self, name: str, archive: bytes, *changes: str) -> str:
        """Import a file system as an image, with instructions of a Dockerfile; its id."""
        options = [word for change in changes for word in ("--change", change)]
        return self.docker("import", *options, "-", name, given=archive)


@contextmanager
def docker_engine(*options: str) -> Iterator[DockerEngine]:
    """Start an engine; `options` are more of dockerd's own.

    Raises:
        LabError: it did not start.
    """
    # Short, since the path of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="rd-", dir="/tmp"))
    command = (
        *("dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs"),
        *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"),
        *("--host", f"unix://{folder}/sock", *options),
    )
    log = folder / "log"
    try:
        with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
            engine = DockerEngine(folder, process.pid)
            try:
                _await_start(process, log)
                yield engine
            finally:
                _stop(engine, process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_start(process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _SECONDS
    while "API listen on" not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > until:
            raise LabError(f"dockerd did not start: {log.read_text(errors='replace')[-800:]}")
        time.sleep(0.1)


def _stop(engine: DockerEngine, process: "subprocess.Popen[bytes]") -> None:
    """Remove every container, then the engine, which takes its containerd with it."""
    if process.poll() is None:
        with suppress(LabError, subprocess.TimeoutExpired):
            names = engine.docker("ps", "--all", "--quiet").split()
            if names:
                engine.docker("rm", "--force", "--volumes", *names, allowed=(0, 1))
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()


def busybox_archive(files: Mapping[str, bytes] = {}) -> bytes:
    """A file system of BusyBox with a user `app`, as `docker import` takes it; `files` are put there, executable."""
    busybox = shutil.which("busybox")
    if busybox is None:
        raise LabError("busybox is missing: apt-get install busybox-static")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "proc", "dev", "sys", "data", "app"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        tar.add(busybox, "bin/busybox", recursive=False)
        for name in APPLETS:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        passwd = b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"
        for name, content in {"etc/passwd": passwd, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644 if name.startswith("etc/") else 0o755
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()
