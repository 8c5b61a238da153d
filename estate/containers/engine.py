"""What a container engine says of itself and of its containers, as it is stored: names of variables, never values."""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, ClassVar

from pydantic import ConfigDict, TypeAdapter

from estate.evidence import read_bounded, read_document

MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine: `docker` or `podman`, its versions, and what its daemon does for every container."""

    kind: str
    version: str = ""
    api: str = ""
    security: tuple[str, ...] = ()
    rootless: bool = False
    userns: bool = False
    no_new_privileges: bool = False


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount; `kind` is `bind`, `volume` or `tmpfs`; a volume that is but a folder of the host is told as `bind`."""

    kind: str
    source: str
    destination: str
    writable: bool = True
    propagation: str = ""
    volume: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the container, and where the host listens for it; an empty address means all of them."""

    port: str
    address: str
    host_port: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A variable that holds something secret, and by what that is told: `name` or a pattern's name; never its value."""

    variable: str
    because: str


@dataclass(frozen=True, slots=True)
class Written:
    """A path that is other than in the image: `added` or `changed`; whether it can be run, where that was asked."""

    path: str
    how: str
    executable: bool | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A running process: who runs it, and its program; never its arguments."""

    user: str
    program: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A command that somebody runs inside by `exec`; nobody is named as user where the container names none."""

    user: str
    privileged: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """One container as its engine describes it.

    Numbers are 0 where nothing is limited, words are empty where nothing is set. `unseen` names what could not be asked
    (`inspect`, `diff`, `top`, `execs`, `registry`, `image`, `volumes`), with the reason.

    Args:
        service: the compose project and service, or an empty string.
        id: the engine's id, which nothing is recognised by.
        image: as it was named when the container was made.
        image_id: what runs.
        tag_id: what the image's name means in this engine now.
        image_digests: registries' digests of what runs.
        registry_digest: what the registry says of the name now; empty where nobody asked.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    name: str
    id: str
    service: str = ""
    image: str = ""
    image_id: str = ""
    tag_id: str = ""
    image_digests: tuple[str, ...] = ()
    registry_digest: str = ""
    state: str = ""
    error: str = ""
    health: str = ""
    has_health_check: bool = False
    privileged: bool = False
    user: str = ""
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    effective: tuple[str, ...] | None = None
    mounts: tuple[Mount, ...] = ()
    network: str = ""
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    userns: str = ""
    security: tuple[str, ...] = ()
    apparmor: str = ""
    read_only: bool = False
    memory: int = 0
    cpu: bool = False
    pids: int = 0
    restart: str = ""
    restart_most: int = 0
    published: tuple[Published, ...] = ()
    devices: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    networks: tuple[str, ...] = ()
    cgroup_parent: str = ""
    oom_kill_disabled: bool = False
    oom_score: int = 0
    restarts: int = 0
    oom_killed: bool = False
    restarting: bool = False
    unmasked: bool = False
    written: tuple[Written, ...] = ()
    processes: tuple[Process, ...] = ()
    sessions: tuple[Session, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """By what it is recognised again: its compose service, else its name."""
        return self.service or self.name


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image that an engine has.

    Args:
        id: the engine's `sha256:…`.
        tags: `repository:tag`, as the engine prints them.
        digests: `repository@sha256:…`.
        created: when, as the image says itself.
        layers: DiffIDs, the lowest first.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    created: str = ""
    size: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()
    os: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class EngineLook:
    """One look at an engine: all of its containers, or those that were seen until it ended with an error.

    Args:
        at: when.
        where: the engine's address, as a name for people.
        error: empty, or `unreachable`, `no-privilege`, `timeout`, `cancelled`, `failed`.
        detail: what was said.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    at: datetime
    where: str
    engine: Engine
    containers: tuple[Container, ...] = ()
    error: str = ""
    detail: str = ""


_LOOK = TypeAdapter(EngineLook)


def spell_look(look: EngineLook) -> bytes:
    """As it is stored."""
    return _LOOK.dump_json(look)


def read_look(stream: BinaryIO) -> EngineLook:
    """As it was stored.

    Raises:
        BadReport: it is no such document, or a larger one than any engine's.
    """
    text = read_bounded(stream, MOST_BYTES, "a look at an engine has more than 256 MiB")
    return read_document(_LOOK, text, "a look at an engine")
