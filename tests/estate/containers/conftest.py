"""What tests of containers may ask for: a container that nothing is wrong with, to be spoilt."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest

from estate.containers.engine import Container, Engine, EngineLook, spell_look
from estate.evidence import Document

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENGINE = Engine("docker", "20.10.24", "1.41", ("name=seccomp,profile=default", "name=apparmor"))
SOUND = Container(
    name="web",
    id="1" * 64,
    image="lab/app:1.2",
    image_id="sha256:" + "a" * 64,
    tag_id="sha256:" + "a" * 64,
    image_digests=("lab/app@sha256:" + "b" * 64,),
    registry_digest="sha256:" + "b" * 64,
    state="running",
    health="healthy",
    has_health_check=True,
    user="1000",
    dropped=("ALL",),
    network="lab",
    networks=("lab",),
    ipc="private",
    security=("no-new-privileges:true",),
    apparmor="docker-default",
    read_only=True,
    memory=512 << 20,
    cpu=True,
    pids=200,
    restart="on-failure",
    restart_most=3,
)


@pytest.fixture
def sound() -> Container:
    """A container of which no check has anything to say."""
    return SOUND


@pytest.fixture
def engine() -> Engine:
    """A Docker engine with seccomp and AppArmor."""
    return ENGINE


@pytest.fixture
def told() -> Callable[..., Document]:
    """A stored look at these containers."""

    def document(*containers: Container, number: int = 0, **changed: object) -> Document:
        look = EngineLook(AT, "unix:///run/docker.sock", ENGINE, containers)
        look = replace(look, **changed)  # type: ignore[arg-type]  # named as they are
        return Document("engine", number, BytesIO(spell_look(look)))

    return document
