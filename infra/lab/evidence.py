"""Make tests/evidence anew: real nmap and zmap against a lab whose truth is known, and a table of what that truth was.

    sudo .venv/bin/python -m infra.lab.evidence

Takes about two minutes, needs root, and touches nothing outside namespaces of its own. A second run gives files
that say the same of every host and port and differ in times, and in which packets a lossy wire lost.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from infra.lab import nmap_services, nmap_sight, zmap_evidence
from infra.lab.recorder import Record, Recorder

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "evidence"

_INTRODUCTION = """# Evidence

Real reports of real scanners about hosts whose truth is known, made by `python -m infra.lab.evidence` (needs root).
Unless a row says otherwise, three hosts 10.77.0.2, .3 and .4 have tcp/22, 80, 443 and 8080 open and refuse all other
ports, the scan before was `all_up.xml` (nmap) or `port_80_whole.csv` (zmap), and what was asked is what the command
line says. "Exit" is the scanner's exit code, negative for a signal.
"""


def main() -> int:
    """Record every story and write the table."""
    missing = [tool for tool in ("nmap", "zmap", "nft", "ip") if not shutil.which(tool)]
    if os.geteuid() or missing:
        print(f"needs root{''.join(f', {tool}' for tool in missing)}", file=sys.stderr)
        return 2
    parts = [_INTRODUCTION]
    for tool, stories in (("nmap", (*nmap_sight.STORIES, *nmap_services.STORIES)), ("zmap", zmap_evidence.STORIES)):
        parts.append(f"## {tool}\n\n{_table(_record(FOLDER / tool, stories))}")
    (FOLDER / "README.md").write_text("\n".join(parts), encoding="utf-8")
    return 0


def _record(folder: Path, stories: Sequence[Callable[[Recorder], None]]) -> Iterable[Record]:
    folder.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(folder)
    for story in stories:
        print(f"{folder.name}: {story.__name__.replace('_', ' ')}", flush=True)
        story(recorder)
    return recorder.rows


def _table(rows: Iterable[Record]) -> str:
    lines = ["| file | what really happened | what must be concluded | exit | command |", "|---|---|---|---|---|"]
    for row in rows:
        files = ", ".join(f"`{name}`" for name in row.files)
        cells = (files, row.happened, row.conclude, str(row.exit_code), f"`{row.command}`")
        lines.append(f"| {' | '.join(_escaped(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
