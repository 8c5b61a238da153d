"""The examples for pipelines in docs, run as the commands that they are."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.manifest.gate_policy import load_policy
from infra.lab.docker_engine import docker_engine
from infra.lab.images import OLD_PACKAGES, Image, debian
from infra.lab.registry import PASSWORD, USER, lab_registry
from infra.lab.trivy_database import write_database

DOCS = Path(__file__).parents[3] / "docs"
PROGRAMS = Path(sys.executable).parent
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def run(command: tuple[str, ...], folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", **more}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    assert run(("git", "init", "--quiet"), folder).returncode == 0
    return folder


def test_the_example_of_a_policy_is_one():
    policy = load_policy((DOCS / "gate.toml").read_text(), "gate.toml")
    assert policy.signatures is not None
    assert policy.ignore
    assert policy.logins


def test_the_gitlab_job_refuses_and_allows(trivy, checkout: Path, tmp_path: Path):
    job = (DOCS / "gitlab-ci-gate.yml").read_text().splitlines()
    (script,) = [line.removeprefix("    - ") for line in job if line.startswith("    - roundsman ")]
    (tmp_path / "registry").mkdir()
    write_database(checkout / "trivy-cache", datetime.now(UTC))
    with docker_engine() as engine, lab_registry(tmp_path / "registry", protected=True) as lab:
        (checkout / "gate.toml").write_text(
            f'registries = ["{lab.host}"]\n[[logins]]\nhost = "{lab.host}"\n'
            'user_env = "CI_REGISTRY_USER"\npassword_env = "CI_REGISTRY_PASSWORD"\n'
        )
        engine.docker("login", "--username", USER, "--password-stdin", lab.host, given=PASSWORD.encode())
        for packages, code in ((OLD_PACKAGES, 1), ({"libc6": ("glibc", "2.36-9+deb12u13")}, 0)):
            name = f"{lab.host}/team/app:c0ffee"
            engine.docker("load", "--input", str(Image((debian(packages),), tags=(name,)).save(tmp_path / "i.tar")))
            engine.docker("push", name)
            done = run(
                ("sh", "-e", "-c", script),
                checkout,
                CI_REGISTRY_IMAGE=f"{lab.host}/team/app",
                CI_COMMIT_SHA="c0ffee",
                CI_REGISTRY_USER=USER,
                CI_REGISTRY_PASSWORD=PASSWORD,
                TRIVY_CACHE_DIR=str(checkout / "trivy-cache"),
                DOCKER_HOST=f"unix://{tmp_path}/no-engine",
                ROUNDSMAN_HOME=str(tmp_path / "home"),
            )
            assert done.returncode == code, done.stderr
            assert json.loads((checkout / "gate.json").read_text())["allowed"] is (code == 0)
            assert json.loads((checkout / "gate.sarif").read_text())["version"] == "2.1.0"


def test_the_hook_stops_a_commit_with_a_secret_and_lets_others_pass(trivy, checkout: Path, tmp_path: Path):
    (checkout / ".pre-commit-config.yaml").write_text((DOCS / "pre-commit-secrets.yaml").read_text())
    (checkout / "app.py").write_text("print('hello')\n")
    assert run(("git", "add", "."), checkout).returncode == 0
    hook = ("pre-commit", "run", "trivy-secrets")
    places = {"PRE_COMMIT_HOME": str(tmp_path / "hooks"), "TRIVY_CACHE_DIR": str(tmp_path / "cache")}
    clean = run(hook, checkout, **places)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    (checkout / "app.py").write_text(f"token = '{TOKEN}'\n")
    assert run(("git", "add", "."), checkout).returncode == 0
    stopped = run(hook, checkout, **places)
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "github-pat" in stopped.stdout
    assert TOKEN not in stopped.stdout
