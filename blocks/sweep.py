"""What an operator fills in to start a port sweep, in the Prefect UI or on the command line."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from estate.errors import BadTarget

# No option, no white space, no shell character: the Prefect server refuses the rest before a run exists.
_TARGET = r"^[A-Za-z0-9_:][A-Za-z0-9._:/-]{0,252}$"
_SPAN = r"[0-9]{1,5}(-[0-9]{1,5})?"
_SPANS = rf"({_SPAN}(,{_SPAN})*|\*)"
_PORTS = rf"^ *(((tcp|udp)/)?{_SPANS}( +(tcp|udp)/{_SPANS})* *)?$"
_AS_SCOPE, _YES, _NO = "as the scope says", "yes", "no"


def _read_target(word: object) -> object:
    if isinstance(word, str) and not re.fullmatch(_TARGET[1:-1], word):
        raise BadTarget(f"{word[:80]!r} is no address, network, name or asset")
    return word


def _read_choice(value: object) -> object:
    """A program says True, False or nothing where a person chooses from a list."""
    if value is None or isinstance(value, bool):
        return {None: _AS_SCOPE, True: _YES, False: _NO}[value]
    return value


def _read_nothing(value: object) -> object:
    """A program says None where a person leaves a field empty."""
    return "" if value is None else value


# A pattern before its validator: the other way round it is missing from the schema that the Prefect server enforces.
Target = Annotated[str, Field(pattern=_TARGET), BeforeValidator(_read_target)]
Name = Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_.-]{0,62})?$"), BeforeValidator(_read_nothing)]
Ports = Annotated[str, Field(pattern=_PORTS, max_length=65_536), BeforeValidator(_read_nothing)]


class Sweep(BaseModel):
    """Which part of a scope is asked, what it is asked, and why; an empty field means what the scope says."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Port sweep")

    scope: Name = Field(
        "",
        title="Scope",
        description="Which scope of estate.toml to scan. Leave it empty if there is only one.",
    )
    only: tuple[Target, ...] = Field(
        (),
        title="Only these",
        description="Addresses, networks, names or assets inside the scope. Leave it empty to scan all of the scope.",
    )
    ports: Ports = Field(
        "",
        title="Ports",
        description="What to ask, such as tcp/1-1024,8080 udp/53. Leave it empty to ask what the scope says.",
    )
    versions: Annotated[Literal["as the scope says", "yes", "no"], BeforeValidator(_read_choice)] = Field(
        "as the scope says",
        title="Ask for versions",
        description="Whether to ask open ports which service answers, and in which version.",
    )
    trigger: Literal["manual", "schedule", "event", "confirm", "retry"] = Field(
        "manual",
        title="Reason",
        description="Why this sweep is made; it is kept with the run. “confirm” goes on looking at what keeps silent.",
    )

    def asks_versions(self, scope_says: bool) -> bool:
        """Whether versions are asked, given what the scope says."""
        return scope_says if self.versions == _AS_SCOPE else self.versions == _YES
