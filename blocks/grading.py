"""What an operator fills in to start a round of TLS: of grades, or of certificates alone."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from blocks.sweep import Target


class Certificates(BaseModel):
    """One round of certificates."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Certificates")

    scope: str | None = Field(
        None,
        title="Scope",
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$",
        description="Which scope of estate.toml to look at. Leave it empty if there is only one.",
    )
    only: tuple[Target, ...] = Field(
        (),
        title="Only these",
        description="Addresses, networks, names or assets inside the scope. Leave it empty to ask every endpoint.",
    )
    trigger: Literal["manual", "schedule", "event", "confirm", "retry"] = Field(
        "manual", title="Reason", description="Why this round is made; it is kept with the run."
    )


class Grading(Certificates):
    """One round of TLS grades."""

    model_config = ConfigDict(title="TLS grades")

    profile: Literal["full", "watch"] = Field(
        "full",
        title="How much",
        description="full: everything, some 600 connections each. watch: what the grade needs, for frequent rounds.",
    )
