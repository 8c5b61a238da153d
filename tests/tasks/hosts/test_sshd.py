"""A real sshd with real users, shells and sudo, whose /etc is its own: jumps, agents, certificates, rights."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from estate.hosts.shard import Target
from tasks.hosts import visit as visiting
from tasks.hosts.setup import sudoers_line
from tasks.hosts.shell_line import INSTALLED

FIRST_UID = 64_100
SHELLS = {
    "scan": "/bin/sh",
    "wrong": "/bin/sh",
    "full": "/bin/sh",
    "asks": "/bin/sh",
    "csh": "tcsh",
    "fish": "fish",
    "chatty": "bash",
    "restricted": "rbash",
    "nologin": "/usr/sbin/nologin",
}
CHATTY = 'echo "Welcome to $(hostname)"; printf "@0123 B who\\n"; echo noise >&2; sleep 1\n'
# Everything of the host's that the tests change is a copy which only this sshd and its children see.
PRIVATE = """\
set -e
mount --bind etc/passwd /etc/passwd
mount --bind etc/shadow /etc/shadow
mount --bind etc/group /etc/group
mount --bind etc/sudoers /etc/sudoers
mount --bind etc/sudoers.d /etc/sudoers.d
mount --bind sbin /usr/local/sbin
mount -t tmpfs run /run
mkdir -m 755 /run/sshd
exec "$(command -v sshd)" -D -e -f sshd_config
"""


def run(*argv: object, given: str = "") -> str:
    done = subprocess.run(list(map(str, argv)), input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Lab:
    """A folder with the host's files, and the ports where its sshd listens."""

    folder: Path
    ports: tuple[int, int]

    def target(self, user: str = "scan", **changed: object) -> Target:
        told: dict[str, object] = {
            "address": "127.0.0.1",
            "port": self.ports[0],
            "user": user,
            "identity": str(self.folder / "id"),
            "known_hosts": str(self.folder / "known_hosts"),
            "config": str(self.folder / "config"),
        }
        return Target("h", "ssh", **{**told, **changed})  # type: ignore[arg-type]  # named as they are

    @property
    def installed(self) -> Path:
        return self.folder / "sbin" / Path(INSTALLED).name


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def lay_out(folder: Path, ports: tuple[int, int], collector: bytes) -> None:
    """Write the host's own files."""
    etc = folder / "etc"
    (etc / "sudoers.d").mkdir(parents=True)
    for name in ("passwd", "shadow", "group"):
        shutil.copy(f"/etc/{name}", etc / name)
    for number, (user, shell) in enumerate(SHELLS.items()):
        home = folder / "home" / user
        home.mkdir(parents=True)
        uid = FIRST_UID + number
        path = shell if shell.startswith("/") else shutil.which(shell)
        with (etc / "passwd").open("a") as passwd, (etc / "shadow").open("a") as shadow:
            passwd.write(f"{user}:x:{uid}:{uid}::{home}:{path}\n")
            shadow.write(f"{user}:*:19000:0:99999:7:::\n")
        if user == "chatty":
            (home / ".bashrc").write_text(CHATTY)
        os.chown(home, uid, uid)
    rules = (
        sudoers_line("scan", cloud=True),
        f"wrong ALL=(root) NOPASSWD: sha256:{'0' * 64} {INSTALLED} ^[0-9a-f]{{32}}$",
        "full ALL=(root) NOPASSWD: /bin/sh -s -- *",
        "asks ALL=(root) ALL",
    )
    (etc / "sudoers").write_text("Defaults env_reset, use_pty\n" + "\n".join(rules) + "\n")
    (etc / "sudoers").chmod(0o440)
    (folder / "sbin").mkdir()
    (folder / "sbin" / Path(INSTALLED).name).write_bytes(collector)
    (folder / "sbin" / Path(INSTALLED).name).chmod(0o755)
    for key in ("host", "ca", "id", "certified"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", folder / key)
    run("ssh-keygen", "-q", "-s", folder / "ca", "-I", "host", "-h", "-n", "127.0.0.1,inner", folder / "host.pub")
    run("ssh-keygen", "-q", "-s", folder / "ca", "-I", "user", "-n", "scan", "-V", "+5m", folder / "certified.pub")
    host_key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text("".join(f"[127.0.0.1]:{port} {host_key}" for port in ports))
    (folder / "authorized_keys").write_text("restrict,port-forwarding " + (folder / "id.pub").read_text())
    (folder / "config").write_text("")
    (folder / "sshd_config").write_text(
        f"Port {ports[0]}\nPort {ports[1]}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
        f"HostCertificate {folder}/host-cert.pub\nTrustedUserCAKeys {folder}/ca.pub\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nUsePAM no\nStrictModes no\nPidFile none\nUseDNS no\n"
    )


@pytest.fixture(scope="module")
def lab(small_collector) -> Iterator[Lab]:
    """A host with an sshd, for all tests of this file."""
    # Its users must be able to walk to their homes, which they are not in pytest's own folders.
    with tempfile.TemporaryDirectory(prefix="roundsman-sshd-") as name:
        folder, ports = Path(name), free_ports()
        folder.chmod(0o755)
        lay_out(folder, ports, small_collector)
        command = [
            "setpriv",
            "--pdeathsig",
            "TERM",
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            PRIVATE,
        ]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, stderr=log) as sshd:
            until = time.monotonic() + 30
            while "Server listening" not in (folder / "log").read_text():
                assert sshd.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
            try:
                yield Lab(folder, ports)
            finally:
                sshd.terminate()


