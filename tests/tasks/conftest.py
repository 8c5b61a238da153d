"""What tests of tasks may ask for: an estate in a home of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from estate.store.surroundings import Surroundings, open_surroundings

ESTATE = """
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = [{networks}]
ports = "{ports}"
versions = {versions}
pace = 5000
{more}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Surroundings]:
    """Surroundings of an estate.toml that this writes."""
    monkeypatch.setenv("ROUNDSMAN_HOME", str(tmp_path / "home"))

    def describe(
        more: str = "",
        networks: tuple[str, ...] = ("10.77.0.2", "10.77.0.3", "10.77.0.4"),
        ports: str = "tcp/22,80,443,8080",
        versions: bool = False,
    ) -> Surroundings:
        named = ", ".join(f'"{network}"' for network in networks)
        said = str(versions).lower()
        (tmp_path / "estate.toml").write_text(ESTATE.format(networks=named, ports=ports, versions=said, more=more))
        return open_surroundings(tmp_path / "estate.toml")

    return describe
