"""The real collector on this machine, and on one with plants: a namespace of mounts in which nothing lasts."""

import os
import secrets
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.hosts.frames import read_frames
from estate.hosts.host import Host, Unseen, Visit
from estate.hosts.privilege import CHECKS, INVENTORY
from estate.hosts.privilege.walk import read_walk
from tasks.hosts.collector import collector

Failed = Callable[[str, Host], tuple[dict[str, str], str]]

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
OURS = {
    *("walk", "owner", "sudoers", "doas", "cron", "units", "paths", "loader", "refs", "modes", "exports", "dockerd"),
    "kernel",
}
# Of the real machine only what belongs to packages is there; all else lies on file systems that nobody else sees, so
# that the walk is short and nothing is left behind.
PRIVATE = """
set -eu
mount --make-rprivate /
for place in /*; do
    case $place in /bin | /boot | /dev | /etc | /lib* | /proc | /run | /sbin | /sys | /usr | /var) continue ;; esac
    if [ -d $place ] && [ ! -L $place ]; then mount -t tmpfs -o mode=755 tmpfs $place; fi
done
for place in /usr/local /var/tmp /var/cache /var/spool /var/www /var/lib/postgresql; do
    if [ -d $place ]; then mount -t tmpfs -o mode=755 tmpfs $place; fi
done
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
chmod 1777 /tmp /var/tmp
mkdir /usr/local/bin /usr/local/sbin
cp -a /etc /tmp/etc
mount --bind /tmp/etc /etc
: >/etc/fstab
"""


def ours() -> bytes:
    """The collector with the sections of this group, and those that they are read with."""
    whole = collector()
    for call, instead in (
        (b"\tpackages_sections\n", b""),
        (b"\thardening_sections\n", b""),
        (b"\taccess_sections\n", b"\tsection passwd 262144 s_passwd\n\tsection group 262144 s_group\n"),
    ):
        assert whole.count(call) == 1
        whole = whole.replace(call, instead)
    return whole


