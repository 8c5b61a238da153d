"""Judge the lab's servers with testssl.sh 3.2 or newer, and lay its grades beside the guide's.

`python -m infra.lab.tls.beside_testssl /path/to/testssl.sh docs/testssl.md REPORTS [NAME …]` takes about a minute a
server, keeps each report in the folder REPORTS, and asks for none twice. Debian 12's own testssl.sh (3.0) gives no
grades.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from infra.lab.tls.case import Case
from infra.lab.tls.catalogue_faults import TRUE_REASONS
from infra.lab.tls.departures import REPRESENTATIVES, departure
from infra.lab.tls.lab import TlsLab, tls_lab

_AT_ONCE = 4
_PATIENCE = 1_200
_SHOWN = 2
_COLOURS = re.compile("\x1b\\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Judged:
    """What testssl.sh says of a server; without a grade, why."""

    grade: str | None
    reasons: tuple[str, ...] = ()


def judge(program: Path, case: Case, lab: TlsLab, folder: Path) -> Judged:
    """Run it as its users do, with every check, since it rates nothing else."""
    out = folder / f"{case.name}.json"
    if (kept := read(out)).grade is not None:
        return kept
    out.unlink(missing_ok=True)
    at = (case.address, f"{case.sni or case.address}:{case.port}")
    starttls = ("-t", case.starttls) if case.starttls else ()
    argv = (
        *("bash", str(program), "--quiet", "--color", "0", "--warnings", "off", "--nodns", "min"),
        *("--ip", at[0], "--add-ca", str(lab.roots), "--jsonfile", str(out), *starttls, at[1]),
    )
    try:
        subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Judged(None, (f"not done after {_PATIENCE} s",))
    return read(out)


def read(path: Path) -> Judged:
    """Its overall grade, and what capped it."""
    try:
        told = json.loads(path.read_text(errors="replace"))
    except (OSError, ValueError):
        return Judged(None, ("ended without a report",))
    found = {each["id"]: each["finding"] for each in told if isinstance(each, dict) and "id" in each}
    reasons = tuple(text for name, text in found.items() if name.startswith(("grade_cap_reason", "grade_warning")))
    grade = found.get("overall_grade")
    if grade is None:
        return Judged(None, (found.get("scanProblem", "no rating"),))
    return Judged(grade, reasons)


def table(cases: Sequence[Case], judged: Mapping[str, Judged], version: str) -> str:
    """Agreements in a line, differences one by one with the rule that explains each."""
    same = [case.name for case in cases if judged[case.name].grade == case.expected_grade]
    lines = [
        "# The lab beside testssl.sh",
        "",
        f"Made by `python -m infra.lab.tls.beside_testssl`: {version}, on {len(cases)} servers of the lab. The guide's",
        "grade is derived by hand, with the rule that decides (`python -m infra.lab.tls` prints them); ours are tested",
        "against it. testssl.sh departs from the guide in the ways that are named here.",
        "",
        f"**The same grade ({len(same)} of {len(cases)}):** {', '.join(same)}.",
        "",
        "| server | the guide | testssl.sh | the guide's rule | why testssl.sh differs |",
        "|---|---|---|---|---|",
    ]
    for case in cases:
        found = judged[case.name]
        if found.grade == case.expected_grade:
            continue
        said = found.grade or "none"
        why = departure(case, found.grade) or f"not explained: {'; '.join(found.reasons[:_SHOWN]) or 'it says nothing'}"
        cells = (case.name, case.expected_grade or "none", said, case.why, why)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def main(program: Path, out: Path, folder: Path, names: Sequence[str]) -> None:
    """Run the lab, judge, and write the table."""
    told = subprocess.run(
        ("bash", str(program), "--version"),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    ).stdout
    version = next(
        (line.split(" from ")[0] for line in _COLOURS.sub("", told).split("\n") if "testssl" in line), "testssl.sh"
    )
    folder.mkdir(exist_ok=True)
    with tls_lab(names or REPRESENTATIVES) as lab, ThreadPoolExecutor(_AT_ONCE) as pool:
        cases = [case for case in lab.cases.values() if case.name not in TRUE_REASONS or case.name in names]

        def one(case: Case) -> tuple[str, Judged]:
            found = judge(program, case, lab, folder)
            print(f"{case.name}: guide {case.expected_grade}, testssl.sh {found.grade} {found.reasons}", flush=True)
            return case.name, found

        judged: dict[str, Judged] = {}
        for future in as_completed([pool.submit(one, case) for case in cases]):
            name, found = future.result()
            judged[name] = found
            # Hours of somebody's machine must not be lost to its last server.
            done = [case for case in cases if case.name in judged]
            out.write_text(table(done, judged, " ".join(version.split())), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
