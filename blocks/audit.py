"""What an operator fills in to start a host audit, in the Prefect UI or on the command line."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from blocks.sweep import Name, Target


class Audit(BaseModel):
    """Which hosts are audited, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Host audit")

    scope: Name = Field(
        "",
        title="Scope",
        description="Which scope of estate.toml the hosts lie in. Leave it empty if there is only one, or none.",
    )
    only: tuple[Target, ...] = Field(
        (),
        title="Only these",
        description="Hosts of estate.toml, by name or address. Leave it empty to audit all of the scope.",
    )
    trigger: Literal["manual", "schedule", "event", "confirm", "retry"] = Field(
        "manual", title="Reason", description="Why this audit is made; it is kept with the run."
    )
