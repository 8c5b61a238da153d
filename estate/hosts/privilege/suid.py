"""Files that run with their owner's or group's rights, or with capabilities, against what packages bring."""

import re
from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen
from estate.hosts.privilege.baseline import shipped, within
from estate.hosts.privilege.gtfobins import SUID, program
from estate.hosts.privilege.names import Names, read_names
from estate.hosts.privilege.owners import Owners, both_ways, owners_or_none
from estate.hosts.privilege.paths import parents, read_paths
from estate.hosts.privilege.walk import Special, read_walk, special_files

_SYSTEM = re.compile(r"/(?:usr|s?bin|lib[0-9a-z]*|opt|etc|var)/", re.DOTALL)
_STRONG_GROUPS = frozenset(
    {"root", "shadow", "disk", "kmem", "docker", "lxd", "incus", "libvirt", "sudo", "wheel", "admin", "staff", "adm"}
)
_CRITICAL = frozenset({"setuid", "sys_admin", "sys_module", "dac_override"})
_HIGH = frozenset(
    {"setgid", "dac_read_search", "sys_ptrace", "chown", "fowner", "setfcap", "bpf", "sys_rawio", "mknod", "perfmon"}
    | {"setpcap", "mac_admin", "mac_override", "sys_boot", "linux_immutable", "fsetid", "checkpoint_restore"}
)
# By their file's name: what Debian's, Ubuntu's and Fedora's packages give to their own files.
_GRANTED = {
    "newuidmap": frozenset({"setuid"}),
    "newgidmap": frozenset({"setgid"}),
    "suexec": frozenset({"setuid", "setgid"}),
    "slock": frozenset({"dac_override"}),
    "systemd-detect-virt": frozenset({"dac_override", "sys_ptrace"}),
    "krb5_child": frozenset({"dac_read_search", "setuid", "setgid", "chown", "dac_override"}),
    "ldap_child": frozenset({"dac_read_search"}),
    "sssd_pam": frozenset({"dac_read_search"}),
    "selinux_child": frozenset({"setuid", "setgid"}),
    "gst-ptp-helper": frozenset({"setuid"}),
    "sunshine": frozenset({"sys_admin"}),
    "gsr-kms-server": frozenset({"sys_admin"}),
    "snap-confine": frozenset(
        {"chown", "dac_override", "dac_read_search", "fowner", "setgid", "setuid", "sys_admin", "sys_ptrace", "bpf"}
        | {"fsetid", "mknod", "perfmon", "setpcap"}
    ),
}


def _named(special: Special, names: Names) -> str:
    return f"mode {special.mode:04o} {names.owner(special.uid, special.gid)}"


def _whose(host: Host, special: Special) -> tuple[str, str]:
    """A file's package, and why nobody can say; nothing in /home or /tmp is of a package."""
    if not _SYSTEM.match(special.path):
        return "", ""
    owners, reason = owners_or_none(host)
    if reason:
        return "", reason
    package = owners.package(special.path)
    if not package and not owners.database:
        return "", "not-rated"
    return package, "" if package or owners.full else "cut"


def _strength(host: Host, special: Special) -> Severity:
    names = host.read(read_names)
    if host.read(read_walk).inert(special.path) or not special.mode & 0o111 or _shut_away(host, special.path):
        return Severity.LOW
    if special.mode & 0o4000 and (special.uid == 0 or special.mode & 0o022):
        return Severity.CRITICAL
    if special.mode & 0o2000 and (special.mode & 0o002 or names.group(special.gid) in _STRONG_GROUPS):
        return Severity.HIGH
    return Severity.MEDIUM


def unpackaged(host: Host) -> Iterator[Problem]:
    """A set-id file that came with no package."""
    names = host.read(read_names)
    unknown = ""
    for special in special_files(host):
        package, reason = _whose(host, special)
        unknown = unknown or reason
        if not package and not reason:
            evidence = f"{_named(special, names)}, of no package"
            yield Problem(special.path, _strength(host, special), evidence)
    if unknown:
        raise Unseen(unknown)
    host.read(read_walk).whole("S")


def _shut_away(host: Host, path: str) -> bool:
    """Whether a directory above it lets nobody but root through."""
    try:
        stats = host.read(read_paths).stats
    except Unseen:
        return False
    above = (stats.get(place) for place in parents(path))
    return any(each is not None and each.uid == each.gid == 0 and not each.mode & 0o001 for each in above)


