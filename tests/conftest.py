"""What every test may ask for: the evidence folder, and a network of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.lab import network


@pytest.fixture(scope="session")
def evidence() -> Path:
    """Real reports of real scanners; its README says what really happened in each."""
    return Path(__file__).parent / "evidence"


@pytest.fixture
def onlink_lab() -> Iterator[network.OnLinkLab]:
    """Three hosts on one wire with the scanner, each with tcp/22, 80, 443 and 8080 open; needs root."""
    with network.onlink_lab() as lab:
        yield lab
