"""File systems and their options: whether what anybody may write can be executed, owned by root, or be a device."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.hardening.told import is_container
from estate.hosts.host import Host, lines

_ANYBODYS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - they are asked about, not written to
_WANTED = ("nosuid", "nodev", "noexec")
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "9p", "afs"})
_KERNELS = frozenset(
    [
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "ramfs",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "squashfs",
        "sysfs",
        "tracefs",
    ]
)
_TOLD = ("ro", "nosuid", "nodev", "noexec")
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """What is seen at a place: of several mounts at one, the last."""

    place: str
    kind: str
    source: str
    options: frozenset[str]


def read_mounts(host: Host) -> tuple[Mount, ...]:
    """Every mount, by its place: proc_pid_mountinfo(5).

    Raises:
        Unseen: the list is not whole.
    """
    found: dict[str, Mount] = {}
    for line in lines(host.section("mounts")):
        left, sign, right = line.partition(" - ")
        here, there = left.split(" "), right.split(" ")
        if not sign or len(here) < 6 or len(there) < 3:
            continue
        options = frozenset((*here[5].split(","), *(["ro"] if "ro" in there[2].split(",") else [])))
        found[here[4]] = Mount(_plain(here[4]), there[0], _plain(there[1]), options)
    return tuple(found.values())


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda each: chr(int(each[1], 8) & 0x7F), text)


def weak_mounts(host: Host) -> Iterator[Problem]:
    """HOST-HRD-004."""
    if is_container(host):
        return
    mounts = {mount.place: mount for mount in host.read(read_mounts)}
    for place in _ANYBODYS:
        if place not in mounts:
            if place == _ANYBODYS[0]:
                yield Problem(place, Severity.LOW, f"{place} is a folder of the root file system")
            continue
        for option in _WANTED:
            if option not in mounts[place].options:
                yield Problem(f"{place}:{option}", Severity.LOW, f"{mounts[place].kind} {place} without {option}")
    for mount in mounts.values():
        if mount.kind in _REMOTE and mount.place not in _ANYBODYS and "nosuid" not in mount.options:
            evidence = f"{mount.kind} {mount.source} at {mount.place} without nosuid"
            yield Problem(f"{mount.place}:nosuid", Severity.LOW, evidence, "its server decides who becomes root here")


def _inventory(host: Host) -> Iterator[Inventoried]:
    for mount in host.read(read_mounts):
        if mount.kind in _KERNELS or mount.place.startswith(("/proc/", "/sys/", "/run/")):
            continue
        options = ",".join(option for option in _TOLD if option in mount.options)
        yield (
            mount.place,
            attributes(type=mount.kind, options=options or "-", source=mount.source if mount.kind in _REMOTE else None),
        )


INVENTORY = (Inventory("mount", "hardening", _inventory),)
CHECKS = (
    Check(
        id="HOST-HRD-004",
        title="A file system that anybody or another machine may fill takes programs, devices or SUID files",
        run=weak_mounts,
        remediation=(
            "If {first} is a mount of its own: mount -o remount,nosuid,nodev,noexec {first}, and the same options in "
            "/etc/fstab. If not: systemctl enable /usr/share/systemd/tmp.mount, or a line in /etc/fstab: "
            "tmpfs {first} tmpfs nosuid,nodev,noexec 0 0"
        ),
        cis=("1.1.2.1", "1.1.2.2", "1.1.2.6"),
        controls=("3.3", "4.1"),
        attack=("T1548.001", "T1059.004"),
    ),
)
