"""What the host says of sudo: its policy as it holds here, and the files that it stands in."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from estate.hosts.host import Host, Unseen, lines
from estate.hosts.privilege.doas import doas_grants
from estate.hosts.privilege.paths import Stat, parse_stat
from estate.hosts.privilege.sudoers.grammar import Member, Setting
from estate.hosts.privilege.sudoers.policy import Grant, Policy, read_policy
from estate.hosts.privilege.sudoers.text import Files

_LOCAL = frozenset({"files", "[success=return]", "[notfound=return]"})
_FIRST = ("/etc/sudoers-rs", "/etc/sudoers", "/usr/etc/sudoers")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Sudo:
    """sudo (and doas) on one host; `blind` says why there may be more than this.

    `modes` are the files' and directories', also of those that could not be read; `version` is empty where sudo is not
    there, or did not say; `unlisted` where not even the names of all files are known.
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


@dataclass(slots=True)
class _Told:
    """The files of a section as its rows tell them, and the rows that tell something else."""

    modes: list[tuple[str, Stat]]
    contents: dict[str, list[str]]
    unread: set[str]
    rest: list[str]
    fault: str


def _told(host: Host, section: str) -> _Told:
    rows = lines(host.section(section, partly=True))
    fault = host.fault(section)
    told = _Told([], {}, set(), [], fault)
    at = ""
    for row in rows[:-1] if fault else rows:
        if row.startswith("= ") and (found := parse_stat(row[2:])) is not None:
            at = found[0]
            told.modes.append(found)
            if not found[1].directory:
                told.contents[at] = []
        elif row.startswith("|") and at in told.contents:
            told.contents[at].append(row[1:])
        elif row.startswith("! "):
            told.unread.add(row[2:].replace("\x01", "\n"))
        else:
            told.rest.append(row)
    # A file that came without its text was not empty: that, too, would have come as one empty line.
    told.contents = {path: said for path, said in told.contents.items() if said or path not in told.unread}
    return told


def read_sudo(host: Host) -> Sudo:
    """sudo's policy, with only those grants and settings that hold on this host, and doas's.

    Raises:
        Unseen: nothing came.
    """
    told, doas = _told(host, "sudoers"), _told(host, "doas")
    texts = {path: "\n".join(said) for path, said in told.contents.items()}
    first = next((path for path in _FIRST if path in texts or path in told.unread), _FIRST[1])
    policy = read_policy(Files(first, texts, frozenset(told.unread), _hostname(host)))
    reasons = dict.fromkeys(fault for fault in (told.fault, doas.fault, *policy.faults) if fault)
    version: tuple[int, ...] = ()
    for row in told.rest:
        if row.startswith("v ") and (spelled := _VERSION.match(row[2:])):
            version = tuple(int(part or 0) for part in spelled.groups())
        elif row == "cut":
            reasons["cut"] = None
        elif row.startswith("n") and not set(row[1:].split()) <= _LOCAL:
            reasons["not-rated"] = None
    if told.unread or doas.unread:
        reasons.setdefault("no-privilege")
    grants = [grant for grant in policy.grants if _holds(grant.hosts, _hostname(host))]
    for path, said in doas.contents.items():
        for permitted in doas_grants("\n".join(said), path):
            if permitted is None:
                reasons["unreadable"] = None
            else:
                grants.append(permitted)
    settings = tuple(each for each in policy.settings if each.binding != "@" or _holds(each.bound, _hostname(host)))
    here = Policy(tuple(grants), settings, policy.faults)
    return Sudo(here, (*told.modes, *doas.modes), version, tuple(reasons), bool(told.unread or doas.unread))


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