def collect(plants: str, *before: str) -> Host:
    """Collect what this machine is after some words to a shell, in a namespace of mounts that ends with it."""
    nonce = secrets.token_hex(16)
    last = f"cd /\nexec {' '.join(before or ('sh',))} -s -- {nonce} <&3 3<&-"
    done = subprocess.run(
        ("unshare", "-m", "sh", "-c", f"exec 3<&0 </dev/null\n{PRIVATE}\n{plants}\n{last}"),
        input=ours(),
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    frames = read_frames(done.stdout, nonce)
    assert frames.complete
    return Host(Visit("host:here", datetime(2026, 5, 4, tzinfo=UTC), nonce, "local"), frames)


@pytest.mark.parametrize("shell", [("dash",), ("bash",), ("busybox", "ash"), (*NOBODY, "dash")], ids=" ".join)
def test_what_the_collector_brings_is_read(shell: tuple[str, ...]) -> None:
    host = collect("", *shell)
    assert set(host.collected.sections) >= OURS
    unseen: dict[str, str] = {}
    for check in CHECKS:
        try:
            tuple(check.run(host))
        except Unseen as why:
            unseen[check.id] = why.reason
    for inventory in INVENTORY:
        try:
            tuple(inventory.read(host))
        except Unseen as why:
            unseen[inventory.family] = why.reason
    if shell == (*NOBODY, "dash"):
        assert set(unseen.values()) == {"no-privilege"}
        assert {"HOST-PRV-001", "HOST-PRV-004", "HOST-PRV-020", "suid", "sudo-rule"} <= set(unseen)
    else:
        # Files without an owner are beyond BusyBox.
        assert set(unseen.items()) <= {("HOST-PRV-021", "missing-tool")}


def test_the_plain_machine_is_quiet(failed: Failed) -> None:
    host = collect("")
    for check in CHECKS:
        if check.id not in {"HOST-PRV-023", "HOST-PRV-025"}:
            assert (check.id, *failed(check.id[-3:], host)) == (check.id, {}, "")


PLANTS = r"""
touch /etc/sudoers.d/10-x
chmod 440 /etc/sudoers.d/10-x
printf '%s\n' 'daemon ALL=(ALL) NOPASSWD: ALL' 'games ALL=(root) /usr/bin/find, /opt/app/*, SETENV: /opt/app/run' \
    'Defaults timestamp_timeout=-1' '@include "/etc/more rules"' >/etc/sudoers.d/10-x
echo 'mail ALL = NOPASSWD: /bin/bash' >'/etc/more rules'
chmod 666 '/etc/more rules'
mkdir -p /opt/app "/home/x y" /srv/drop
touch /opt/app/run '/home/x y/$(touch pwned)' "/srv/new
line" /usr/local/bin/rootsh /usr/local/bin/cap
chmod 755 /opt/app/run /usr/local/bin/*
chown -R daemon:daemon /opt/app
chmod 4755 /usr/local/bin/rootsh '/home/x y/$(touch pwned)' "/srv/new
line"
setcap cap_setuid=ep /usr/local/bin/cap
chmod 777 /srv/drop
chown 54321:54321 /srv/drop
echo '* * * * * root cd /opt/app && ./run --password=hunter2 >/dev/null' >/etc/crontab
printf '%s\n' '#!/bin/sh' >/etc/cron.d/open
chmod 666 /etc/cron.d/open
printf '%s\n' '[Service]' Environment=SECRET=hunter2 'ExecStart=/opt/app/run --key hunter2' \
    >/etc/systemd/system/a.service
printf '%s\n' '[Service]' 'ExecStart=/bin/true' >/etc/systemd/system/b.service
chown daemon /etc/systemd/system/b.service
echo /opt/app/evil.so >/etc/ld.so.preload.x
echo /opt/app >/etc/ld.so.conf.d/x.conf
echo 'export PATH=/opt/app:.:$PATH' >/etc/profile.d/x.sh
chmod 644 /etc/shadow
echo '/srv *(rw,no_root_squash)' >/etc/exports
mkdir -p /etc/docker
echo '{"hosts": ["tcp://0.0.0.0:2375"], "log-opts": {"splunk-token": "hunter2"}}' >/etc/docker/daemon.json
echo 'permit nopass backup' >/etc/doas.conf
gpasswd -a games shadow >/dev/null
"""
FOUND = {
    "001": {"/usr/local/bin/rootsh", "/home/x y/$(touch pwned)", "/srv/new\nline"},
    "003": {"/usr/local/bin/cap"},
    "004": {"daemon", "backup"},
    "005": {"games:/usr/bin/find", "mail:/bin/bash"},
    "006": {"games:/opt/app/*"},
    "007": {"/opt/app", "/opt/app/run"},
    "008": {"timestamp_timeout=-1", "SETENV games /opt/app/run"},
    "009": {"/etc/more rules"},
    "010": {"shadow:games"},
    "011": {"/opt/app/./run"},
    "012": {"/etc/cron.d/open"},
    "013": {"/etc/systemd/system/b.service"},
    "014": {"a.service:/opt/app/run"},
    "015": {"/opt/app", "."},
    "017": {"/opt/app"},
    "018": {"/etc/more rules", "/etc/cron.d/open"},
    "019": {"/etc/shadow"},
    "020": {"/srv/drop"},
    "021": {"/srv/drop"},
    "024": {"/srv:*"},
    "026": {"hosts:tcp://0.0.0.0:2375"},
}


@pytest.mark.parametrize("shell", [("dash",), ("bash",), ("busybox", "ash")], ids=" ".join)
def test_what_is_planted_is_found(failed: Failed, shell: tuple[str, ...]) -> None:
    host = collect(PLANTS, *shell)
    for check_id, expected in FOUND.items():
        if check_id != "021" or shell[0] != "busybox":
            found, reason = failed(check_id, host)
            assert (check_id, set(found)) == (check_id, _as_told(expected, shell))
            # Of the file with a newline in its name nobody can ask for capabilities.
            assert (check_id, reason) == (check_id, "unreadable" if check_id == "003" else "")
    everything = b"".join(section.body for section in host.collected.sections.values())
    assert b"hunter2" not in everything


def _as_told(expected: set[str], shell: tuple[str, ...]) -> set[str]:
    """BusyBox cannot spell a name with a newline."""
    return {"/(a path with a newline)" if shell[0] == "busybox" and "\n" in path else path for path in expected}


def test_a_preloaded_library_is_found(failed: Failed) -> None:
    plant = "cp -L /lib/*/libm.so.6 /opt/evil.so && echo /opt/evil.so >/etc/ld.so.preload"
    assert failed("016", collect(plant)) == ({"/opt/evil.so": "critical"}, "")


def test_a_hundred_thousand_set_id_files_hide_nothing_of_roots(failed: Failed) -> None:
    plant = """
install -m 4755 /bin/true /usr/local/bin/rootsh
mkdir /tmp/many
cd /tmp/many
seq 100000 | xargs touch
find . -type f -exec chown nobody {} + -exec chmod 4755 {} +
mkdir -m 777 /tmp/many/d && cd /tmp/many/d
seq 20000 | xargs mkdir -m 777
chmod 666 /etc/profile
"""
    host = collect(plant)
    assert len(host.section("walk")) < 1_050_000
    found, reason = failed("001", host)
    assert found["/usr/local/bin/rootsh"] == "critical"
    assert reason == "cut"
    assert failed("018", host)[0] == {"/etc/profile": "critical"}


def test_a_file_system_that_ignores_set_id_bits_is_told_apart(failed: Failed) -> None:
    plant = "mount -t tmpfs -o nosuid,mode=755 tmpfs /srv; install -m 4755 /bin/true '/srv/a b'"
    assert failed("001", collect(plant)) == ({"/srv/a b": "low"}, "")


def test_where_directories_are_named_badly_everything_is_still_seen(failed: Failed) -> None:
    plant = """
name="/srv/new
line \\\\ 'q'"
mkdir "$name" "$name/mount"
mount -t tmpfs -o mode=755 tmpfs '/srv/new
line \\\\ '"'q'/mount" || :
install -m 4755 /bin/true "$name/su"
cp /bin/true "$name/cap"
setcap cap_setuid=ep "$name/cap"
"""
    host = collect(plant)
    (found,) = (path for path in failed("001", host)[0] if path.endswith("/su"))
    assert found.startswith("/srv/new\nline ")
    # A file with capabilities may be among those whose names getcap cannot be asked for.
    assert ("/", "unreadable") in host.read(read_walk).blind


CALLS = (
    "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,chmod,"
    "fchmod,fchmodat,chown,fchown,fchownat,lchown,truncate,ftruncate,setxattr,mknod,mknodat,utimensat,mount"
)


def test_nothing_is_written(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    with log.open("wb") as out:
        reach = f"/proc/{os.getpid()}/fd/{out.fileno()}"
        assert collect(
            "", "strace", "-f", "--seccomp-bpf", "-qq", "-e", "signal=none", "-e", f"trace={CALLS}", "-o", reach, "sh"
        ).collected.complete
    lines = log.read_text(errors="replace").splitlines()
    assert len(lines) > 1000
    wrote = [
        line
        for line in lines
        if not (" open" in line and not any(flag in line for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")))
        and "/dev/null" not in line
        and "/dev/tty" not in line
        and "ENOENT" not in line
        and "resumed>" not in line
        and "+++" not in line
    ]
    assert wrote == []
