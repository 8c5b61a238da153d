"""The one line that a login shell is asked to run, where sudo is a stand-in that does as told."""

import shutil
import subprocess
from pathlib import Path

import pytest

from estate.errors import BadInput
from tasks.hosts.collector import digest
from tasks.hosts.shell_line import INSTALLED, shell_line, words

NONCE = "0123456789abcdef" * 2
SCRIPT = b'main() { echo "ran as $WHO with $*"; }\nmain "$@"\nexit 0\n'


class Host:
    """A folder of programs that is all the PATH there is, run by somebody who is not root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("sh", "timeout", "env", "cat"):
            (folder / name).symlink_to(shutil.which(name) or "")
        self.has("id", "echo 1000")
        self.has("sha256sum", "exit 1")
        self.installed = folder / "roundsman-collector"
        self.installed.touch()

    def has(self, name: str, does: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (self.folder / name).chmod(0o755)

    def has_sudo(self, does: str) -> None:
        self.has("sudo", f'echo "sudo $*" >&2\n{does}')

    def runs(self, sudo, level="standard", shell="/bin/sh") -> tuple[str, str, int]:
        done = subprocess.run(
            [shell, "-c", shell_line(sudo, NONCE, level, 30).replace(INSTALLED, str(self.installed))],
            input=SCRIPT,
            env={"PATH": str(self.folder), "WHO": "user", "HOME": "/nonexistent"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.stdout.decode(), done.stderr.decode(), done.returncode


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


GRANTS = 'shift; WHO=root; export WHO; exec "$@"'
REFUSES = 'echo "sudo: a password is required" >&2; exit 1'


def test_without_sudo_the_collector_simply_runs(host):
    assert host.runs("no") == (f"ran as user with {NONCE}\n", "", 0)


def test_a_level_beyond_the_standard_is_an_argument(host):
    assert host.runs("no", "cloud")[0] == f"ran as user with {NONCE} cloud\n"


def test_a_host_without_timeout_runs_it_as_well(host):
    (host.folder / "timeout").unlink()
    assert host.runs("no")[0] == f"ran as user with {NONCE}\n"


def test_with_full_sudo_root_runs_the_script_that_we_send(host):
    host.has_sudo(GRANTS)

    out, err, code = host.runs("full")

    assert (out, code) == (f"ran as root with {NONCE}\n", 0)
    assert err == f"sudo -n /bin/sh -s -- {NONCE}\n"


def test_root_needs_no_sudo(host):
    host.has("id", "echo 0")
    host.has_sudo(GRANTS)

    assert host.runs("full") == (f"ran as user with {NONCE}\n", "", 0)


@pytest.mark.parametrize("sudo", ["full", "pinned"])
def test_where_sudo_refuses_the_collector_runs_without_it_and_says_why(host, sudo):
    host.has_sudo(REFUSES)

    out, err, code = host.runs(sudo)

    assert (out, code) == (f"ran as user with {NONCE}\n", 0)
    assert "sudo: a password is required\n" in err
    assert "roundsman: sudo -n ended with 1, so the collector runs without privilege" in err


@pytest.mark.parametrize("sudo", ["full", "pinned"])
def test_a_host_without_sudo_says_so(host, sudo):
    out, err, code = host.runs(sudo)

    assert (out, code) == (f"ran as user with {NONCE}\n", 0)
    assert "roundsman: sudo -n ended with 127" in err


def test_a_root_shell_that_was_killed_half_way_is_not_followed_by_another(host):
    host.has_sudo("exit 137")

    out, _, code = host.runs("full")

    assert (out, code) == ("", 137)


def test_the_pinned_collector_is_run_with_the_nonce_alone(host):
    host.has("sha256sum", f"echo {digest()}  $1")
    host.has_sudo("echo pinned collector")

    out, err, code = host.runs("pinned")

    assert (out, code) == ("pinned collector\n", 0)
    assert err == f"sudo -n {host.installed} {NONCE}\n"


def test_an_installed_collector_of_another_version_is_not_even_asked_for(host):
    host.has("sha256sum", f"echo {'0' * 64}  $1")
    host.has_sudo(GRANTS)

    out, err, code = host.runs("pinned")

    assert (out, code) == (f"ran as user with {NONCE}\n", 0)
    assert "is of another version than this one" in err
    assert "sudo -n" not in err


def test_a_host_on_which_no_collector_is_installed_says_so(host):
    host.installed.unlink()
    host.has_sudo(GRANTS)

    out, err, code = host.runs("pinned")

    assert (out, code) == (f"ran as user with {NONCE}\n", 0)
    assert "is not there, so the collector runs without privilege" in err


@pytest.mark.parametrize("shell", ["bash", "tcsh", "fish", "rbash"])
@pytest.mark.parametrize("sudo", ["no", "full", "pinned"])
def test_every_login_shell_reads_the_line_alike(host, shell, sudo):
    host.has_sudo(REFUSES)
    path = shutil.which(shell)
    assert path is not None

    assert host.runs(sudo, shell=path)[0] == f"ran as user with {NONCE}\n"


@pytest.mark.parametrize("sudo", ["no", "full", "pinned"])
def test_the_line_has_nothing_that_shells_read_differently(sudo):
    line = shell_line(sudo, NONCE, "cloud", 30)

    assert line.count("'") == 2
    assert not set(line) & set("!\\\n`")
    # An old csh takes no longer word.
    assert len(line) < 1_000


@pytest.mark.parametrize(("nonce", "level"), [("x", "standard"), (NONCE, "deep"), (NONCE + "\n", "standard")])
def test_a_nonce_or_level_that_is_none_is_refused(nonce, level):
    with pytest.raises(BadInput):
        words("no", nonce, level, 30)
