"""Look at a container engine: all its containers, running or not, and what of them is other than in their images."""

import secrets
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from estate.containers.engine import Container, Engine, EngineImage, EngineLook, spell_look
from estate.errors import CouldNotLook, ToolFailed, ToolNotAllowed, ToolTimedOut
from estate.evidence import Evidence
from tasks.containers.api import EngineApi, EngineSaid, address_of, open_engine
from tasks.containers.reduced import engine_of, image_id
from tasks.containers.told import MOST, Told
from tasks.containers.visit import Visit

_MOST_LABELS = 50
_WORDS = frozenset({"unreachable", "no-privilege", "timeout", "cancelled"})
_ERRORS: dict[str, type[CouldNotLook]] = {"no-privilege": ToolNotAllowed, "timeout": ToolTimedOut}


def look(where: str, folder: Path, *, deadline: float, cancelled: threading.Event | None = None) -> Evidence:
    """Look at an engine once.

    Args:
        where: the engine's address, as `open_engine` takes it.
        folder: where the document is put, under a name that nobody else uses.
        deadline: how many seconds it may take.
        cancelled: set by another thread to end it.

    Returns:
        Always one document, which says how it went; with an error in it, it has the containers that were seen before.
    """
    seen: list[Container] = []
    told = EngineLook(datetime.now(UTC), address_of(where), Engine(""))
    try:
        with open_engine(where, seconds=deadline, cancelled=cancelled) as api:
            told = replace(told, engine=engine_of(api.get("version"), api.get("info")))
            visit = Visit(api, told.engine)
            for listed in whole(api.get("containers", "json", all="1"), "containers"):
                container = visit.container(listed)
                if container is not None:
                    seen.append(container)
    except EngineSaid as said:
        # An engine for which everything is "gone" or "busy" answers nonsense.
        told = replace(told, error=said.word if said.word in _WORDS else "failed", detail=said.detail)
    path = folder / f"{secrets.token_hex(16)}.engine.json"
    path.write_bytes(spell_look(replace(told, containers=tuple(seen))))
    return Evidence("engine", path, ended=told.error)


def whole(told: Told, what: str) -> tuple[Told, ...]:
    """A list of which nothing is missing.

    Raises:
        EngineSaid: it is none, or too long to be read: what stands behind a cut would read as gone.
    """
    if not isinstance(told.value, list):
        raise EngineSaid("failed", f"it does not list its {what}")
    if len(told.value) > MOST:
        raise EngineSaid("failed", f"it has more than {MOST:,} {what}")
    return told.each


def list_images(where: str, *, deadline: float = 60.0) -> tuple[EngineImage, ...]:
    """All images that an engine has, with the layers they are made of; an image that is removed meanwhile is none.

    Raises:
        CouldNotLook: the engine is not there or broke off (`ToolFailed`), may not be asked (`ToolNotAllowed`), or was
            too slow (`ToolTimedOut`).
    """
    try:
        with open_engine(where, seconds=deadline) as api:
            found = (_image(api, image_id(listed["Id"].text)) for listed in whole(api.get("images", "json"), "images"))
            return tuple(image for image in found if image is not None)
    except EngineSaid as said:
        error = _ERRORS.get(said.word, ToolFailed)
        raise error(f"the engine at {address_of(where)}: {said}") from None


def _image(api: EngineApi, identity: str) -> EngineImage | None:
    try:
        told = api.get("images", identity, "json")
    except EngineSaid as said:
        if said.word == "gone":
            return None
        raise
    labels = tuple((name[:200], value.text[:500]) for name, value in told["Config"]["Labels"].pairs)
    return EngineImage(
        id=identity,
        tags=_real(told["RepoTags"]),
        digests=_real(told["RepoDigests"]),
        created=told["Created"].text,
        size=told["Size"].number,
        labels=labels[:_MOST_LABELS],
        layers=told["RootFS"]["Layers"].texts,
        os=told["Os"].text,
        architecture=told["Architecture"].text,
    )


def _real(names: Told) -> tuple[str, ...]:
    """Without what older engines call an image that has no name."""
    return tuple(sorted(name for name in names.texts if "<none>" not in name))
