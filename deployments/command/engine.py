"""What Prefect is told before it is imported; what the operator has set stays."""

import os
from pathlib import Path

from estate.store.database import home

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
"""Nobody outside is told anything, and nobody is asked."""


def prepare_prefect(*, verbose: bool) -> None:
    """Settings for what this process itself does with Prefect."""
    defaults = {
        **QUIET,
        # What goes wrong is told in our words, without a traceback.
        "PREFECT_LOGGING_LEVEL": "INFO" if verbose else "CRITICAL",
        "PREFECT_LOGGING_INTERNAL_LEVEL": "ERROR" if verbose else "CRITICAL",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR" if verbose else "CRITICAL",
    }
    for name, value in {**defaults, **own_home()}.items():
        os.environ.setdefault(name, value)


def own_home() -> dict[str, str]:
    """Where Prefect keeps its things, unless the operator has profiles of Prefect already."""
    if (Path.home() / ".prefect" / "profiles.toml").exists():
        return {}
    return {"PREFECT_HOME": str(home() / "prefect")}
