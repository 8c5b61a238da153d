"""A visit to a container, by a real engine that touches neither the network nor the firewall."""

import io
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from estate.hosts.shard import Target
from tasks.hosts.visit import may_retry

APPLETS = (
    "sh",
    "id",
    "cat",
    "head",
    "hostname",
    "uname",
    "date",
    "grep",
    "sleep",
    "sort",
    "sed",
    "awk",
    "find",
    "stat",
)


def image() -> bytes:
    """BusyBox with a user, as `docker import` takes it."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "proc", "dev", "sys"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add(busybox, "bin/busybox", recursive=False)
        for name in APPLETS:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        passwd = b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(passwd)
        tar.addfile(entry, io.BytesIO(passwd))
    return made.getvalue()


def docker(*argv: str, given: bytes = b"") -> str:
    done = subprocess.run(("docker", *argv), input=given, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def engine() -> Iterator[Path]:
    """An engine with one running container `web`, and one that has stopped, `done`."""
    # A socket's path must be short, which those of pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="rd-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setenv("DOCKER_HOST", f"unix://{folder}/sock")
        command = (
            *(
                "setpriv",
                "--pdeathsig",
                "TERM",
                "dockerd",
                "--iptables=false",
                "--ip6tables=false",
                "--bridge=none",
                "--storage-driver",
                "vfs",
            ),
            *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"),
            *("--host", f"unix://{folder}/sock"),
        )
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                until = time.monotonic() + 60
                while "API listen on" not in (folder / "log").read_text():
                    assert process.poll() is None, (folder / "log").read_text()
                    assert time.monotonic() < until
                    time.sleep(0.1)
                docker("import", "-", "busybox:test", given=image())
                run = ("run", "--detach", "--network", "none")
                docker(*run, "--name", "web", "--user", "1000", "busybox:test", "/bin/sleep", "600")
                docker("create", "--name", "done", "--network", "none", "busybox:test", "/bin/sleep", "1")
                yield folder
            finally:
                if process.poll() is None:
                    subprocess.run(("docker", "rm", "--force", "web"), capture_output=True, timeout=60, check=False)
                process.terminate()
                process.wait(60)


def target(container: str = "web", sudo: str = "no") -> Target:
    return Target("container:web", "docker", container=container, sudo=sudo)  # type: ignore[arg-type]  # one of three


def test_a_container_is_audited_as_the_user_that_runs_in_it(engine, visited):
    came = visited(target())

    assert (came.told.via, came.told.error, came.told.detail) == ("docker", "", "")
    assert came.collected.complete
    assert (came.who["uid"], came.who["container"]) == ("1000", "yes")


def test_a_container_is_audited_as_root_where_that_is_granted(engine, visited):
    came = visited(target(sudo="full"))

    assert came.collected.complete
    assert came.who["uid"] == "0"


@pytest.mark.parametrize("name", ["done", "never-was"])
def test_a_container_that_does_not_run_is_unreachable(engine, visited, name):
    came = visited(target(name))

    assert came.told.error == "unreachable"
    assert may_retry(came.told)


def test_an_engine_that_is_not_there_is_unreachable(engine, visited, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{engine}/nothing")

    assert visited(target()).told.error == "unreachable"


def test_a_container_without_a_shell_has_refused(engine, visited):
    docker("run", "--detach", "--network", "none", "--name", "bare", "busybox:test", "/bin/busybox", "sleep", "600")
    try:
        docker("exec", "bare", "/bin/busybox", "rm", "/bin/sh")
        came = visited(target("bare"))
    finally:
        docker("rm", "--force", "bare")

    assert came.told.error == "refused"
    assert not may_retry(came.told)


@pytest.mark.parametrize("name", ["", "--privileged", "web; reboot", "../web", "-it"])
def test_what_is_no_containers_name_never_reaches_the_client(visited, name):
    assert visited(target(name)).told.error == "failed"


def test_a_machine_without_the_client_says_how_to_install_it(visited, monkeypatch, tmp_path):
    monkeypatch.setattr("tasks.tools.shutil.which", lambda *_args, **_named: None)

    came = visited(target())

    assert came.told.error == "failed"
    assert "apt-get install docker.io" in came.told.detail