def beyond_baseline(host: Host) -> Iterator[Problem]:
    """A packaged file whose set-id bits its distribution does not give it."""
    walk, names = host.read(read_walk), host.read(read_names)
    unknown = "" if names.whole else host.fault("passwd") or host.fault("group")
    for special in special_files(host):
        package, reason = _whose(host, special)
        unknown = unknown or reason
        if not package or _allowed(special, names, owners_or_none(host)[0]):
            continue
        as_root = special.mode & 0o4000 and special.uid == 0
        severity = Severity.CRITICAL if as_root and program(special.path) in SUID else Severity.HIGH
        if walk.inert(special.path):
            severity = Severity.LOW
        yield Problem(special.path, severity, f"{_named(special, names)}, of package {package}")
    if unknown:
        raise Unseen(unknown)
    walk.whole("S")


def _allowed(special: Special, names: Names, owners: Owners) -> bool:
    if not names.whole:
        # Without names only numbers can be compared; what looks wrong may not be.
        return True
    owner, group = names.user(special.uid), names.group(special.gid)
    if owners.database == "dpkg" and shipped(special.path, special.mode, owner, group):
        return True
    for path in both_ways(special.path):
        for listed in (owners.known, owners.overrides):
            if path in listed:
                most, whose, whose_group = listed[path]
                same = whose in {owner, str(special.uid)} and whose_group in {group, str(special.gid)}
                registered = within(special.mode, most) and same
                if registered and (listed is owners.known or program(path) not in SUID):
                    return True
    return False


def capable(host: Host) -> Iterator[Problem]:
    """A file with a capability that is as good as root, or nearly so."""
    walk = host.read(read_walk)
    owners, _ = owners_or_none(host)
    for path, text in walk.capable:
        held = _capabilities(text)
        granted = _GRANTED.get(path.rpartition("/")[2], frozenset()) if owners.package(path) else frozenset()
        over = held - granted
        rated = sorted(over & (_CRITICAL | _HIGH))
        if not rated:
            continue
        severity = Severity.CRITICAL if over & _CRITICAL else Severity.HIGH
        if walk.inert(path):
            severity = Severity.LOW
        yield Problem(path, severity, text)
    walk.whole("/")


def _capabilities(text: str) -> frozenset[str]:
    """The names in the text form of cap_from_text(3), where nothing before the sign means all."""
    held: set[str] = set()
    for clause in text.split("[", maxsplit=1)[0].split():
        named = re.split(r"[=+-]", clause, maxsplit=1)[0]
        if clause.rstrip("eip").endswith("-") or re.search(r"[=+]\Z", clause):
            continue
        if named in {"", "all"}:
            held |= _CRITICAL | _HIGH
        held.update(name.removeprefix("cap_") for name in named.split(",") if name)
    return frozenset(held)


def suid_inventory(host: Host) -> Iterator[Inventoried]:
    """Every set-id file."""
    walk, names = host.read(read_walk), host.read(read_names)
    owners, reason = owners_or_none(host)
    for special in special_files(host):
        yield (
            special.path,
            attributes(
                mode=f"{special.mode:04o}",
                owner=names.user(special.uid) if names.whole else None,
                group=names.group(special.gid) if names.whole else None,
                package=None if reason else owners.package(special.path),
            ),
        )
    walk.whole("S")


def capability_inventory(host: Host) -> Iterator[Inventoried]:
    """Every file with capabilities."""
    walk = host.read(read_walk)
    for path, text in walk.capable:
        yield path, attributes(capabilities=text)
    walk.whole("/")


INVENTORY = (
    Inventory("suid", "privilege", suid_inventory),
    Inventory("capability", "privilege", capability_inventory),
)
CHECKS = (
    Check(
        "HOST-PRV-001",
        "A set-user-id or set-group-id file came with no package",
        unpackaged,
        "Find out who put it there; until then take the bits away: chmod u-s,g-s {resource}",
        cis=("7.1.13",),
        controls=("3.3",),
        attack=("T1548.001",),
    ),
    Check(
        "HOST-PRV-002",
        "A packaged file has set-id bits that its distribution does not give it",
        beyond_baseline,
        "chmod u-s,g-s {resource}\nor, where it is meant: dpkg-statoverride --update --add USER GROUP MODE {resource}",
        cis=("7.1.13",),
        controls=("3.3",),
        attack=("T1548.001",),
        other=("https://gtfobins.github.io/#+suid",),
    ),
    Check(
        "HOST-PRV-003",
        "A file has a capability that makes root of whoever runs it",
        capable,
        "setcap -r {resource}",
        controls=("3.3",),
        attack=("T1548.001",),
        other=("https://gtfobins.github.io/#+capabilities",),
    ),
)
