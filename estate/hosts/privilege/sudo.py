"""What the host says of sudo: its policy as it holds here, and the files that it stands in."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from estate.hosts.host import Host, Unseen, lines
from estate.hosts.privilege.paths import Stat, parse_stat
from estate.hosts.privilege.sudoers.grammar import Member, Setting
from estate.hosts.privilege.sudoers.policy import Grant, Policy, read_policy
from estate.hosts.privilege.sudoers.text import Files

_LOCAL = frozenset({"files", "[success=return]", "[notfound=return]"})
_FIRST = ("/etc/sudoers-rs", "/etc/sudoers", "/usr/etc/sudoers")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Sudo:
    """sudo on one host; `blind` says why there may be more than this.

    `modes` are the files' and directories', also of those that could not be read; `version` is empty where sudo is not
    there, or did not say.
    """

    policy: Policy
    modes: tuple[tuple[str, Stat], ...]
    version: tuple[int, ...]
    blind: tuple[str, ...]
    unlisted: bool

    def whole(self) -> None:
        """Say where this may not be all.

        Raises:
            Unseen: it may not.
        """
        for reason in self.blind:
            raise Unseen(reason)


def read_sudo(host: Host) -> Sudo:
    """sudo's policy, with only those grants and settings that hold on this host.

    Raises:
        Unseen: nothing came.
    """
    rows = lines(host.section("sudoers", partly=True))
    fault = host.fault("sudoers")
    contents: dict[str, list[str]] = {}
    modes: list[tuple[str, Stat]] = []
    unread: set[str] = set()
    blind: dict[str, None] = {}
    version: tuple[int, ...] = ()
    at = ""
    for row in rows[:-1] if fault else rows:
        if row.startswith("= ") and (found := parse_stat(row[2:])) is not None:
            at = found[0]
            modes.append(found)
            if not found[1].directory:
                contents[at] = []
        elif row.startswith("|") and at in contents:
            contents[at].append(row[1:])
        elif row.startswith("! "):
            unread.add(row[2:].replace("\x01", "\n"))
        elif row == "cut":
            blind["cut"] = None
        elif row.startswith("v ") and (told := _VERSION.match(row[2:])):
            version = tuple(int(part or 0) for part in told.groups())
        elif row.startswith("n") and row[1:].split() and not set(row[1:].split()) <= _LOCAL:
            blind["not-rated"] = None
    texts = {path: "\n".join(said) for path, said in contents.items()}
    first = next((path for path in _FIRST if path in texts or path in unread), _FIRST[1])
    policy = read_policy(Files(first, texts, frozenset(unread), _hostname(host)))
    here = Policy(
        tuple(grant for grant in policy.grants if _holds(grant.hosts, _hostname(host))),
        tuple(each for each in policy.settings if each.binding != "@" or _holds(each.bound, _hostname(host))),
        policy.faults,
    )
    unlisted = "no-privilege" in policy.faults or bool(unread)
    # Why the section is not whole says more than what was missing in it.
    reasons = dict.fromkeys((*([fault] if fault else []), *policy.faults, *blind))
    if unread:
        reasons.setdefault("no-privilege")
    return Sudo(here, tuple(modes), version, tuple(reasons), unlisted)


def _hostname(host: Host) -> str:
    found = re.search(rb"^host=([^\n]*)$", host.section("who", partly=True), re.MULTILINE)
    return "" if found is None else found[1].decode("utf-8", "replace")


def _holds(members: tuple[Member, ...], hostname: str) -> bool:
    """Whether a list of hosts has this one; addresses and netgroups may always mean it."""
    holds = False
    name, short = hostname.lower(), hostname.lower().partition(".")[0]
    for member in members:
        spelled = member.text.lower()
        unknown = not hostname or member.text.startswith("+") or re.fullmatch(r"[0-9a-f.:/]*[.:/][0-9a-f.:/]*", spelled)
        named = member.text == "ALL" or fnmatchcase(name, spelled) or fnmatchcase(short, spelled)
        # A host's long name may be another one than it says of itself.
        named = named or spelled.partition(".")[0] == short
        if named:
            holds = not member.negated
        elif unknown and not member.negated:
            holds = True
    return holds


def is_root(principal: str) -> bool:
    """Whether a rule is for root alone, who needs none."""
    return principal in {"root", "#0"}


def without_password(sudo: Sudo, grant: Grant) -> bool:
    """Whether sudo asks for no password: by the rule's tag, else by what is set for whoever calls."""
    tag = grant.tag("PASSWD")
    if tag is not None:
        return not tag
    asks = True
    for setting in sudo.policy.settings:
        if setting.name == "authenticate" and _bound_to(setting, grant):
            asks = setting.operator == "+"
    return not asks


def _bound_to(setting: Setting, grant: Grant) -> bool:
    if setting.binding in {"", "@"}:
        return True
    if setting.binding == ":":
        return any(member.text in {"ALL", grant.principal} and not member.negated for member in setting.bound)
    if setting.binding == ">":
        return any(member.text in {"ALL", "root", "#0"} and not member.negated for member in setting.bound)
    return any(command.path in {"ALL", grant.command.path} and not command.negated for command in setting.commands)


def grants_to_others(host: Host) -> tuple[Grant, ...]:
    """Every grant on this host that is not root's own."""
    return tuple(grant for grant in host.read(read_sudo).policy.grants if not is_root(grant.principal))
