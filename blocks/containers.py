"""What an operator fills in to start a container scan, in the Prefect UI or on the command line."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Containers(BaseModel):
    """What is looked at in a container engine, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Container scan")

    what: Literal["everything", "images", "containers"] = Field(
        "everything",
        title="What",
        description="Images are scanned with Trivy, unchanged ones only when its database is newer; running and stopped"
        " containers are read from the engine.",
    )
    only: tuple[str, ...] = Field(
        (),
        title="Only these images",
        description="Repositories, as the engine names them. Leave it empty to scan every image that it has.",
    )
    refresh: bool = Field(
        False,
        title="Refresh the database first",
        description="Download Trivy's database before anything is scanned; images that did not change are then rated"
        " again from their stored list of packages.",
    )
    trigger: Literal["manual", "schedule", "event", "confirm", "retry"] = Field(
        "manual", title="Reason", description="Why this scan is made; it is kept with the run."
    )
