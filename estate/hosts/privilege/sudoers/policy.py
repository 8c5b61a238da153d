"""sudo's policy with its aliases put in: one grant for each of whom, where and what."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from estate.hosts.privilege.sudoers.grammar import (
    Alias,
    Command,
    Entry,
    Kind,
    Malformed,
    Member,
    Setting,
    Specification,
    parse_line,
)
from estate.hosts.privilege.sudoers.text import Files, logical_lines

_ALIAS = re.compile(r"[A-Z][A-Z0-9_]*")
_DEEPEST = 32
_MOST_GRANTS = 20_000
_DEFAULT_RUNAS = (Member("root"),)
# In the order in which visudo's own export has them.
_TAGS = {
    "EXEC": ("EXEC", "NOEXEC"),
    "FOLLOW": ("FOLLOW", "NOFOLLOW"),
    "INTERCEPT": ("INTERCEPT", "NOINTERCEPT"),
    "LOG_INPUT": ("LOG_INPUT", "NOLOG_INPUT"),
    "LOG_OUTPUT": ("LOG_OUTPUT", "NOLOG_OUTPUT"),
    "MAIL": ("MAIL", "NOMAIL"),
    "PASSWD": ("PASSWD", "NOPASSWD"),
    "SETENV": ("SETENV", "NOSETENV"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """One user, group or netgroup (or a list with exceptions in it) may run one command on some hosts."""

    principal: str
    hosts: tuple[Member, ...]
    users: tuple[Member, ...]
    groups: tuple[Member, ...]
    tags: tuple[tuple[str, bool], ...]
    options: tuple[tuple[str, str], ...]
    command: Command
    file: str = ""

    def tag(self, name: str) -> bool | None:
        """Whether a tag is set, unset, or not spoken of."""
        return dict(self.tags).get(name)

    @property
    def as_root(self) -> bool:
        """Whether root is among those as whom the command may run: the last entry that matches decides."""
        found = False
        for member in self.users:
            if member.text in {"ALL", "root", "#0"}:
                found = not member.negated
        return found

    @property
    def spelled(self) -> str:
        """The grant as a line of sudoers, always in the same spelling."""
        runas = spell(self.users) + (f":{spell(self.groups)}" if self.groups else "")
        options = "".join(f"{name}={value} " for name, value in self.options)
        tags = "".join(f"{_TAGS[name][not value]}: " for name, value in self.tags)
        return f"{self.principal} {spell(self.hosts)}=({runas}) {options}{tags}{spell_command(self.command)}"


@dataclass(frozen=True, slots=True)
class Policy:
    """All grants and settings; `faults` says why there may be more."""

    grants: tuple[Grant, ...]
    settings: tuple[Setting, ...]
    faults: tuple[str, ...]


def spell(members: Iterable[Member]) -> str:
    """A list as sudoers has it."""
    return ",".join(f"{'!' * member.negated}{member.text}" for member in members)


def spell_command(command: Command) -> str:
    """A command as sudoers has it."""
    digests = ", ".join(command.digests)
    arguments = "" if command.arguments is None else f" {command.arguments}"
    return f"{digests}{' ' * bool(digests)}{'!' * command.negated}{command.path}{arguments}"


def read_policy(files: Files) -> Policy:
    """Read files that began as text; what is malformed is left out, as sudo does, and told."""
    said: list[Specification | Alias | Setting] = []
    faults: dict[str, None] = {}
    for line in logical_lines(files):
        if not line.text:
            faults["no-privilege"] = None
            continue
        try:
            said.extend(parse_line(line.text, line.file))
        except Malformed:
            faults["unreadable"] = None
    aliases = {(each.kind, each.name): each for each in said if isinstance(each, Alias)}
    grants: list[Grant] = []
    for specification in said:
        if isinstance(specification, Specification):
            for grant in _grants(aliases, specification):
                if len(grants) >= _MOST_GRANTS:
                    faults["cut"] = None
                    break
                grants.append(grant)
    settings = tuple(_bound(aliases, each) for each in said if isinstance(each, Setting))
    return Policy(tuple(dict.fromkeys(grants)), settings, tuple(faults))


Aliases = Mapping[tuple[Kind, str], Alias]


def _grants(aliases: Aliases, specification: Specification) -> Iterator[Grant]:
    users = tuple(_members(aliases, "User", specification.users))
    hosts = tuple(_members(aliases, "Host", specification.hosts))
    # With an exception in it the list means something only as a whole.
    principals = [spell(users)] if any(user.negated for user in users) else [user.text for user in users]
    for entry in specification.entries:
        as_users = _DEFAULT_RUNAS if entry.users is None else tuple(_members(aliases, "Runas", entry.users))
        as_groups = tuple(_members(aliases, "Runas", entry.groups))
        for command in _commands(aliases, entry.command):
            for principal in principals:
                yield _grant(principal, hosts, as_users, as_groups, entry, command, specification.file)


def _grant(
    principal: str,
    hosts: tuple[Member, ...],
    users: tuple[Member, ...],
    groups: tuple[Member, ...],
    entry: Entry,
    command: Command,
    file: str,
) -> Grant:
    return Grant(principal, hosts, users, groups, entry.tags, entry.options, command, file)


def _bound(aliases: Aliases, setting: Setting) -> Setting:
    """A setting with the aliases that bind it put in."""
    kinds: dict[str, Kind] = {"@": "Host", ":": "User", ">": "Runas"}
    bound = tuple(_members(aliases, kinds.get(setting.binding, "User"), setting.bound))
    commands = tuple(each for command in setting.commands for each in _commands(aliases, command))
    return Setting(setting.name, setting.operator, setting.value, setting.binding, bound, commands, setting.file)


def _members(aliases: Aliases, kind: Kind, members: Iterable[Member], depth: int = 0) -> Iterator[Member]:
    for member in members:
        alias = aliases.get((kind, member.text))
        if alias is None and kind == "Runas":
            # Names of users may stand for those as whom something runs.
            alias = aliases.get(("User", member.text))
        if alias is None or depth > _DEEPEST or member.text == "ALL":
            yield member
            continue
        for each in _members(aliases, kind, alias.members, depth + 1):
            yield Member(each.text, each.negated != member.negated)


def _commands(aliases: Aliases, command: Command, depth: int = 0) -> Iterator[Command]:
    alias = aliases.get(("Cmnd", command.path)) if command.arguments is None else None
    if alias is None or depth > _DEEPEST or command.path == "ALL":
        # The name of an alias that nobody defined means no command.
        if not _ALIAS.fullmatch(command.path) or command.path == "ALL":
            yield command
        return
    for each in alias.commands:
        for found in _commands(aliases, each, depth + 1):
            digests = found.digests or command.digests
            yield Command(found.path, found.arguments, digests, found.negated != command.negated)
