"""A host behind sshd: one connection of the OpenSSH client, which honours ssh_config, agents, jumps and hardware keys.

Every host key is checked, nothing is ever asked of a person, and nothing is learnt or forwarded (ssh_config(5)).
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from estate.assets import canonical_address
from estate.errors import BadInput, BadTarget
from estate.hosts.shard import Target
from tasks.hosts.shell_line import shell_line
from tasks.hosts.ssh_log import explain_ssh
from tasks.hosts.transport import Came, Errand, Outcome

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})\Z|[0-9A-Fa-f:]+[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]{1,15})?\Z")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,127}\Z")
_KEPT = ("SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "KRB5CCNAME", "KRB5_CONFIG")
_CONNECT_SECONDS = 10
_SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
# Said in a file before the operator's own, of which the first word counts, rather than as options: a jump's client is
# given this file too, but no options, and would else accept what StrictHostKeyChecking=no in the operator's lets in.
_STRICT = """\
BatchMode yes
StrictHostKeyChecking yes
NoHostAuthenticationForLocalhost no
UpdateHostKeys no
PreferredAuthentications gssapi-with-mic,hostbased,publickey
AddKeysToAgent no
ForwardAgent no
ForwardX11 no
GSSAPIDelegateCredentials no
ClearAllForwardings yes
PermitLocalCommand no
RemoteCommand none
RequestTTY no
ControlMaster no
ControlPath none
ConnectTimeout {connect}
ConnectionAttempts 1
ServerAliveInterval 15
ServerAliveCountMax 4
LogLevel ERROR
"""


@dataclass(frozen=True, slots=True)
class OpenSsh:
    """A host that we log in to."""

    target: Target

    @property
    def via(self) -> str:
        """Its name."""
        return "ssh"

    @property
    def environment(self) -> Mapping[str, str]:
        """Where agents and tickets are; a pass phrase is asked of nobody."""
        return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, "SSH_ASKPASS_REQUIRE": "never"}

    def command(self, errand: Errand) -> tuple[str, ...]:
        """The client, with its own words in a file apart from the host's.

        Raises:
            BadTarget: a name that it could misread.
            BadInput: a file that is named and is not there.
        """
        target = self.target
        for word in (target.name or target.address, target.address or target.name):
            if not _HOST.match(word):
                raise BadTarget(f"{word!r} is no host name or address")
        if target.user and not _USER.match(target.user):
            raise BadTarget(f"{target.user!r} is no user name")
        if not 0 <= target.port < 65_536:
            raise BadTarget(f"{target.port} is no port")
        for path in (target.config, target.identity):
            # A certificate or an agent's key is named by its public half, which may be all that is here.
            if path and not any(Path(path + more).expanduser().exists() for more in ("", ".pub")):
                raise BadInput(f"{path} is not there")
        config = errand.notes.with_suffix(".config")
        config.write_bytes(self._config(errand))
        identity = ("-o", f"IdentityFile={_quoted(target.identity)}", "-o", "IdentitiesOnly=yes")
        return (
            *("ssh", "-F", str(config), "-E", str(errand.notes), "-o", "LogLevel=DEBUG1", "-T"),
            *(identity if target.identity else ()),
            *(("-p", str(target.port)) if target.port else ()),
            *(("-l", target.user) if target.user else ()),
            *(
                "--",
                target.name or target.address,
                shell_line(target.sudo, errand.nonce, errand.level, int(errand.seconds) + 5),
            ),
        )

    def explain(self, came: Came) -> Outcome:
        """Read the client's log."""
        return explain_ssh(came)

    def _config(self, errand: Errand) -> bytes:
        """What must hold, and then what the operator's files say."""
        target = self.target
        lines = [_STRICT.format(connect=max(1, min(_CONNECT_SECONDS, int(errand.seconds))))]
        if target.known_hosts:
            lines.append(f"UserKnownHostsFile {_quoted(target.known_hosts)}\nGlobalKnownHostsFile /dev/null\n")
        if target.name and target.address and target.name != target.address:
            # For this host alone, since a jump reads the same file: what was admitted is where it goes, and
            # known_hosts still knows it by its name.
            alias = f"[{target.name}]:{target.port}" if target.port not in {0, 22} else target.name
            lines.append(f"Host {target.name}\nHostName {target.address}\nHostKeyAlias {alias}\nHost *\n")
        elif canonical_address(target.address) is not None:
            # Nor may HostName in the operator's files lead elsewhere than to the address that was admitted; a name that
            # only these files know has none.
            lines.append(f"Host {target.address}\nHostName {target.address}\nHost *\n")
        parts = ["".join(lines).encode()]
        # What a file includes must belong to us or to root and be writable by nobody else; what the client is given by
        # name need not, and a mounted file often does not.
        if target.config:
            try:
                parts.append(Path(target.config).expanduser().read_bytes())
            except OSError as error:
                raise BadInput(f"{target.config} cannot be read: {error.strerror}") from None
        else:
            parts.append(b"Include ~/.ssh/config\n")
            with suppress(OSError):
                parts.append(_SYSTEM_CONFIG.read_bytes())
        return b"".join(parts)


def _quoted(path: str) -> str:
    """A file's path as one word of ssh_config(5).

    Raises:
        BadTarget: a path that ssh_config cannot spell.
    """
    if re.search(r'["\\\n\r\0]|\$\{', path):
        raise BadTarget(f"{path!r} cannot be spelt in ssh_config; rename it or link to it")
    whole = path if path.startswith("~") else str(Path(path).absolute())
    return f'"{whole.replace("%", "%%")}"'
