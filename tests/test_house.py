"""The rules of the house that no linter knows."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from packaging.requirements import Requirement
from packaging.version import Version
from prefect import Flow

from deployments.declaration import read_declaration

HOUSE = Path(__file__).parents[1]
SHIPPED = ("estate", "blocks", "tasks", "flows", "deployments")
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "core", "manager", "managers", "base"}
# The brackets keep this file from finding itself.
OUTSIDE = re.compile(r"/work/[s]hared")
UNFINISHED = re.compile(r"[T]ODO|[F]IXME|[X]XX|[N]otImplementedError")
SKIPPED = re.compile(r"[m]ark\.(?:skip|xfail)|[p]ytest\.(?:skip|xfail)\(|[i]mportorskip")
UNEXPLAINED = re.compile(r"# (?:[n]oqa(?:: ?[A-Z0-9, ]+)?|[t]ype: ignore(?:\[[^]]*])?|[p]ragma: no cover)\s*$")
CLOCK = re.compile(r"(?:^|\.)(?:now|utcnow|today|time_ns|monotonic|perf_counter)$|^time\.")


def python_files(*places: str) -> Iterator[Path]:
    for place in places:
        yield from (file for file in sorted((HOUSE / place).rglob("*.py")) if "evidence" not in file.parts)


def everything_written() -> Iterator[Path]:
    """Every tracked text of ours; pictures and what scanners wrote are not."""
    tracked = subprocess.run(("git", "ls-files"), cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        file = HOUSE / name
        if file.is_file() and not name.startswith("tests/evidence/") and file.suffix not in {".svg", ".png"}:
            yield file


def lines_matching(pattern: re.Pattern[str], files: Iterator[Path]) -> list[str]:
    return [
        f"{file.relative_to(HOUSE)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if pattern.search(line)
    ]


def test_every_file_can_be_read_at_one_sitting() -> None:
    lengths = {str(file): len(file.read_text().splitlines()) for file in python_files(*SHIPPED, "infra", "tests")}
    assert {file: length for file, length in lengths.items() if length > 400} == {}


def test_most_files_fit_on_two_screens() -> None:
    lengths = [len(file.read_text().splitlines()) for file in python_files(*SHIPPED, "infra")]
    assert median(length for length in lengths if length) < 120


def test_every_name_says_what_is_inside() -> None:
    named = {file.relative_to(HOUSE) for file in python_files(*SHIPPED, "infra", "tests")}
    assert [str(file) for file in named if SAYS_NOTHING & {part.removesuffix(".py") for part in file.parts}] == []


def test_every_test_directory_mirrors_a_source() -> None:
    homes = {file.parent.relative_to(HOUSE / "tests") for file in (HOUSE / "tests").rglob("test_*.py")}
    assert [str(home) for home in homes if not (HOUSE / home).is_dir()] == []


def test_tests_are_no_package() -> None:
    assert list((HOUSE / "tests").rglob("__init__.py")) == []


def test_nothing_leans_on_what_lies_outside_the_checkout() -> None:
    assert lines_matching(OUTSIDE, everything_written()) == []


def test_nothing_is_left_unfinished() -> None:
    assert lines_matching(UNFINISHED, python_files(*SHIPPED, "infra", "tests")) == []


def test_no_test_is_skipped() -> None:
    assert lines_matching(SKIPPED, python_files("tests")) == []


def test_every_silenced_check_says_why() -> None:
    assert lines_matching(UNEXPLAINED, python_files(*SHIPPED, "infra", "tests")) == []


def test_the_estate_is_told_the_time() -> None:
    """Only then does old evidence, settled again, give the same; the store's leases alone live in real time."""
    read = [
        f"{file.relative_to(HOUSE)}:{node.lineno}"
        for file in python_files("estate")
        if file.parent.name != "store"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and CLOCK.search(ast.unparse(node.func))
    ]
    assert read == []


def test_every_flow_is_found_where_its_name_says() -> None:
    for file in python_files("flows"):
        if file.stem == "__init__":
            continue
        flow = getattr(importlib.import_module(f"flows.{file.stem}"), file.stem)
        assert isinstance(flow, Flow)
        assert flow.name == file.stem.replace("_", "-")


def test_every_flow_has_one_deployment_that_loads_and_a_schedule() -> None:
    """`prefect deploy` would hide an import error behind a placeholder, and take a misspelt key without a word."""
    flows = {file.stem for file in python_files("flows")} - {"__init__"}
    declared = read_declaration()
    assert {each.entrypoint for each in declared.deployments} == {f"flows.{flow}.{flow}" for flow in flows}
    for each in declared.deployments:
        assert each.load().name == each.entrypoint.rpartition(".")[2].replace("_", "-")
        assert each.schedules
        assert "roundsman" in each.tags
        for schedule in each.schedules:
            (form,) = schedule.parameters.values()
            assert isinstance(form, dict)
            assert form["trigger"] == "schedule"


def test_the_command_starts_without_the_engine() -> None:
    """Prefect costs two seconds at import, which nobody who only reads should pay."""
    asked = "import sys, deployments.command; sys.exit('prefect' in sys.modules)"
    assert subprocess.run((sys.executable, "-c", asked), cwd=HOUSE, check=False).returncode == 0


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())
    locked = dict(
        re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==(\S+)", (HOUSE / "requirements.lock").read_text(), re.MULTILINE)
    )
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for requirement in map(Requirement, wanted):
        assert Version(locked[requirement.name]) in requirement.specifier, requirement


def test_the_python_that_make_looks_for_is_the_one_that_the_project_takes() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    (low, high) = re.findall(r"\((3), (\d+)\)", (HOUSE / "infra" / "python.sh").read_text())
    assert project["requires-python"] == f">={'.'.join(low)},<{'.'.join(high)}"
