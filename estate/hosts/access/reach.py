"""Whom a file's mode lets in beside its owner: a group of the owner alone lets in nobody."""

from estate.hosts.access.accounts import members_of, read_accounts, read_groups
from estate.hosts.access.ways import Place, Ways
from estate.hosts.host import Host

WRITE, READ = 0o022, 0o044


def lets_in(host: Host, place: Place, bits: int) -> bool:
    """Whether anybody but root and the owner has one of these rights by the file's own mode.

    Raises:
        Unseen: the accounts and groups are not all known.
    """
    return bool(place.mode & bits & 0o007) or (bool(place.mode & bits & 0o070) and not _own_group(host, place))


def _own_group(host: Host, place: Place) -> bool:
    if place.gid == 0:
        return True
    accounts = host.read(read_accounts)
    groups = [group for group in host.read(read_groups) if group.gid == place.gid]
    owners = {account.name for account in accounts if account.uid == place.uid}
    return bool(groups) and all(set(members_of(group, accounts)) <= owners for group in groups)


def reachable(ways: Ways, place: Place) -> bool:
    """Whether the directories that a file is in, as far as we looked, let somebody else through to it."""
    around = {found.path.rstrip("/"): found for found in (*ways.homes, *ways.directories, *ways.enclosing)}
    path = place.path
    while "/" in path:
        path = path.rpartition("/")[0]
        found = around.get(path)
        if found is not None and not found.mode & 0o011:
            return False
    return True


def foreign(place: Place, uid: int | None) -> bool:
    """Whether somebody owns it who is neither root nor the account that it is for."""
    return place.uid not in {0, uid}