def test_a_user_without_privilege_is_audited_as_that(lab, visited):
    came = visited(lab.target())

    assert (came.told.error, came.told.detail) == ("", "")
    assert came.collected.complete
    assert (came.who["user"], came.who["uid"]) == ("scan", str(FIRST_UID))


@pytest.mark.parametrize("user", ["csh", "fish", "chatty", "restricted"])
@pytest.mark.parametrize("sudo", ["no", "full"])
def test_every_login_shell_will_do(lab, visited, user, sudo):
    came = visited(lab.target(user, sudo=sudo))

    assert came.told.error == ""
    assert came.collected.complete
    assert came.who["user"] == user
    assert ("without privilege" in came.told.detail) == (sudo == "full")


def test_an_account_that_may_not_log_in_has_refused(lab, visited):
    came = visited(lab.target("nologin"))

    assert came.told.error == "refused"
    assert "not available" in came.told.detail


@pytest.mark.parametrize(("user", "sudo"), [("scan", "pinned"), ("full", "full")])
def test_granted_sudo_makes_it_root_in_one_connection(lab, visited, user, sudo):
    before = (lab.folder / "log").read_text().count("Accepted publickey")
    came = visited(lab.target(user, sudo=sudo))

    assert (came.told.error, came.told.detail) == ("", "")
    assert came.collected.complete
    assert came.who["uid"] == "0"
    assert (lab.folder / "log").read_text().count("Accepted publickey") == before + 1


def test_the_pinned_collector_may_be_asked_for_the_cloud_too(lab, visited):
    who = visited(lab.target(sudo="pinned", level="cloud")).who

    assert (who["uid"], who["level"]) == ("0", "cloud")


@pytest.mark.parametrize(
    ("user", "sudo", "words"),
    [
        ("asks", "full", "a password is required"),
        ("asks", "pinned", "a password is required"),
        ("wrong", "pinned", "a password is required"),
        ("scan", "full", "a password is required"),
        ("csh", "pinned", "a password is required"),
    ],
)
def test_refused_sudo_is_told_and_the_rest_is_looked_at(lab, visited, user, sudo, words):
    came = visited(lab.target(user, sudo=sudo))

    assert came.told.error == ""
    assert came.collected.complete
    assert came.who["user"] == user
    assert words in came.told.detail
    assert "runs without privilege" in came.told.detail


def test_a_pinned_collector_with_one_byte_more_is_not_run(lab, visited, small_collector):
    with lab.installed.open("ab") as installed:
        installed.write(b"#")
    try:
        came = visited(lab.target(sudo="pinned"))
    finally:
        lab.installed.write_bytes(small_collector)

    assert came.collected.complete
    assert came.who["user"] == "scan"
    assert "is of another version than this one" in came.told.detail


