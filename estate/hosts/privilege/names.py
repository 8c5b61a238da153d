"""Names for the numbers of users and groups, and who is in a group, where the host's own lists say it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from estate.hosts.access.accounts import Account, Group, members_of, seen_accounts, seen_groups
from estate.hosts.host import Host, Unseen


@dataclass(frozen=True, slots=True)
class Names:
    """Users and groups by number; a number without a name stands for itself."""

    users: Mapping[int, str]
    groups: Mapping[int, str]
    members: Mapping[int, tuple[str, ...]]
    whole: bool

    def user(self, uid: int) -> str:
        """A user's name."""
        return self.users.get(uid, str(uid))

    def group(self, gid: int) -> str:
        """A group's name."""
        return self.groups.get(gid, str(gid))

    def owner(self, uid: int, gid: int) -> str:
        """Both, as chown takes them."""
        return f"{self.user(uid)}:{self.group(gid)}"

    def others_in(self, gid: int) -> tuple[str, ...]:
        """Who besides root is in a group; of an unknown list, its number stands for them."""
        if gid not in self.members:
            return () if self.whole and gid == 0 else (str(gid),)
        return tuple(name for name in self.members[gid] if name != "root")


def read_names(host: Host) -> Names:
    """The host's names; empty, and not whole, where the lists did not come."""
    accounts: tuple[Account, ...] = ()
    groups: tuple[Group, ...] = ()
    with suppress(Unseen):
        accounts, groups = host.read(seen_accounts), host.read(seen_groups)
    whole = not host.fault("passwd") and not host.fault("group")
    users = {account.uid: account.name for account in reversed(accounts)}
    root = frozenset(account.name for account in accounts if account.uid == 0)
    return Names(
        users,
        {group.gid: group.name for group in reversed(groups)},
        {group.gid: tuple(name for name in members_of(group, accounts) if name not in root) for group in groups},
        whole,
    )
