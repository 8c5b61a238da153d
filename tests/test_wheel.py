"""What is built is what runs in our image: the five rooms and the migrations, and nothing else."""

import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

HOUSE = Path(__file__).parents[1]
ROOMS = {"estate", "blocks", "tasks", "flows", "deployments"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(build, cwd=HOUSE, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return ZipFile(file)


def test_the_wheel_holds_the_five_rooms_and_nothing_else(wheel: ZipFile) -> None:
    tops = {Path(name).parts[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == ROOMS


def test_every_module_of_the_rooms_is_in_the_wheel(wheel: ZipFile) -> None:
    written = {str(file.relative_to(HOUSE)) for room in ROOMS for file in (HOUSE / room).rglob("*.py")}
    assert written <= set(wheel.namelist())


def test_the_migrations_travel_with_the_store(wheel: ZipFile) -> None:
    migrations = HOUSE / "infra" / "migrations"
    scripts = {str(file.relative_to(migrations)) for file in migrations.rglob("*.py")}
    shipped = {name.removeprefix("estate/store/migrations/") for name in wheel.namelist()}
    assert "env.py" in scripts
    assert scripts <= shipped


def test_no_cache_and_no_key_is_shipped(wheel: ZipFile) -> None:
    strange = [name for name in wheel.namelist() if name.endswith((".pyc", ".env", ".pem", ".key", ".sqlite"))]
    assert strange == []


def test_the_wheel_names_its_command_its_licence_and_that_it_stays_at_home(wheel: ZipFile) -> None:
    (info,) = {Path(name).parts[0] for name in wheel.namelist() if ".dist-info/" in name}
    about = message_from_bytes(wheel.read(f"{info}/METADATA"))
    assert "roundsman = deployments.command:main" in wheel.read(f"{info}/entry_points.txt").decode()
    assert about["License-Expression"] == "AGPL-3.0-or-later"
    assert wheel.read(f"{info}/licenses/LICENSE") == (HOUSE / "LICENSE").read_bytes()
    assert "Private :: Do Not Upload" in (about.get_all("Classifier") or ())
