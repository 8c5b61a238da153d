"""Groups whose members are as good as root, and who is in any group."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.access.accounts import members_of, read_accounts, read_groups, seen_accounts, seen_groups
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen

_ROOT_BY = {
    "docker": "starts a container with the host's files in it",
    "lxd": "starts a container with the host's files in it",
    "incus": "starts a container with the host's files in it",
    "incus-admin": "starts a container with the host's files in it",
    "lxc": "starts a container with the host's files in it",
    "libvirt": "starts a machine on any disk of the host",
    "disk": "reads and writes every file system below its permissions",
    "shadow": "reads the hashes of passwords",
    "kmem": "reads the kernel's memory",
    "root": "writes what root's group may write",
    "staff": "writes to /usr/local, from where root runs programs",
}
_TOLD = {"adm": "reads the logs", "video": "sees the screen"}


def root_equivalent(host: Host) -> Iterator[Problem]:
    """Members of groups that make root of them without sudo's log and without a password."""
    accounts = host.read(seen_accounts)
    by_name = {account.name: account for account in reversed(accounts)}
    for group in host.read(seen_groups):
        why = _ROOT_BY.get(group.name) or _TOLD.get(group.name)
        if why is None:
            continue
        # System accounts of some distributions have root's group as their own from the start.
        members = group.members if group.name == "root" else members_of(group, accounts)
        for member in members:
            account = by_name.get(member)
            if (account is not None and account.uid == 0) or member == group.name == "libvirt-qemu":
                continue
            severity = Severity.HIGH if group.name in _ROOT_BY else Severity.INFO
            if severity is Severity.INFO and (account is None or not account.can_log_in):
                continue
            yield Problem(f"{group.name}:{member}", severity, f"{member} in group {group.name}: {why}")
    host.read(read_groups)
    host.read(read_accounts)


def members(host: Host) -> Iterator[Inventoried]:
    """Every member of every group, besides a group that is a user's own."""
    accounts = host.read(seen_accounts)
    for group in host.read(seen_groups):
        for member in members_of(group, accounts):
            if member != group.name:
                yield f"{group.name}:{member}", attributes()
    for section in ("group", "passwd"):
        if reason := host.fault(section):
            raise Unseen(reason)


INVENTORY = (Inventory("member", "privilege", members),)
CHECKS = (
    Check(
        "HOST-PRV-010",
        "A member of a group that is as good as root",
        root_equivalent,
        "gpasswd -d {rest} {first}",
        controls=("5.4",),
        attack=("T1078.003", "T1611"),
    ),
)
