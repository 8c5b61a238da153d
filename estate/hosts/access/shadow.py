"""How each account's password stands: its hash's type, never the hash."""

from dataclasses import dataclass

from estate.hosts.access.accounts import Account, seen_accounts
from estate.hosts.access.seen import seen_lines
from estate.hosts.host import Host

WEAK = frozenset({"descrypt", "bsdicrypt", "md5", "sunmd5", "sha1", "nt"})
"""Schemes whose guesses cost too little, by crypt(5): broken, or too fast for any length of password."""
AGEING = frozenset({"sha256"})


@dataclass(frozen=True, slots=True)
class Password:
    """What stands for one account.

    `kind` is `empty`, `none` (no password matches), a hash's type such as `yescrypt`, or that with `locked-` before it.
    `exposed` where it stands in /etc/passwd, which everybody reads.
    """

    account: Account
    kind: str
    exposed: bool

    @property
    def opens(self) -> bool:
        """Whether a password, or none at all, lets somebody in."""
        return self.kind != "none" and not self.kind.startswith("locked-")


def distinct(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
    """The first line of each name: the one that counts."""
    return tuple({account.name: account for account in reversed(accounts)}.values())[::-1]


def open_passwords(host: Host) -> tuple[Password, ...]:
    """What /etc/passwd itself says of passwords, which needs no privilege: mostly nothing."""
    return tuple(
        Password(account, account.hash_type or "empty", exposed=True)
        for account in distinct(seen_accounts(host))
        if account.hash_type != "x"
    )


def seen_passwords(host: Host) -> tuple[Password, ...]:
    """How the passwords of all accounts stand, as far as both files came.

    Raises:
        Unseen: nothing of the shadow file came.
    """
    kinds: dict[str, str] = {}
    for line in seen_lines(host, "shadow"):
        name, _, rest = line.partition(":")
        if rest:
            kinds.setdefault(name, rest.partition(":")[0] or "empty")
    hidden = (
        Password(account, "none" if kinds[account.name] == "x" else kinds[account.name], exposed=False)
        for account in distinct(seen_accounts(host))
        if account.hash_type == "x" and account.name in kinds
    )
    return (*open_passwords(host), *hidden)


def read_openers(host: Host) -> frozenset[str]:
    """Who has a password that lets them in, or needs none.

    Raises:
        Unseen: the accounts or their passwords are not all known.
    """
    host.section("passwd")
    host.section("shadow")
    return frozenset(password.account.name for password in host.read(seen_passwords) if password.opens)
