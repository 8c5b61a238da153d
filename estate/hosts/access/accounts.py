"""Accounts and groups of a host's own files, as glibc reads them: the lenient reader is the one that grants access."""

import re
from dataclasses import dataclass

from estate.hosts.access.seen import seen_lines
from estate.hosts.host import Host

_NUMBER = re.compile(r"[ \t\v\f\r]*([+-]?)(\d{1,40})\Z", re.ASCII)
_MOST = 0xFFFFFFFF
_NO_SHELLS = frozenset(
    f"{place}/{name}"
    for place in ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/run/current-system/sw/bin")
    for name in ("nologin", "false", "true", "sync", "shutdown", "halt")
) | {"/dev/null"}


@dataclass(frozen=True, slots=True)
class Account:
    """One line of /etc/passwd; of two lines with one name, the first is what a name means.

    `hash_type` is what the collector made of the second field: `x` (it is in the shadow file), empty (no password is
    needed), `none` (nothing matches), or a hash's type, with `locked-` before it where it is switched off.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    hash_type: str = "x"

    @property
    def can_log_in(self) -> bool:
        """Whether the shell is one: an empty field is /bin/sh, and a `nologin` in another place may be anything."""
        return self.shell not in _NO_SHELLS


@dataclass(frozen=True, slots=True)
class Group:
    """One line of /etc/group; `members` are the names on it, without those whose primary group it is."""

    name: str
    gid: int
    members: tuple[str, ...]


def read_accounts(host: Host) -> tuple[Account, ...]:
    """Every account in /etc/passwd, in its order.

    Raises:
        Unseen: the list is not there, or not whole.
    """
    host.section("passwd")
    return seen_accounts(host)


def seen_accounts(host: Host) -> tuple[Account, ...]:
    """Those accounts that came; who uses them says `Unseen` at the end by asking for the section.

    Raises:
        Unseen: nothing came.
    """
    return tuple(found for line in seen_lines(host, "passwd") if (found := _account(line)) is not None)


def read_network_entries(host: Host) -> tuple[str, ...]:
    """Lines of /etc/passwd that bring in accounts of a directory (`+`, `+@netgroup`), of the old `compat` kind."""
    return tuple(line for line in seen_lines(host, "passwd") if line.lstrip().startswith("+"))


def read_groups(host: Host) -> tuple[Group, ...]:
    """Every group in /etc/group, in its order.

    Raises:
        Unseen: the list is not there, or not whole.
    """
    host.section("group")
    return seen_groups(host)


def seen_groups(host: Host) -> tuple[Group, ...]:
    """Those groups that came.

    Raises:
        Unseen: nothing came.
    """
    return tuple(found for line in seen_lines(host, "group") if (found := _group(line)) is not None)


def members_of(group: Group, accounts: tuple[Account, ...]) -> tuple[str, ...]:
    """Who is in a group, whether its line names them or their own line does."""
    primary = (account.name for account in accounts if account.gid == group.gid)
    return tuple(sorted({*group.members, *primary}))


def _fields(line: str) -> list[str]:
    """A line's fields, after the blanks that glibc skips; none for a comment and for a directory's entry."""
    line = line.lstrip(" \t\v\f\r")
    return [] if line[:1] in {"", "#", "+", "-"} else line.split(":")


def _account(line: str) -> Account | None:
    """What glibc makes of a line: numbers are needed, and what is missing after them is empty."""
    fields = _fields(line)
    if len(fields) < 4:
        return None
    uid, gid = number(fields[2]), number(fields[3])
    if uid is None or gid is None:
        return None
    home = fields[5] if len(fields) > 5 else ""
    return Account(fields[0], uid, gid, home, ":".join(fields[6:]), fields[1])


def _group(line: str) -> Group | None:
    fields = _fields(line)
    if len(fields) < 3 or (gid := number(fields[2])) is None:
        return None
    names = (fields[3] if len(fields) > 3 else "").split(",")
    return Group(fields[0], gid, tuple(sorted({stripped for name in names if (stripped := name.strip())})))


def number(field: str) -> int | None:
    """An id as C's strtoul gives it to glibc: `00` and `+0` are 0, and what is too large is the largest."""
    found = _NUMBER.match(field)
    if found is None:
        return None
    value = int(found[2])
    if found[1] == "-":
        value = 0 if value == 0 else 2**64 - min(value, 2**64 - 1)
    return min(value, _MOST)
