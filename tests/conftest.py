"""What every test may ask for: the evidence folder, and a network of its own."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.lab import network


def pytest_configure() -> None:
    """Have Ctrl-C mean what it means to people: what a shell starts in the background ignores it, and so do its
    children, of whom some tests ask how they take it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def evidence() -> Path:
    """Real reports of real scanners; its README says what really happened in each."""
    return Path(__file__).parent / "evidence"


@pytest.fixture
def onlink_lab() -> Iterator[network.OnLinkLab]:
    """Three hosts on one wire with the scanner, each with tcp/22, 80, 443 and 8080 open; needs root."""
    with network.onlink_lab() as lab:
        yield lab
