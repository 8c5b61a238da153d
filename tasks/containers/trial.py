"""Start an image for a while, locked down and without a network, see what it does, and take it away again."""

import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from estate.containers.trial import Trial
from estate.errors import ToolFailed
from estate.text import printable
from tasks.containers.api import EngineApi, EngineSaid, open_engine
from tasks.containers.reduced import engine_of
from tasks.containers.told import Told
from tasks.containers.visit import Visit

_SPARE_SECONDS = 120.0
_MEMORY = 512 * 1024 * 1024
_PIDS = 256
_PROCESSORS = 1_000_000_000
_LISTENS = re.compile(r"^\s*\d+:\s+[0-9A-F]+:([0-9A-F]{4})\s+\S+\s+0A\s", re.MULTILINE)


def try_image(engine: str, image: str, seconds: float) -> Trial:
    """Run an image of an engine's by its own command.

    Raises:
        ToolFailed: the engine did not do what it was asked to.
    """
    # Half a second that no command which only reads should pay.
    from docker.errors import APIError, DockerException  # noqa: PLC0415  # as above

    try:
        with open_engine(engine, seconds=seconds + _SPARE_SECONDS) as api:
            told = engine_of(api.get("version"), api.get("info"))
            locked = api.client.create_host_config(
                network_mode="none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit=_MEMORY,
                memswap_limit=_MEMORY,
                pids_limit=_PIDS,
                nano_cpus=_PROCESSORS,
            )
            name = f"roundsman-gate-{secrets.token_hex(8)}"
            made = api.client.create_container(image, name=name, host_config=locked)["Id"]
            try:
                try:
                    api.client.start(made)
                except APIError as error:
                    return Trial(seconds, told, None, printable(str(error.explanation), 300))
                _wait(api, made, seconds)
                state = api.get("containers", made, "json")["State"]
                ended = None if state["Running"].flag else state["ExitCode"].number
                container = Visit(api, told).container(Told({"Id": made}))
                if container is None:
                    raise ToolFailed(f"the engine at {engine} lost the container of the trial")
                listening = _listening(engine, state["Pid"].number) if ended is None else ()
                return Trial(seconds, told, container, "", ended, listening)
            finally:
                with suppress(DockerException, OSError):
                    api.client.remove_container(made, force=True, v=True)
    except EngineSaid as said:
        raise ToolFailed(f"the engine at {engine}: {said}") from None
    except (DockerException, OSError) as error:
        raise ToolFailed(f"the engine at {engine}: {printable(str(error), 300)}") from None


def _wait(api: EngineApi, container: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not api.get("containers", container, "json")["State"]["Running"].flag:
            return
        threading.Event().wait(min(0.5, left))


def _listening(engine: str, process: int) -> tuple[int, ...] | None:
    """The TCP ports of the container's own network, which this machine's /proc shows where the engine is its own."""
    if not engine.startswith("unix:") or process <= 0:
        return None
    try:
        return tuple(sorted(set(_ports(process))))
    except OSError:
        return None


def _ports(process: int) -> Iterator[int]:
    for name in ("tcp", "tcp6"):
        text = Path(f"/proc/{process}/net/{name}").read_text("ascii", "replace")
        yield from (int(port, 16) for port in _LISTENS.findall(text))
