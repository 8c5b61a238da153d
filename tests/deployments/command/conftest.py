"""The command as operators and programs run it: in this process where that will do, else in one of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployments.command.app import run
from estate.store.database import open_database

CHECKOUT = Path(__file__).parents[3]
ASKED = ("--asked", "10.77.0.2,10.77.0.3,10.77.0.4", "--ports", "1-1024,8080")
"""What the scans of tests/evidence/nmap asked for, as far as their README says nothing else."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> dict[str, Any]:
        """The one object of `--json`."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The objects of `--jsonl`."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """(kind, asset, key) of each change."""
        return [(one["kind"], one["asset"], one["key"]) for one in self.said["changes"]]


@dataclass(slots=True)
class Command:
    """`roundsman` in a folder with a home of its own."""

    folder: Path
    home: Path
    evidence: Path
    capture: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict)
    day: int = 0

    def __call__(self, *arguments: str) -> Ran:
        """Run it in this process."""
        self.capture.readouterr()
        code = run(arguments)
        out, err = self.capture.readouterr()
        return Ran(code, out, err)

    def takes_in(
        self, report: str, *arguments: str, asked: tuple[str, ...] = ASKED, how: tuple[str, ...] = ("--json",)
    ) -> Ran:
        """Import a report of tests/evidence/nmap: of the next day, unless another time is said."""
        when = () if "--at" in arguments else ("--at", self.next_day())
        return self("import", "nmap", str(self.evidence / "nmap" / f"{report}.xml"), *asked, *how, *when, *arguments)

    def next_day(self) -> str:
        """One day after another, from the first of January 2020 on: when the evidence was made matters to no test."""
        self.day += 1
        return f"2020-01-{self.day:02}"

    def describes(self, text: str) -> None:
        """Write estate.toml."""
        (self.folder / "estate.toml").write_text(text)

    def popen(self, *arguments: str, environment: Mapping[str, str] = {}, **options: Any) -> "subprocess.Popen[bytes]":
        """Start it in a process of its own."""
        return subprocess.Popen(
            (sys.executable, "-c", "from deployments.command import main; main()", *arguments),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), **self.environment, **environment},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def alone(self, *arguments: str, environment: Mapping[str, str] = {}, **options: Any) -> Ran:
        """Run it in a process of its own, to its end."""
        with self.popen(*arguments, environment=environment, **options) as process:
            try:
                out, err = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Ran(process.returncode, (out or b"").decode(), (err or b"").decode())


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with its tables: copying it is much faster than making one."""
    path = tmp_path_factory.mktemp("migrated") / "roundsman.db"
    open_database(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture
def roundsman(
    tmp_path: Path,
    migrated: Path,
    evidence: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command, in an empty folder and with an empty database."""
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    shutil.copy(migrated, home / "roundsman.db")
    monkeypatch.chdir(folder)
    for name in ("ROUNDSMAN_ESTATE", "ROUNDSMAN_DATABASE_URL", "PREFECT_API_URL", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.setenv(name, "")  # noted, so that what a command sets is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROUNDSMAN_HOME", str(home))
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")
    return Command(folder, home, evidence, capsys)


@pytest.fixture
def known(roundsman: Command) -> Command:
    """The command, after the first scan of tests/evidence: tcp/22, 80, 443 and 8080 are open on three hosts."""
    assert roundsman.takes_in("all_up").code == 0
    return roundsman
