"""An engine's HTTP API through the Docker SDK: answers bounded in size and time, failures in few words."""

import base64
import binascii
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from urllib.parse import quote

from tasks.containers.told import Told

MOST_BYTES = 64 * 1024 * 1024
_CALL_SECONDS = 30.0
_PART = 1 << 16
SOCKET = "unix:///var/run/docker.sock"


class EngineSaid(Exception):  # told in the evidence, not an error of the operator's
    """A call that brought nothing.

    `word` is `unreachable`, `no-privilege`, `timeout`, `cancelled`, `gone`, `busy` or `failed`.
    """

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(f"{word}: {detail}" if detail else word)
        self.word = word
        self.detail = detail[:500]


@dataclass(slots=True)
class EngineApi:
    """An open connection; `until` is when, by the monotonic clock, all of it must be over."""

    client: Any
    """docker.APIClient, which ships no types."""
    until: float
    cancelled: Event | None = None
    root: str = field(init=False)

    def __post_init__(self) -> None:
        self.root = f"{self.client.base_url}/v{self.client.api_version}"

    def get(self, *path: str, **params: str) -> Told:
        """Ask for a JSON document.

        Raises:
            EngineSaid: why there is none.
        """
        with self._asked("get", path, params) as answer:
            whole = b"".join(self._parts(answer))
        try:
            return Told(json.loads(whole))
        except (ValueError, RecursionError):
            raise EngineSaid("failed", "no JSON came") from None

    def stat(self, container: str, path: str) -> Told:
        """What a path inside is: `name`, `size`, `mode` as Go spells it; its content is never asked for.

        Raises:
            EngineSaid: why it is not known.
        """
        # A GET would have the engine hold the container locked until its whole stream is read.
        with self._asked("head", ("containers", container, "archive"), {"path": path}) as answer:
            told = answer.headers.get("X-Docker-Container-Path-Stat", "")
        try:
            return Told(json.loads(base64.b64decode(told)))
        except (binascii.Error, ValueError, RecursionError):
            raise EngineSaid("failed", "no description of a path came") from None

    def close(self) -> None:
        """Let go of the connection."""
        self.client.close()

    @contextmanager
    def _asked(self, method: str, path: tuple[str, ...], params: Mapping[str, str]) -> Iterator[Any]:
        url = "/".join((self.root, *(quote(one, safe="/:@+") for one in path)))
        try:
            answer = self.client.request(method, url, params=params, timeout=self._seconds(), stream=True)
        except OSError as error:
            raise _translated(error) from None
        with answer:
            if answer.status_code >= 400:
                raise EngineSaid(_word(answer.status_code), f"{answer.status_code} {answer.reason}")
            yield answer

    def _parts(self, answer: Any) -> Iterator[bytes]:
        size = 0
        try:
            for part in answer.iter_content(_PART):
                size += len(part)
                if size > MOST_BYTES:
                    raise EngineSaid("failed", f"an answer has more than {MOST_BYTES:,} bytes")
                self._seconds()
                yield part
        except OSError as error:
            raise _translated(error) from None

    def _seconds(self) -> float:
        """How long the next call may take.

        Raises:
            EngineSaid: there is no time left, or somebody said to stop.
        """
        if self.cancelled is not None and self.cancelled.is_set():
            raise EngineSaid("cancelled")
        left = self.until - time.monotonic()
        if left <= 0:
            raise EngineSaid("timeout", "the deadline has passed")
        return min(left, _CALL_SECONDS)


@contextmanager
def open_engine(where: str, *, seconds: float, cancelled: Event | None = None) -> Iterator[EngineApi]:
    """Connect to an engine and agree on a version of its API.

    Args:
        where: `unix://…`, `tcp://…` or `ssh://…`; empty means what DOCKER_HOST says, else Docker's own socket. TLS
            is as DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say.
        seconds: how long all that is asked may take.
        cancelled: set by another thread to end it.

    Raises:
        EngineSaid: there is no way in.
    """
    import docker  # noqa: PLC0415  # half a second that no command which only reads should pay

    until = time.monotonic() + seconds
    address = address_of(where)
    try:
        _knock(address, min(seconds, _CALL_SECONDS))
        tls = docker.utils.kwargs_from_env().get("tls", False)
        client = docker.APIClient(
            base_url=address,
            version="auto",
            timeout=min(seconds, _CALL_SECONDS),
            tls=tls if address.startswith(("tcp://", "https://")) else False,
            use_ssh_client=address.startswith("ssh://"),
        )
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise _translated(error) from None
    api = EngineApi(client, until, cancelled)
    try:
        yield api
    finally:
        api.close()


def address_of(where: str) -> str:
    """The engine's address, with what the environment says where none is given."""
    return where or os.environ.get("DOCKER_HOST", "") or SOCKET


def _knock(address: str, seconds: float) -> None:
    """See whether anybody listens at a local socket: the SDK would leave its own open where nobody does.

    Raises:
        OSError: nobody does, or not for us.
    """
    path = address.removeprefix("unix:")
    if path != address:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(seconds)
            door.connect(f"/{path.lstrip('/')}")


def _word(status: int) -> str:
    known = {401: "no-privilege", 403: "no-privilege", 404: "gone", 409: "busy", 408: "timeout", 504: "timeout"}
    return known.get(status, "failed")


def _translated(error: BaseException) -> EngineSaid:
    """The word for what the layers below said; theirs is buried in causes and arguments."""
    found = list(_buried(error, 12))
    said = str(next((one for one in reversed(found) if str(one)), error))
    for one in found:
        if isinstance(one, PermissionError):
            return EngineSaid("no-privilege", said)
        if isinstance(one, TimeoutError) or "Timeout" in type(one).__name__:
            return EngineSaid("timeout", said)
    status = next((answer.status_code for one in found if (answer := getattr(one, "response", None)) is not None), 0)
    return EngineSaid(_word(status) if status in {401, 403} else "unreachable", said)


def _buried(error: BaseException, depth: int) -> Iterator[BaseException]:
    yield error
    inner = (error.__cause__, error.__context__, *error.args, getattr(error, "reason", None))
    for one in inner:
        if depth and isinstance(one, BaseException) and one is not error:
            yield from _buried(one, depth - 1)
