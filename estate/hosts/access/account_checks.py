"""Who has an account, and who needs no more than that to be somebody else: HOST-ACC-001 to 005, and 010."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.access.accounts import members_of, number, read_accounts, read_groups, seen_accounts, seen_groups
from estate.hosts.access.shadow import AGEING, WEAK, distinct, open_passwords, seen_passwords
from estate.hosts.access.texts import read_login_definitions, read_name_sources
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen

ADMINISTRATORS = frozenset({"sudo", "wheel", "admin"})
"""Groups that Debian, Ubuntu, Red Hat and Alpine let become root."""
_NEED_A_SHELL = frozenset({"git", "gitea", "jenkins", "nagios", "oracle", "postgres"})
"""Service accounts whose own packages give them a shell, since work is done through it."""
_FIRST_OF_PEOPLE = 1000


def read_first_of_people(host: Host) -> int:
    """The smallest id of an account that is somebody's, as useradd counts here."""
    try:
        return number(host.read(read_login_definitions).get("UID_MIN", "")) or _FIRST_OF_PEOPLE
    except Unseen:
        return _FIRST_OF_PEOPLE


def second_roots(host: Host) -> Iterator[Problem]:
    """Names beside root that are root."""
    for account in dict.fromkeys(account.name for account in host.read(seen_accounts) if account.uid == 0):
        if account != "root":
            yield Problem(account, Severity.CRITICAL, f"{account} has uid 0 in /etc/passwd")
    host.section("passwd")


def empty_passwords(host: Host) -> Iterator[Problem]:
    """Accounts that ask for none."""
    yield from _empty(host, hidden=False)
    yield from _empty(host, hidden=True)
    host.section("passwd")
    host.section("shadow")


def _empty(host: Host, *, hidden: bool) -> Iterator[Problem]:
    for password in host.read(seen_passwords) if hidden else host.read(open_passwords):
        if password.kind == "empty" and password.exposed != hidden:
            name = password.account.name
            severity = Severity.CRITICAL if password.account.can_log_in else Severity.MEDIUM
            yield Problem(name, severity, f"{name} has an empty password in /etc/{'shadow' if hidden else 'passwd'}")


def weak_hashes(host: Host) -> Iterator[Problem]:
    """Passwords that are guessed too fast, or that everybody may try to guess."""
    for password in host.read(open_passwords):
        if password.opens and password.kind != "empty":
            name = password.account.name
            evidence = f"{name} has a {password.kind} hash in /etc/passwd, which everybody may read"
            yield Problem(name, Severity.HIGH, evidence)
    for password in host.read(seen_passwords):
        severity = Severity.MEDIUM if password.kind in WEAK else Severity.LOW
        if password.kind in WEAK | AGEING and not password.exposed:
            evidence = f"{password.account.name} has a {password.kind} hash in /etc/shadow"
            yield Problem(password.account.name, severity, evidence)
    host.section("passwd")
    host.section("shadow")


def service_shells(host: Host) -> Iterator[Problem]:
    """Accounts of services that somebody could work as."""
    first = host.read(read_first_of_people)
    for account in distinct(host.read(seen_accounts)):
        if 0 < account.uid < first and account.can_log_in:
            severity = Severity.LOW if account.name in _NEED_A_SHELL else Severity.MEDIUM
            yield Problem(account.name, severity, f"{account.name} has the shell {account.shell or '/bin/sh'}")
    host.section("passwd")


def odd_administrators(host: Host) -> Iterator[Problem]:
    """Members of groups that may become root who are nobody, or a service."""
    accounts, first = host.read(read_accounts), host.read(read_first_of_people)
    by_name = {account.name: account for account in reversed(accounts)}
    try:
        elsewhere = bool(host.read(read_name_sources))
    except Unseen:
        elsewhere = True
    for group in host.read(seen_groups):
        if group.name not in ADMINISTRATORS:
            continue
        for name in members_of(group, accounts):
            account = by_name.get(name)
            if account is None and not elsewhere:
                evidence = f"{name} is in the group {group.name}, and there is no such account: who makes one is root"
                yield Problem(f"{group.name}:{name}", Severity.MEDIUM, evidence)
            elif account is not None and 0 < account.uid < first:
                evidence = f"{name} is in the group {group.name}, and is a service's account"
                yield Problem(f"{group.name}:{name}", Severity.MEDIUM, evidence)
    host.section("group")


