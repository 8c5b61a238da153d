"""A real engine with looks at it that are read back, and vulnerability databases that Trivy reads."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.containers.engine import Container, EngineLook, read_look
from infra.lab.docker_engine import DockerEngine, busybox_archive, docker_engine
from infra.lab.trivy_database import write_database
from tasks.containers.engine import look


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache directory of Trivy's with a whole database."""
    return write_database(tmp_path / "cache", datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Have a shell script stand for Trivy."""

    def write(text: str) -> Path:
        folder = tmp_path / "other-trivy"
        folder.mkdir(exist_ok=True)
        path = folder / "trivy"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("TRIVY_SERVER", raising=False)
        return path

    return write


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    """A Docker engine with the image `busybox:lab`."""
    with docker_engine() as started:
        started.load("busybox:lab", busybox_archive())
        yield started


@pytest.fixture
def run(engine: DockerEngine) -> Iterator[Callable[..., str]]:
    """Start a container of BusyBox with options and a command; it is gone with the test."""
    names: list[str] = []

    def start(name: str, *options: str, does: str = "exec sleep 600", verb: str = "run") -> str:
        names.append(name)
        detach = ("--detach",) if verb == "run" else ()
        network = () if any(one.startswith("--network") for one in options) else ("--network", "none")
        engine.docker(verb, *detach, "--name", name, *network, *options, "busybox:lab", "sh", "-c", does)
        return name

    yield start
    for name in names:
        engine.docker("rm", "--force", "--volumes", name, allowed=(0, 1))


@pytest.fixture
def looked(tmp_path: Path) -> Callable[..., EngineLook]:
    """Look at an engine, and read the evidence as a shard does."""

    def go(where: str, deadline: float = 60, **more: object) -> EngineLook:
        evidence = look(where, tmp_path, deadline=deadline, **more)  # type: ignore[arg-type]  # named as they are
        assert evidence.media == "engine"
        with evidence.path.open("rb") as stream:
            told = read_look(stream)
        assert evidence.ended == told.error
        return told

    return go


@pytest.fixture
def seen(engine: DockerEngine, looked: Callable[..., EngineLook]) -> Callable[[str], Container]:
    """One container of the real engine, as a look tells it."""

    def go(name: str) -> Container:
        told = looked(engine.where)
        assert not told.error, told.detail
        (found,) = [one for one in told.containers if one.name == name]
        return found

    return go
