"""Files and sockets that the wrong people may read or write."""

import re
from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, lines
from estate.hosts.privilege.names import read_names
from estate.hosts.privilege.paths import Stat, parse_stat
from estate.hosts.privilege.walk import read_walk

_SYSTEM = re.compile(r"/(?:etc|usr|boot|s?bin|lib[0-9a-z]*|opt)/", re.DOTALL)
_ACTS = re.compile(
    r"/etc/(?:profile|bash|zsh|environment|cron|at\.|anacron|pam|security/|systemd|init|rc|sudo|doas|ssh/|ld\.so|udev|"
    r"passwd|group|shadow|gshadow|apt/|dpkg/|yum|dnf|logrotate|modprobe|modules|polkit|dbus|NetworkManager/dispatcher|"
    r"network/|ppp/|dhcp/|update-motd|xinetd|inetd|sysctl|fstab|hosts\.|nsswitch|crypttab|exports|alternatives)",
    re.DOTALL,
)
_SECRET = re.compile(r"/etc/(?:g?shadow-?|security/opasswd|krb5\.keytab)\Z")
_SOCKET = re.compile(r".*\.(?:sock|socket)\Z")
_DYNAMIC = range(61184, 65520)
"""Numbers that systemd gives to services while they run (systemd.exec(5), DynamicUser=)."""
_SUBORDINATE = 100_000
"""From here on, numbers belong to users within containers (subuid(5))."""
_HOLDERS = frozenset({"root", "docker", "lxd", "incus", "incus-admin", "podman", "containerd"})


def read_modes(host: Host) -> tuple[tuple[str, Stat], ...]:
    """Files that matter, with their modes; those that are not there are left out.

    Raises:
        Unseen: nothing came.
    """
    rows = lines(host.section("modes", partly=True))
    found = (parse_stat(row) for row in (rows[:-1] if host.fault("modes") else rows))
    return tuple(each for each in found if each is not None)


def writable_system_file(host: Host) -> Iterator[Problem]:
    """What everybody may write below /etc, and where programs and libraries are."""
    walk = host.read(read_walk)
    for each in walk.writable:
        if _SYSTEM.match(each.path):
            runs = each.directory or each.mode & 0o111
            if each.path.startswith("/etc/"):
                severity = Severity.CRITICAL if _ACTS.match(each.path) else Severity.MEDIUM
            elif each.path.startswith("/opt/"):
                severity = Severity.HIGH if runs else Severity.MEDIUM
            else:
                severity = Severity.CRITICAL if runs else Severity.HIGH
            kind = "directory" if each.directory else "file"
            yield Problem(each.path, severity, f"{kind} of mode {each.mode:04o}")
    walk.whole("W")


def open_directory(host: Host) -> Iterator[Problem]:
    """A directory in which everybody may remove what others put there."""
    walk = host.read(read_walk)
    for each in walk.writable:
        if each.directory and not _SYSTEM.match(each.path):
            yield Problem(each.path, Severity.MEDIUM, f"mode {each.mode:04o}, without the sticky bit")
    walk.whole("W")


def unowned(host: Host) -> Iterator[Problem]:
    """Files of numbers without an account: whoever gets the number next gets them. What is in /run is gone by then."""
    walk = host.read(read_walk)
    if not any(kind == "O" and reason == "not-rated" for kind, reason in walk.blind):
        told: set[str] = set()
        for path, uid, gid in sorted(walk.unowned):
            above = path.rpartition("/")[0]
            if above in told:
                told.add(path)
                continue
            if max(uid, gid) >= _SUBORDINATE or uid in _DYNAMIC or gid in _DYNAMIC or path.startswith("/run/"):
                continue
            told.add(path)
            yield Problem(path, Severity.LOW, f"owner {uid}, group {gid}: at least one has no name")
    walk.whole("O")


def sensitive_file(host: Host) -> Iterator[Problem]:
    """Files of accounts and secrets with wider modes than they can bear."""
    names = host.read(read_names)
    for path, stat in host.read(read_modes):
        if stat.mode & 0o170000 == 0o140000:
            continue
        secret = _SECRET.match(path) is not None
        severity: Severity | None = None
        hashes = secret and "shadow" in path and stat.mode & 0o007
        by_group = stat.mode & 0o020 and stat.gid != 0 and names.others_in(stat.gid)
        if stat.uid != 0 or stat.mode & 0o002 or hashes or by_group:
            severity = Severity.CRITICAL
        elif secret and stat.mode & 0o007:
            severity = Severity.HIGH
        elif secret and stat.mode & 0o040 and names.group(stat.gid) not in {"root", "shadow"}:
            severity = Severity.HIGH if names.others_in(stat.gid) else Severity.MEDIUM
        if severity is not None:
            yield Problem(path, severity, f"mode {stat.permissions} {names.owner(stat.uid, stat.gid)}")
    host.section("modes")
    if not names.whole:
        host.section("passwd")
        host.section("group")


def open_socket(host: Host) -> Iterator[Problem]:
    """A socket of a container engine that others than its own group may use."""
    names = host.read(read_names)
    for path, stat in host.read(read_modes):
        if stat.mode & 0o170000 != 0o140000 or not _SOCKET.match(path):
            continue
        owner = names.owner(stat.uid, stat.gid)
        if stat.mode & 0o002:
            yield Problem(path, Severity.CRITICAL, f"mode {stat.permissions} {owner}: everybody is root through it")
        elif stat.mode & 0o020 and names.group(stat.gid) not in _HOLDERS and (members := names.others_in(stat.gid)):
            evidence = f"mode {stat.permissions} {owner}: {', '.join(members[:5])} is root through it"
            yield Problem(path, Severity.HIGH, evidence)
    host.section("modes")


CHECKS = (
    Check(
        "HOST-PRV-018",
        "Everybody may write a file or directory of the system's",
        writable_system_file,
        "chmod o-w {resource}",
        cis=("7.1.11",),
        controls=("3.3",),
        attack=("T1546.004", "T1222"),
    ),
    Check(
        "HOST-PRV-019",
        "A file of accounts or secrets has too wide a mode or the wrong owner",
        sensitive_file,
        "chown root {resource} && chmod g-w,o-w {resource}; for shadow and gshadow: chown root:shadow {resource} && "
        "chmod 640 {resource}",
        cis=("7.1.1", "7.1.2", "7.1.3", "7.1.4", "7.1.5", "7.1.6", "7.1.7", "7.1.8", "7.1.9", "7.1.10"),
        controls=("3.3",),
        attack=("T1003.008",),
    ),
    Check(
        "HOST-PRV-020",
        "A directory that everybody may write has no sticky bit",
        open_directory,
        "chmod +t {resource}, or chmod o-w {resource}",
        cis=("7.1.11",),
        controls=("3.3",),
        attack=("T1222",),
    ),
    Check(
        "HOST-PRV-021",
        "A file belongs to a number without an account",
        unowned,
        "chown -h root:root {resource}, or remove it",
        cis=("7.1.12",),
        controls=("3.3",),
    ),
    Check(
        "HOST-PRV-022",
        "A container engine's socket is open to others",
        open_socket,
        "chmod 660 {resource} && chown root:docker {resource}",
        controls=("3.3",),
        attack=("T1611", "T1610"),
    ),
)
