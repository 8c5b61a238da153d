"""Find one image in the engine of this machine, by name or id."""

import json
import os
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from estate.errors import ToolFailed, ToolNotAllowed
from estate.text import printable

_DEFAULT = "unix:///var/run/docker.sock"
_SECONDS = 15.0
_MOST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that an engine has."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]

    def digest_in(self, repository: str) -> str:
        """Its digest in the registry that a repository names, as the engine learnt it by pushing or pulling."""
        by_name = dict(one.rpartition("@")[::2] for one in self.digests)
        return by_name.get(repository, "")


def engine_address() -> str:
    """Where the engine is: what DOCKER_HOST says, or Docker's own socket."""
    return os.environ.get("DOCKER_HOST") or _DEFAULT


def find_local(engine: str, name: str) -> LocalImage | None:
    """The image, or None where the engine has none of that name.

    Raises:
        ToolFailed: the engine is not there, or tells nonsense.
        ToolNotAllowed: it is not for us.
    """
    if not engine.startswith("unix://"):
        raise ToolFailed(f"the engine at {printable(engine, 100)} is not on this machine; name a registry's image")
    url = f"http://engine/images/{quote(name, safe='/:@')}/json"
    try:
        with (
            httpx.Client(transport=httpx.HTTPTransport(uds=engine.removeprefix("unix://")), timeout=_SECONDS) as client,
            client.stream("GET", url) as answer,
        ):
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > _MOST:
                    raise ToolFailed(f"the engine at {engine} answers with too much")
            status = answer.status_code
    except (httpx.HTTPError, OSError) as error:
        if "Permission denied" in str(error):
            raise ToolNotAllowed(f"the engine at {engine} may not be asked by this user") from None
        raise ToolFailed(f"the engine at {engine} was not reached: {printable(str(error), 100)}") from None
    if status == httpx.codes.NOT_FOUND:
        return None
    if status != httpx.codes.OK:
        raise ToolFailed(f"the engine at {engine} answered {status}")
    return _read(bytes(body), engine)


def _read(body: bytes, engine: str) -> LocalImage:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("Id"), str):
        raise ToolFailed(f"the engine at {engine} describes an image in a way that is not understood")
    return LocalImage(told["Id"], _names(told.get("RepoTags")), _names(told.get("RepoDigests")))


def _names(told: object) -> tuple[str, ...]:
    return tuple(one for one in told if isinstance(one, str) and "<none>" not in one) if isinstance(told, list) else ()