def shared_identities(host: Host) -> Iterator[Problem]:
    """Accounts of which the host cannot tell one from another."""
    names: set[str] = set()
    holders: dict[int, str] = {}
    for account in host.read(seen_accounts):
        holder = holders.setdefault(account.uid, account.name)
        if account.name in names:
            evidence = f"{account.name} stands in /etc/passwd twice; the first line counts"
            yield Problem(account.name, Severity.MEDIUM, evidence)
        elif holder != account.name and account.uid != 0:
            evidence = f"{account.name} and {holder} have the same uid {account.uid}"
            yield Problem(account.name, Severity.MEDIUM, evidence)
        names.add(account.name)
    host.section("passwd")


def inventory_users(host: Host) -> Iterator[Inventoried]:
    """Every account, with its password's kind where that may be seen; a second line of one name bears its uid."""
    try:
        kinds = {password.account.name: password.kind for password in host.read(seen_passwords)}
    except Unseen:
        kinds = {password.account.name: password.kind for password in host.read(open_passwords)}
    names: set[str] = set()
    for account in host.read(seen_accounts):
        again = account.name in names
        names.add(account.name)
        yield (
            f"{account.name}:{account.uid}" if again else account.name,
            attributes(
                uid=account.uid,
                gid=account.gid,
                home=account.home,
                shell=account.shell,
                password=None if again else kinds.get(account.name),
            ),
        )
    host.section("passwd")


def inventory_groups(host: Host) -> Iterator[Inventoried]:
    """Every group by its name; who is in it is a family of its own."""
    for group in {group.name: group for group in reversed(host.read(read_groups))}.values():
        yield group.name, attributes(gid=group.gid)


INVENTORY = (Inventory("user", "access", inventory_users), Inventory("group", "access", inventory_groups))
CHECKS = (
    Check(
        "HOST-ACC-001",
        "Another account is root",
        second_roots,
        "Lock it with `passwd -l {resource}`, find out who made it, then remove its line with `vipw` and `vipw -s`.",
        cis=("5.4.2.1",),
        controls=("5.1",),
        attack=("T1136.001",),
    ),
    Check(
        "HOST-ACC-002",
        "An account has an empty password",
        empty_passwords,
        "passwd -l {resource}",
        cis=("7.2.2",),
        controls=("5.2",),
        attack=("T1078.003",),
    ),
    Check(
        "HOST-ACC-003",
        "A password's hash is weak, or for everybody to read",
        weak_hashes,
        "Set `ENCRYPT_METHOD YESCRYPT` in /etc/login.defs, run `pwconv`, then `passwd {resource}` for a new password.",
        cis=("5.4.1.4", "7.2.1"),
        controls=("5.2",),
        attack=("T1110.002",),
    ),
    Check(
        "HOST-ACC-004",
        "A service's account has a shell",
        service_shells,
        'usermod -s "$(command -v nologin)" {resource}',
        cis=("5.4.2.7",),
        controls=("4.7",),
        attack=("T1078.003",),
    ),
    Check(
        "HOST-ACC-005",
        "An administrator is nobody's account",
        odd_administrators,
        "gpasswd -d {rest} {first}",
        controls=("5.4", "6.8"),
        attack=("T1098",),
    ),
    Check(
        "HOST-ACC-010",
        "Two accounts share a name or a number",
        shared_identities,
        "Give each account a uid of its own (`usermod -u NUMBER {resource}`, and `chown` what it owns), or remove one"
        " with `vipw` and `vipw -s`.",
        cis=("7.2.5", "7.2.7"),
        controls=("5.1",),
        attack=("T1136.001",),
    ),
)
