"""What an operator fills in to start a port sweep, in the Prefect UI or on the command line."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from estate.errors import BadTarget

# No option, no white space, no shell character: the Prefect server refuses the rest before a run exists.
_TARGET = r"^[A-Za-z0-9_:][A-Za-z0-9._:/-]{0,252}$"


def _read_target(word: object) -> object:
    if isinstance(word, str) and not re.fullmatch(_TARGET[1:-1], word):
        raise BadTarget(f"{word[:80]!r} is no address, network, name or asset")
    return word


Target = Annotated[str, BeforeValidator(_read_target), Field(pattern=_TARGET)]


class Sweep(BaseModel):
    """Which part of a scope is asked, what it is asked, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Port sweep")

    scope: str | None = Field(
        None,
        title="Scope",
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$",
        description="Which scope of estate.toml to scan. Leave it empty if there is only one.",
    )
    only: tuple[Target, ...] = Field(
        (),
        title="Only these",
        description="Addresses, networks, names or assets inside the scope. Leave it empty to scan all of the scope.",
    )
    ports: str | None = Field(
        None,
        title="Ports",
        pattern=r"^[a-z0-9/,* -]+$",
        max_length=100_000,
        description="What to ask, such as tcp/1-1024,8080 udp/53. Leave it empty to ask what the scope says.",
    )
    versions: bool | None = Field(
        None,
        title="Ask for versions",
        description="Whether to ask open ports which service answers. Leave it empty to do what the scope says.",
    )
    trigger: Literal["manual", "schedule", "event", "confirm", "retry"] = Field(
        "manual", title="Reason", description="Why this sweep is made; it is kept with the run."
    )
