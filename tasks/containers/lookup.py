"""Find one image in an engine, by name or id."""

from dataclasses import dataclass

from estate.errors import ToolFailed, ToolNotAllowed
from tasks.containers.api import EngineSaid, open_engine
from tasks.containers.told import Told

_SECONDS = 30.0


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


def find_local(engine: str, name: str) -> LocalImage | None:
    """The image, or None where the engine has none of that name.

    Raises:
        ToolFailed: the engine is not there, or tells nonsense.
        ToolNotAllowed: it is not for us.
    """
    try:
        with open_engine(engine, seconds=_SECONDS) as api:
            told = api.get("images", name, "json")
    except EngineSaid as said:
        if said.word == "gone":
            return None
        error = ToolNotAllowed if said.word == "no-privilege" else ToolFailed
        raise error(f"the engine at {engine}: {said}") from None
    identity = told["Id"].text
    if not identity:
        raise ToolFailed(f"the engine at {engine} describes an image without its id")
    return LocalImage(identity, _names(told["RepoTags"]), _names(told["RepoDigests"]))


def _names(told: Told) -> tuple[str, ...]:
    return tuple(one for one in told.texts if "<none>" not in one)
