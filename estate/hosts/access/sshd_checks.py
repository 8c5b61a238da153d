"""How the ssh server lets people in: HOST-ACC-011 to 016."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from estate.findings import Severity
from estate.hosts.access import sshd_judged
from estate.hosts.access.accounts import Account, members_of, read_accounts, read_groups
from estate.hosts.access.reach import foreign
from estate.hosts.access.seen import seen_lines
from estate.hosts.access.shadow import read_openers
from estate.hosts.access.sshd import DEFAULTS, Server, Settings, read_server
from estate.hosts.access.sshd_judged import Weakness
from estate.hosts.access.ways import place_of
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen


def _server(host: Host) -> Server | None:
    """The server; None where there is none to judge."""
    server = host.read(read_server)
    return server if server.there else None


def _known(server: Server) -> None:
    if server.unseen:
        raise Unseen(server.unseen)


def _openers(host: Host) -> frozenset[str] | None:
    """Who has a password that lets them in; None where that may not be seen."""
    try:
        return host.read(read_openers)
    except Unseen:
        return None


def _problems(weaknesses: Iterable[Weakness]) -> Iterator[Problem]:
    return (Problem(each.option, each.severity, each.evidence) for each in weaknesses)


def root_login(host: Host) -> Iterator[Problem]:
    """Whether root may log in from elsewhere."""
    if (server := _server(host)) is None:
        return
    openers = _openers(host)
    found = sshd_judged.root_login(server.settings, root_has_password=openers is not None and "root" in openers)
    yield from _problems([found] if found else [])
    _known(server)


def password_login(host: Host) -> Iterator[Problem]:
    """Whether a password is enough."""
    if (server := _server(host)) is None:
        return
    openers = _openers(host)
    yield from _problems(sshd_judged.password_login(server.settings, anybody_has_password=openers != frozenset()))
    _known(server)


def weak_algorithms(host: Host) -> Iterator[Problem]:
    """What is offered; where the server was not asked itself, its defaults are not known."""
    if (server := _server(host)) is None:
        return
    yield from _problems(sshd_judged.algorithms(server.settings))
    _known(server)
    if not server.asked:
        raise Unseen("failed")


def other_settings(host: Host) -> Iterator[Problem]:
    """Everything else that takes a layer away."""
    if (server := _server(host)) is None:
        return
    yield from _problems(sshd_judged.others(server.settings))
    _known(server)


def match_blocks(host: Host) -> Iterator[Problem]:
    """Exceptions that are weaker than the rule: asked for users where that could be, else as the block is written."""
    if (server := _server(host)) is None:
        return
    openers = _openers(host)
    rule = _weaknesses(server.settings, openers)
    asked = {settings.whose for settings in server.users}
    for settings in server.users:
        yield from _weaker(settings.over(server.settings), rule, openers)
    for block in server.blocks:
        users = _users_of(host, block.whose)
        if users is None and asked and _only_about_users(block.whose):
            users = ()
        for whose in (block.whose,) if users is None else sorted(set(users) - asked):
            yield from _weaker(Settings(block.values, whose).over(server.settings), rule, openers)
    _known(server)


def _users_of(host: Host, criteria: str) -> tuple[str, ...] | None:
    """Who a block is about, where it names users or groups alone: they are called so where the server itself is asked.

    None where that cannot be told.
    """
    try:
        accounts = [account for account in host.read(read_accounts) if account.can_log_in]
        groups = host.read(read_groups)
    except Unseen:
        return None
    found = {account.name for account in accounts}
    parts = criteria.split()
    for kind, patterns in zip(parts[::2], parts[1::2], strict=False):
        wanted, unwanted = _patterns(patterns)
        if kind.lower() == "user":
            found = {name for name in found if _matches(name, wanted, unwanted)}
        elif kind.lower() == "group":
            members = [(group.name, set(members_of(group, tuple(accounts)))) for group in groups]
            of = {name: [group for group, names in members if name in names] for name in found}
            found = {
                name
                for name in found
                if any(_matches(group, wanted, ()) for group in of[name])
                and not any(_matches(group, unwanted, ()) for group in of[name])
            }
        else:
            return None
    return tuple(sorted(found))


def _patterns(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What has to match, and what must not: PATTERNS in ssh_config(5)."""
    words = text.split(",")
    return tuple(word for word in words if word[:1] != "!"), tuple(word[1:] for word in words if word[:1] == "!")


def _matches(name: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> bool:
    held = [fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in wanted]
    return any(held) and not any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in unwanted)


def _weaker(settings: Settings, rule: dict[str, Weakness], openers: frozenset[str] | None) -> Iterator[Problem]:
    for option, found in _weaknesses(settings, openers).items():
        if option not in rule or rule[option].severity.rank < found.severity.rank:
            evidence = f"{found.evidence}, for {settings.whose}"
            yield Problem(f"{settings.whose}:{option}", found.severity, evidence)


def _weaknesses(settings: Settings, openers: frozenset[str] | None) -> dict[str, Weakness]:
    root = sshd_judged.root_login(settings, root_has_password=openers is not None and "root" in openers)
    found = (
        *([root] if root else ()),
        *sshd_judged.password_login(settings, anybody_has_password=openers != frozenset()),
        *sshd_judged.others(settings),
    )
    return {each.option: each for each in found}