def test_sudo_itself_refuses_a_collector_that_was_tampered_with(lab, small_collector):
    with lab.installed.open("ab") as installed:
        installed.write(b"#")
    try:
        command = f"sudo -n {INSTALLED} {'0' * 32}"
        target = lab.target()
        done = subprocess.run(
            (
                *("ssh", "-F", "none", "-i", target.identity, "-p", str(target.port), "-o", "BatchMode=yes"),
                *("-o", f"UserKnownHostsFile={target.known_hosts}", "scan@127.0.0.1", command),
            ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        lab.installed.write_bytes(small_collector)

    assert (done.returncode, done.stdout) == (1, "")
    assert "a password is required" in done.stderr


def test_an_uninstalled_pinned_collector_is_told(lab, visited):
    moved = lab.installed.rename(lab.installed.with_suffix(".away"))
    try:
        came = visited(lab.target(sudo="pinned"))
    finally:
        moved.rename(lab.installed)

    assert came.who["user"] == "scan"
    assert f"{INSTALLED} is not there" in came.told.detail


@pytest.fixture
def agent(lab, tmp_path, monkeypatch):
    """An agent that holds the key, which is nowhere else."""
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 20
        while not (tmp_path / "agent").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        run("ssh-add", "-q", lab.folder / "id")
        try:
            yield
        finally:
            process.terminate()


def test_an_agents_key_lets_us_in(lab, visited, agent):
    assert visited(lab.target(identity="")).collected.complete


def test_an_agents_key_may_be_named_by_its_public_half(lab, visited, agent, tmp_path):
    shutil.copy(lab.folder / "id.pub", tmp_path / "elsewhere.pub")

    assert visited(lab.target(identity=str(tmp_path / "elsewhere.pub"))).collected.complete


def test_a_certificate_lets_us_in_and_an_authority_vouches_for_the_host(lab, visited, tmp_path):
    authority = (lab.folder / "ca.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"@cert-authority 127.0.0.1,[127.0.0.1]:* {authority}")
    ways = {"identity": str(lab.folder / "certified"), "known_hosts": str(tmp_path / "known_hosts")}

    assert visited(lab.target(**ways)).collected.complete
    assert visited(lab.target("full", **ways)).told.error == "auth-failed"


def test_an_authority_that_does_not_vouch_for_this_host_is_no_reason_to_trust_it(lab, visited, tmp_path):
    authority = (lab.folder / "ca.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"@cert-authority *.example {authority}")

    assert visited(lab.target(known_hosts=str(tmp_path / "known_hosts"))).told.error == "host-key-unknown"


def test_a_revoked_host_key_is_refused(lab, visited, tmp_path):
    key = (lab.folder / "host.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"@revoked * {key}" + (lab.folder / "known_hosts").read_text())

    assert visited(lab.target(known_hosts=str(tmp_path / "known_hosts"))).told.error == "host-key-changed"


def jumping(lab: Lab, more: str = "") -> str:
    return (
        f"Host inner\n  HostName 127.0.0.1\n  Port {lab.ports[1]}\n  ProxyJump bastion\n"
        f"Host bastion\n  HostName 127.0.0.1\n  Port {lab.ports[0]}\n  User full\n"
        f"  IdentityFile {lab.folder}/id\n{more}"
    )


def test_a_jump_is_taken_as_the_configuration_says(lab, visited, tmp_path):
    (tmp_path / "config").write_text(jumping(lab))
    before = (lab.folder / "log").read_text().count("Accepted publickey")

    came = visited(lab.target(address="inner", port=0, config=str(tmp_path / "config")))

    assert came.told.error == ""
    assert came.collected.complete
    assert (lab.folder / "log").read_text().count("Accepted publickey") == before + 2


def test_a_jump_whose_key_is_unknown_is_refused_even_where_the_configuration_would_not(lab, visited, tmp_path):
    (tmp_path / "config").write_text(jumping(lab, "  StrictHostKeyChecking no\n"))
    (tmp_path / "known_hosts").write_text((lab.folder / "known_hosts").read_text().splitlines()[1] + "\n")
    ways = {"config": str(tmp_path / "config"), "known_hosts": str(tmp_path / "known_hosts")}

    came = visited(lab.target(address="inner", port=0, **ways))

    assert came.told.error == "host-key-unknown"


def test_a_jump_that_does_not_let_us_in_is_a_refused_login(lab, visited, tmp_path):
    (tmp_path / "config").write_text(jumping(lab).replace("User full", "User nobody-there"))

    assert visited(lab.target(address="inner", port=0, config=str(tmp_path / "config"))).told.error == "auth-failed"


def test_two_audits_of_one_host_at_once_do_not_meet(lab, visited):
    came = []
    threads = [threading.Thread(target=lambda: came.append(visited(lab.target(sudo="pinned")))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one.collected.complete for one in came] == [True, True]


def running_as(uid: int) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if folder.stat().st_uid == uid:
                    found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return [line for line in found if "sshd" not in line and line]


def test_a_collector_that_we_gave_up_ends_on_the_host_too(lab, visited, monkeypatch):
    monkeypatch.setattr(visiting, "collector", lambda: b"sleep 290\n")

    assert visited(lab.target(), deadline=3).told.error == "timeout"

    until = time.monotonic() + 30
    while any("sleep" in line for line in running_as(FIRST_UID)):
        assert time.monotonic() < until
        time.sleep(0.2)


def test_the_machines_own_files_were_not_touched():
    assert "scan" not in {entry.pw_name for entry in pwd.getpwall()}
    assert not Path(INSTALLED).exists()
