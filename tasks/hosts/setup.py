"""What an administrator does once on a host so that it can be audited with no more rights than that takes."""

import re
from collections.abc import Mapping
from ipaddress import ip_network

from estate.errors import BadInput
from tasks.hosts.collector import digest
from tasks.hosts.shell_line import INSTALLED

_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_KEY = re.compile(r"(?:ssh-|ecdsa-sha2-|sk-)[a-z0-9@.-]{3,60} [A-Za-z0-9+/]{40,}={0,2}(?: [\x20-\x7e]*)?\Z")

BLIND: Mapping[str, str] = {
    "shadow": "empty passwords, weak password hashes and password ageing",
    "sudoers": "sudo rules: who becomes root without a password, by wildcards, or by a program that opens a shell",
    "doas": "doas rules",
    "keys": "authorized and private keys, trust files and credential files in other people's homes",
    "sshd": "sshd's effective settings for each user (its files are read instead where they may be)",
    "logins": "failed log-ins",
    "sockets": "which program holds a listening socket (the sockets themselves are seen)",
    "listening": "which packages a listening program has loaded, which makes their updates more urgent",
    "exes": "processes that run deleted or temporary programs, or deleted libraries",
    "firewall": "the firewall's rules",
    "walk": "SUID files and capabilities below folders that only root may enter",
    "cron": "other users' and root's own crontabs",
    "paths": "root's own start-up files",
    "units": "units and boot files that only root may read",
    "exports": "exports and container engine settings that only root may read",
}
"""What cannot be seen without root, by the collector's section."""


def sudoers_line(account: str, *, cloud: bool = False) -> str:
    """The line by which sudo runs this very collector as root, and nothing else (sudoers(5), sudo 1.9.10 or newer).

    Args:
        account: who logs in.
        cloud: whether the collector may be asked to look at the metadata service too.
    """
    levels = ("", " cloud") if cloud else ("",)
    allowed = ", ".join(f"sha256:{digest()} {INSTALLED} ^[0-9a-f]{{32}}{level}$" for level in levels)
    return f"{_account(account)} ALL=(root) NOPASSWD: {allowed}"


def authorized_key_line(key: str, sources: tuple[str, ...] = ()) -> str:
    """The line of authorized_keys that lets a key run commands and nothing else (sshd(8), AUTHORIZED_KEYS).

    Args:
        key: the public key's line.
        sources: addresses and networks that it may come from; empty for any.

    Raises:
        BadInput: it is no public key's line, or a source is no network.
    """
    if not _KEY.match(key):
        raise BadInput("a public key is one line such as `ssh-ed25519 AAAA… name`, as in ~/.ssh/id_ed25519.pub")
    try:
        came = ",".join(str(ip_network(source, strict=False)) for source in sources)
    except ValueError as error:
        raise BadInput(f"where the scanner comes from: {error}") from None
    options = f'restrict,from="{came}"' if came else "restrict"
    return f"{options} {key}"


def host_setup(account: str = "roundsman", *, key: str = "", sources: tuple[str, ...] = (), cloud: bool = False) -> str:
    """The text of `roundsman host-setup`.

    Args:
        account: who logs in on the host.
        key: the scanner's public key, as one line.
        sources: where the scanner comes from.
        cloud: whether `level = "cloud"` is to work with the pinned collector too.

    Raises:
        BadInput: an account, key or source that is none.
    """
    home = f"/home/{_account(account)}"
    if key:
        let_in = f"(umask 022 && cat >{home}/.ssh/authorized_keys) <<'END'\n{authorized_key_line(key, sources)}\nEND"
    else:
        let_in = f'#    {home}/.ssh/authorized_keys has one line: restrict,from="WHERE FROM" THE SCANNER\'S PUBLIC KEY'
    blind = "\n".join(f"#   - {words}" for words in BLIND.values())
    return f"""\
# How a host lets Roundsman in. Run as root on the host; every step may be repeated.

# 1. An account that nobody logs in to by password, and one key that can run commands and forward nothing.
#    This alone is enough for an audit without privilege.
id {account} >/dev/null 2>&1 || useradd --create-home --home-dir {home} --shell /bin/sh --password '*' {account}
install -d -m 700 -o {account} -g "$(id -gn {account})" {home}/.ssh
{let_in}

# 2. The collector, which sudo runs only if it is this very one: roundsman host-setup --collector prints it.
#    sha256 {digest()}
install -o root -g root -m 755 roundsman-collector {INSTALLED}
echo '{digest()}  {INSTALLED}' | sha256sum --check

# 3. What sudo allows: that file with that digest, and one argument of 32 hexadecimal digits.
(umask 337 && cat >/etc/sudoers.d/roundsman) <<'END'
{sudoers_line(account, cloud=cloud)}
END
visudo --check --file=/etc/sudoers.d/roundsman || rm /etc/sudoers.d/roundsman
#    Before sudo 1.9.10 leave the part from ^ to $ away. The collector takes no other argument either.

# 4. In estate.toml, for this host:   user = "{account}"   sudo = "pinned"
#    A new version of Roundsman may bring another collector: repeat steps 2 and 3. Until then that host is audited
#    without privilege, and says so.

# What each way sees:
#   sudo = "no"      all but what only root may read. Blind, never taken for clean:
{blind}
#   sudo = "pinned"  everything; the scanner's key can become root for nothing but this collector.
#   sudo = "full"    everything, with nothing installed on the host: sudoers allows
#                      {account} ALL=(root) NOPASSWD: /bin/sh -s -- *
#                    which makes the scanner's key root on every such host, and is reported as a finding.
"""


def _account(name: str) -> str:
    if not _ACCOUNT.match(name):
        raise BadInput(f"{name!r} is no account's name: small letters, digits, _ and -")
    return name