def _only_about_users(criteria: str) -> bool:
    return all(word.lower() in {"user", "group"} for word in criteria.split()[::2])


def open_host_keys(host: Host) -> Iterator[Problem]:
    """Private keys of the host that others may read: who has one is the host, to everybody."""
    lines = seen_lines(host, "hostkeys")
    if "!absent" in lines:
        return
    groups = {group.gid: group.name for group in reversed(host.read(read_groups))}
    for line in lines:
        place = place_of("", line)
        if place is None:
            continue
        allowed = 0o640 if groups.get(place.gid) == "ssh_keys" else 0o600
        if place.mode & 0o777 & ~allowed & 0o077:
            yield Problem(place.path, Severity.HIGH, f"{place.path} has the mode {place.mode:04o}")
        elif foreign(place, 0):
            yield Problem(
                place.path, Severity.HIGH, f"{place.path} belongs to {_owner(host.read(read_accounts), place.uid)}"
            )
    host.section("hostkeys")


def _owner(accounts: tuple[Account, ...], uid: int) -> str:
    return next((account.name for account in accounts if account.uid == uid), f"the uid {uid}")


_TOLD = (
    *DEFAULTS,
    *("port", "pubkeyauthentication", "authorizedkeysfile", "authorizedkeyscommand", "authorizedprincipalscommand"),
    *("trustedusercakeys", "forcecommand", "allowusers", "allowgroups", "denyusers", "denygroups", "subsystem"),
)


def inventory_settings(host: Host) -> Iterator[Inventoried]:
    """The settings by which the server lets people in, in its own words."""
    server = _server(host)
    if server is None:
        return
    if not server.asked:
        raise Unseen(server.unseen or "failed")
    for name in _TOLD:
        if name in server.settings.values:
            yield name, attributes(value=server.settings.values[name])
    _known(server)


INVENTORY = (Inventory("sshd-setting", "access", inventory_settings),)
CHECKS = (
    Check(
        "HOST-ACC-011",
        "Root may log in over ssh",
        root_login,
        "echo 'PermitRootLogin no' >/etc/ssh/sshd_config.d/00-root.conf && sshd -t && systemctl reload ssh   # first"
        " see that another account can become root",
        cis=("5.1.20",),
        attack=("T1021.004",),
    ),
    Check(
        "HOST-ACC-012",
        "A password is enough to log in over ssh",
        password_login,
        "echo {resource} no >/etc/ssh/sshd_config.d/00-keys-only.conf && sshd -t && systemctl reload ssh   # first see"
        " that a key lets you in",
        cis=("5.1.19",),
        controls=("6.4",),
        attack=("T1110",),
    ),
    Check(
        "HOST-ACC-013",
        "The ssh server offers weak algorithms",
        weak_algorithms,
        "printf '%s\\n' 'Ciphers -*cbc*,3des*,arcfour*' 'MACs -hmac-sha1*,hmac-md5*,*-96*,hmac-ripemd160*'"
        " 'KexAlgorithms -*sha1' 'HostKeyAlgorithms -ssh-rsa*,ssh-dss*' 'PubkeyAcceptedAlgorithms -ssh-rsa*,ssh-dss*'"
        " 'CASignatureAlgorithms -ssh-rsa,ssh-dss' 'GSSAPIKexAlgorithms gss-group16-sha512-,gss-curve25519-sha256-'"
        " | grep -w {resource} >>/etc/ssh/sshd_config.d/00-algorithms.conf && sshd -t && systemctl reload ssh",
        cis=("5.1.6", "5.1.12", "5.1.15"),
        attack=("T1557",),
    ),
    Check(
        "HOST-ACC-014",
        "The ssh server gives a layer away",
        other_settings,
        "printf '%s\\n' 'X11Forwarding no' 'MaxAuthTries 4' 'LoginGraceTime 60' 'PermitUserEnvironment no'"
        " 'HostbasedAuthentication no' 'IgnoreRhosts yes' 'UsePAM yes' 'GatewayPorts no' 'StrictModes yes'"
        " 'LogLevel VERBOSE' | grep -w {resource} >>/etc/ssh/sshd_config.d/00-hard.conf && sshd -t"
        " && systemctl reload ssh",
        cis=("5.1.10", "5.1.11", "5.1.13", "5.1.14", "5.1.16", "5.1.21", "5.1.22"),
        attack=("T1021.004",),
    ),
    Check(
        "HOST-ACC-015",
        "The ssh server is weaker to some than to others",
        match_blocks,
        "Take {rest} out of the Match block for {first} in /etc/ssh/sshd_config, then: sshd -t && systemctl reload ssh",
        cis=("5.1.4",),
        attack=("T1021.004",),
    ),
    Check(
        "HOST-ACC-016",
        "A private key of the host is open to others",
        open_host_keys,
        "chown root:root {resource} && chmod 600 {resource}   # then make new ones, since it may have been copied",
        cis=("5.1.2",),
        attack=("T1552.004",),
    ),
)
