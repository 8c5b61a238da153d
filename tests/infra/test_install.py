"""infra/install.sh on machines that lack things, played by stand-ins on its PATH."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

INSTALL = Path(__file__).parents[2] / "infra" / "install.sh"
ALWAYS_THERE = ("sh", "dirname", "ls", "env", "chmod")
GOOD_PYTHON = "exit 0"
OLD_PYTHON = 'case "$2" in *print*) echo 3.10 ;; *) exit 1 ;; esac'
# Debian's python3 without python3-venv: it runs, but has no ensurepip until that is installed.
BARE_PYTHON = 'case "$2" in *print*) echo 3.11 ;; *) command -v python3-venv >/dev/null ;; esac'


class Machine:
    """A folder of programs that is all the PATH there is, but for the system's own sbin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        for name in ALWAYS_THERE:
            found = which(name)
            assert found is not None
            (folder / name).symlink_to(found)
        self.has("python3", GOOD_PYTHON)
        self.has("id", "echo 0")
        self.has("nmap", "exit 0")
        self.has("zmap", "exit 0")
        self.has("ssh", "exit 0")
        # Installing a package makes a program of that name appear.
        self.has(
            "apt-get",
            f"""echo "$*" >>{self.journal}
            for word do case $word in nmap | python3-venv) : >{folder}/$word && chmod +x {folder}/$word ;; esac done""",
        )

    def has(self, name: str, does: str) -> None:
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)

    def lacks(self, name: str) -> None:
        (self.folder / name).unlink()

    def installs(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("/bin/sh", INSTALL, *options),
            env={"PATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )

    @property
    def asked_of_apt(self) -> list[str]:
        return self.journal.read_text().splitlines() if self.journal.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_that_has_everything_is_left_alone(machine: Machine) -> None:
    done = machine.installs()
    assert (done.returncode, done.stdout, done.stderr, machine.asked_of_apt) == (0, "", "", [])


def test_a_missing_scanner_is_named_explained_and_installed_alone(machine: Machine) -> None:
    machine.lacks("nmap")
    done = machine.installs()
    assert done.returncode == 0, done.stderr
    assert "Missing: nmap (asks ports and names services)" in done.stdout
    assert "Installing: apt-get install nmap" in done.stdout
    refreshed, installed = machine.asked_of_apt
    assert refreshed.endswith("update")
    assert installed.endswith("install nmap")
    assert "-y" in installed.split()


def test_a_second_time_there_is_nothing_to_do(machine: Machine) -> None:
    machine.lacks("nmap")
    machine.installs()
    machine.journal.unlink()
    assert machine.installs().stdout == ""
    assert machine.asked_of_apt == []


def test_an_ordinary_user_is_told_that_sudo_will_be_used(machine: Machine) -> None:
    machine.lacks("nmap")
    machine.has("id", "echo 1000")
    machine.has("sudo", f'echo "sudo $*" >>{machine.journal}; "$@"')
    done = machine.installs()
    assert done.returncode == 0, done.stderr
    assert "Installing: sudo apt-get install nmap" in done.stdout
    assert [line for line in machine.asked_of_apt if line.startswith("sudo ")]


def test_without_root_and_sudo_the_command_to_run_is_said(machine: Machine) -> None:
    machine.lacks("nmap")
    machine.has("id", "echo 1000")
    done = machine.installs()
    assert done.returncode == 2
    assert "As root, run: apt-get install nmap" in done.stderr
    assert machine.asked_of_apt == []


def test_without_apt_the_programs_to_install_are_said(machine: Machine) -> None:
    machine.lacks("nmap")
    machine.lacks("apt-get")
    done = machine.installs()
    assert done.returncode == 2
    assert "your own package manager" in done.stderr
    assert "nmap" in done.stderr


def test_package_lists_that_cannot_be_refreshed_do_not_stop_an_install(machine: Machine) -> None:
    machine.lacks("nmap")
    real = (machine.folder / "apt-get").read_text()
    machine.has("apt-get", f'case "$*" in *update) exit 100 ;; esac\n{real}')
    done = machine.installs()
    assert done.returncode == 0, done.stderr
    assert "Could not refresh them" in done.stdout


def test_a_failed_install_fails(machine: Machine) -> None:
    machine.lacks("nmap")
    machine.has("apt-get", 'case "$*" in *install*) exit 100 ;; esac')
    assert machine.installs().returncode != 0


def test_an_old_python_is_named_with_what_to_do(machine: Machine) -> None:
    machine.has("python3", OLD_PYTHON)
    done = machine.installs("--python")
    assert done.returncode == 2
    assert "python3 here is 3.10" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert machine.asked_of_apt == []


def test_a_python_without_its_venv_module_gets_it(machine: Machine) -> None:
    machine.has("python3", BARE_PYTHON)
    done = machine.installs("--python")
    assert done.returncode == 0, done.stderr
    assert machine.asked_of_apt[-1].endswith("install python3-venv")


def test_an_unknown_option_is_refused(machine: Machine) -> None:
    done = machine.installs("--everything")
    assert done.returncode == 2
    assert "usage:" in done.stderr
