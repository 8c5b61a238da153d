"""What an administrator is told to paste is what ssh and sudo take."""

import subprocess
from hashlib import sha256

import pytest

from estate.errors import BadInput
from estate.hosts.frames import read_frames
from infra.lab.hosts import lab_host
from infra.lab.hosts.collecting import collect, judge
from tasks.hosts.collector import collector, digest
from tasks.hosts.setup import BLIND, authorized_key_line, host_setup, sudoers_line
from tasks.hosts.shell_line import INSTALLED

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpUMmLuQGQzFyS4f0y5Tm8wBtm6fQ0d5Wb0tWlLx1cM roundsman@scanner"


@pytest.mark.parametrize("cloud", [False, True])
def test_sudo_takes_the_line(tmp_path, cloud):
    (tmp_path / "sudoers").write_text(sudoers_line("scan", cloud=cloud) + "\n")
    (tmp_path / "sudoers").chmod(0o440)

    done = subprocess.run(
        ["visudo", "-cf", str(tmp_path / "sudoers")], capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_line_pins_the_collector_that_is_sent():
    assert f"sha256:{sha256(collector()).hexdigest()} " in sudoers_line("scan")


def test_a_key_may_do_nothing_but_run_commands_from_where_the_scanner_is():
    assert authorized_key_line(KEY, ("10.0.0.5", "fd00::/64")) == f'restrict,from="10.0.0.5/32,fd00::/64" {KEY}'
    assert authorized_key_line(KEY) == f"restrict {KEY}"


@pytest.mark.parametrize(
    "key", ["", "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-ed25519 AAAA", f"{KEY}\nssh-rsa x", f'command="x" {KEY}']
)
def test_what_is_no_public_key_is_refused(key):
    with pytest.raises(BadInput, match="public key"):
        authorized_key_line(key)


def test_a_source_that_is_no_network_is_refused():
    with pytest.raises(BadInput, match=r"10\.0\.0\.500"):
        authorized_key_line(KEY, ("10.0.0.500",))


@pytest.mark.parametrize("account", ["", "root user", "a;reboot", "A", "-x", "a" * 33])
def test_a_name_that_is_no_accounts_is_refused(account):
    with pytest.raises(BadInput, match="no account's name"):
        host_setup(account)


@pytest.mark.parametrize("key", ["", KEY])
def test_the_whole_text_is_a_script(key):
    text = host_setup("scan", key=key, sources=("10.0.0.5",), cloud=True)

    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert digest() in text
    assert (KEY in text) == bool(key)


def test_every_section_that_needs_root_is_told_to_those_who_grant_none(tmp_path):
    nonce = "0123456789abcdef" * 2
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-s", "--", nonce],
        input=collector(),
        capture_output=True,
        cwd="/",
        timeout=250,
        check=False,
    )

    collected = read_frames(done.stdout, nonce)

    assert collected.complete
    denied = {name for name, section in collected.sections.items() if section.fault == "no-privilege"}
    assert denied
    assert denied <= set(BLIND)


def test_pasted_on_a_plain_host_it_grants_the_collector_and_no_more_and_is_no_finding():
    with lab_host("clean", plants=()) as host:
        before = judge(collect(host)).places
        host.run(("sh", "-c", "cat >/root/roundsman-collector"), stdin=collector())
        host.must("cd /root\n" + host_setup("scan", key=KEY, sources=("10.0.0.5",)))

        granted = host.run(("sudo", "-n", INSTALLED, "0" * 32), user="scan", timeout=250)
        refused = [
            host.run(("sudo", "-n", *argv), user="scan")
            for argv in ((INSTALLED,), (INSTALLED, "0" * 32, "cloud"), (INSTALLED, "$(id)"), ("/bin/sh", "-c", "id"))
        ]

        assert b"\nuid=0\n" in granted.stdout
        assert granted.stdout.endswith(b"Z ok\n")
        assert [(done.returncode, done.stdout) for done in refused] == [(1, b"")] * 4
        assert judge(collect(host)).places == before
