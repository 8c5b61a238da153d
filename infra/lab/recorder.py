"""Runs one scanner in a lab, keeps the files it wrote, and remembers what really happened for the table beside them."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.lab.namespaces import LabError
from infra.lab.network import OnLinkLab


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the table: a scanner's run, the truth behind it, and what a reader must conclude."""

    files: tuple[str, ...]
    happened: str
    conclude: str
    command: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Interruption:
    """Do something to a running scanner once its report so far satisfies a condition."""

    act: Callable[["subprocess.Popen[bytes]"], None]
    when: Callable[[bytes], bool]
    deadline: float = 30


@dataclass(slots=True)
class Recorder:
    """Writes into one tool's folder and collects its rows."""

    folder: Path
    rows: list[Record] = field(default_factory=list)

    def record(
        self,
        lab: OnLinkLab,
        argv: Sequence[str],
        files: Sequence[str],
        happened: str,
        conclude: str,
        interruption: Interruption | None = None,
        timeout: float = 120,
    ) -> Path:
        """Run the scanner in the evidence folder, so that no local path gets into its report.

        Raises:
            LabError: it could not be interrupted where it should have been, or left a file out.
            subprocess.TimeoutExpired: it was killed.
        """
        for name in files:
            (self.folder / name).unlink(missing_ok=True)
        report = self.folder / files[0]
        with subprocess.Popen(
            lab.command(argv),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                if interruption:
                    _interrupt(process, report, interruption)
                code = process.wait(timeout)
            finally:
                process.kill()
        missing = [name for name in files if not (self.folder / name).exists()]
        if missing:
            raise LabError(f"{' '.join(argv)} ended with {code} and wrote no {', '.join(missing)}")
        self.rows.append(Record(tuple(files), happened, conclude, " ".join(map(_quoted, argv)), code))
        return report

    def forget(self) -> None:
        """Drop the last row: its run is going to be repeated."""
        self.rows.pop()


def signalled(number: int, when: Callable[[bytes], bool]) -> Interruption:
    """The scanner is sent a signal."""
    return Interruption(lambda process: process.send_signal(number), when)


def _interrupt(process: "subprocess.Popen[bytes]", report: Path, interruption: Interruption) -> None:
    deadline = time.monotonic() + interruption.deadline
    while not (report.exists() and interruption.when(report.read_bytes())):
        if process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"{report.name} was never far enough to be interrupted")
        time.sleep(0.05)
    interruption.act(process)


def _quoted(word: str) -> str:
    return f"'{word}'" if " " in word else word
