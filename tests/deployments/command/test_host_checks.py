"""What doctor says of the ways into hosts, without going there."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

SCOPE = """
[[scopes]]
name = "office"
authorised_by = "Ada"
networks = ["10.0.0.0/24"]
"""


@pytest.fixture
def doctor(roundsman: Any):
    """What it says of one host."""

    def ask(row: str, more: str = "") -> dict[str, Any]:
        roundsman.describes(f'{SCOPE}{more}\n[[hosts]]\nhost = "10.0.0.7"\n{row}\n')
        found = roundsman("doctor", "--json").said["doctor"]
        checks: list[dict[str, Any]] = [one for one in found if one["name"] == "host 10.0.0.7"]
        assert len(checks) == 1
        return checks[0]

    return ask


def key(path: Path, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)
    return path


def test_a_key_that_opens_is_well_and_what_its_login_cannot_see_is_said(doctor, tmp_path: Path) -> None:
    check = doctor(f'identity = "{key(tmp_path / "key")}"')
    assert check["ok"]
    assert "sudoers" in check["told"]


def test_a_key_with_a_passphrase_and_no_agent_is_told(doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    check = doctor(f'identity = "{key(tmp_path / "key", "long enough")}"')
    assert not check["ok"]
    assert "no agent holds it" in check["told"]


def test_a_key_that_is_not_there_or_open_to_all_is_told(doctor, tmp_path: Path) -> None:
    assert "No such file" in doctor(f'identity = "{tmp_path}/absent"')["told"]
    path = key(tmp_path / "key")
    path.chmod(0o644)
    assert "chmod 600" in doctor(f'identity = "{path}"')["told"]


def test_an_engine_that_may_not_be_asked_is_told(doctor, tmp_path: Path) -> None:
    more = f'[containers]\nengine = "unix://{tmp_path}/absent.sock"\n'
    check = doctor('via = "docker"\ncontainer = "shop"', more)
    assert not check["ok"]
    assert "engine may not be asked" in check["told"]


def test_personal_data_without_a_limit_is_a_note(roundsman: Any) -> None:
    assert roundsman("audit", "local", "--json").code == 0
    (check,) = (one for one in roundsman("doctor", "--json").said["doctor"] if one["name"] == "personal")
    assert not check["ok"]
    assert "personal_days" in check["told"]
    gone = roundsman("prune", "--personal", "--before", "1d", "--json")
    assert gone.code == 0, gone.err
    assert gone.said["documents"] == 0
