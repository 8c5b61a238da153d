"""Rights are told from the kernel, not from the user's name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from estate.errors import ToolMissing
from tasks.rights import Rights, raw_rights
from tasks.tools import find_tool

CHECKOUT = Path(__file__).parents[2]
TELL = "from tasks.rights import raw_rights; print(raw_rights('nmap'))"


@pytest.fixture
def own_nmap(monkeypatch):
    """A copy of nmap that may be given rights, found before the machine's own, in a folder that anybody may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "nmap")
        shutil.copy(find_tool("nmap"), path)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        yield path


def as_nobody(prepare=lambda: None) -> str:
    """What `raw_rights` says in a process of a user without rights."""
    heard, said = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            prepare()
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(said, repr(raw_rights("nmap")).encode())
        finally:
            os._exit(0)
    os.close(said)
    os.waitpid(child, 0)
    with os.fdopen(heard) as pipe:
        return pipe.read()


def forbid_new_privileges() -> None:
    import ctypes

    assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0


def test_root_with_the_capability_may():
    assert raw_rights("nmap") == Rights(True, "we are root")


def test_root_in_a_container_without_the_capability_may_not():
    command = ["capsh", "--drop=cap_net_raw", "--", "-c", f'exec "$0" -c "{TELL}"', sys.executable]

    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout

    assert said.startswith("Rights(raw=False, why='we are root, but without cap_net_raw")
    assert "cap_add" in said


def test_another_user_may_not_and_is_told_the_command(own_nmap):
    said = as_nobody()

    assert "raw=False" in said
    assert f"sudo setcap cap_net_raw,cap_net_admin,cap_net_bind_service+eip {own_nmap}" in said


def test_another_user_may_with_a_tool_that_bears_the_capability(own_nmap):
    subprocess.run(["setcap", "cap_net_raw,cap_net_admin,cap_net_bind_service+eip", own_nmap], check=True)

    assert as_nobody() == f"Rights(raw=True, why='{own_nmap} bears cap_net_raw', grant='')"


def test_a_capability_that_is_not_effective_does_not_help_nmap(own_nmap):
    subprocess.run(["setcap", "cap_net_raw+p", own_nmap], check=True)

    assert "raw=False" in as_nobody()


def test_another_capability_does_not_help(own_nmap):
    subprocess.run(["setcap", "cap_net_admin+eip", own_nmap], check=True)

    assert "raw=False" in as_nobody()


def test_no_new_privileges_void_the_tools_capability(own_nmap):
    subprocess.run(["setcap", "cap_net_raw+eip", own_nmap], check=True)

    said = as_nobody(forbid_new_privileges)

    assert "raw=False" in said
    assert "may not gain any here" in said


def test_a_tool_that_is_not_there_has_no_rights():
    with pytest.raises(ToolMissing):
        raw_rights("no-such-scanner")
