"""What a finished process cost, by the kernel's own account of it, and what is printed of that."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROUNDSMAN = (sys.executable, "-c", "from deployments.command import main; main()")
"""The command, as its console script starts it, from this checkout."""
_LOOKED = (0, 3)
"""Done, and blind in places."""
HOUSE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor and of clock, and the peak memory in MB of the largest process."""

    cpu: float
    wall: float
    peak: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what is compared, how many times better than the peer or the limit, and the least allowed.

    Attributes:
        ratio: the peer's cost, or the limit, divided by ours.
        remark: the absolute numbers.
    """

    what: str
    ratio: float
    least: float
    remark: str

    @property
    def reached(self) -> bool:
        """Whether it is good enough."""
        return self.ratio >= self.least


class Failed(Exception):
    """A command of a benchmark went wrong, so that its figures would mean nothing."""


def run(
    argv: Sequence[str],
    out: Path,
    home: Path | None = None,
    *,
    allowed: Sequence[int] = (0,),
    complaints: Path | None = None,
) -> Cost:
    """Run a command to its end with its output in a file, and say what it cost.

    Args:
        argv: the command.
        out: where its output goes.
        home: where Roundsman keeps its things; it sees no estate of somebody else's.
        allowed: the exit codes of a command that did its work.
        complaints: where its standard error goes, if not into the same file.

    Raises:
        Failed: it ended with an exit code that is not allowed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ROUNDSMAN_", "PREFECT_"))}
    # A desk's habit of leaving no byte code behind would have every start compile all of our sources.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPATH"] = str(HOUSE)
    if home is not None:
        home.mkdir(exist_ok=True)
        environment["ROUNDSMAN_HOME"] = str(home)
    started = time.monotonic()
    with ExitStack() as opened:
        output = opened.enter_context(out.open("wb"))
        errors = opened.enter_context(complaints.open("wb")) if complaints else subprocess.STDOUT
        process = subprocess.Popen(argv, cwd=out.parent, env=environment, stdout=output, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        said = (complaints or out).read_text(errors="replace")[-2000:]
        raise Failed(f"{' '.join(argv[:4])} … ended with {process.returncode}:\n{said}")
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1024)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each number."""
    return Cost(
        median(cost.cpu for cost in costs), median(cost.wall for cost in costs), median(cost.peak for cost in costs)
    )


def scan(what: str, folder: Path, estate: str) -> tuple[Cost, dict[str, Any]]:
    """`roundsman scan WHAT --json` in a folder of its own: what it cost, and the object that it printed."""
    folder.mkdir(exist_ok=True)
    (folder / "estate.toml").write_text(estate)
    asked = (*ROUNDSMAN, "scan", what, "--json", "--estate", str(folder / "estate.toml"))
    out = folder / "scan.json"
    cost = run(asked, out, folder / "home", allowed=_LOOKED, complaints=folder / "scan.err")
    return cost, json.loads(out.read_text())
