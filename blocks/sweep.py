"""What an operator fills in to start a port sweep, in the Prefect UI or on the command line."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Target = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,252}$", max_length=253)]


class Sweep(BaseModel):
    """One port sweep."""

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
        pattern=r"^[a-z0-9/,* -]{1,4000}$",
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
