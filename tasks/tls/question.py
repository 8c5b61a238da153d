"""What a TLS endpoint is asked, as a value that cannot say anything else."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from estate.assets import canonical_address
from estate.errors import BadTarget

Profile = Literal["full", "watch", "certificate"]
Starttls = Literal["smtp", "imap", "pop3", "ftp", "ldap", "xmpp", "xmpp-server", "rdp", "postgres", "mysql"]

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")


@dataclass(frozen=True, slots=True)
class TlsQuestion:
    """One endpoint: an address that was admitted, and the name to ask it by.

    Attributes:
        address: canonical; nobody looks a name up after this was admitted.
        name: the server name that is indicated; A-labels, lower case. Without it none is indicated.
        starttls: the plaintext protocol in which TLS is asked for.
        profile: `certificate` is one handshake, `watch` what a grade needs, `full` all that can be known.
        client_certificate: paths of a PEM chain and of its key.
        http_proxy: `http://host:port` through which connections are tunnelled.
        per_server: connections at once.
        timeout: seconds that one connection may be silent.
        deadline: seconds for everything.
        revocation_hosts: hosts that OCSP and CRL questions may go to; without any, only staples are read.
        guess: nobody says that TLS is spoken there: one hello, and little patience.
        turnstile: a file that all share who share a pace; see `turnstile.py`.
        pace: connections in a second of all who pass that turnstile.
    """

    address: str
    port: int
    name: str | None = None
    starttls: Starttls | None = None
    profile: Profile = "full"
    client_certificate: tuple[str, str] | None = None
    http_proxy: str | None = None
    per_server: int = 2
    timeout: float = 5.0
    deadline: float = 120.0
    revocation_hosts: tuple[str, ...] = ()
    guess: bool = False
    turnstile: str | None = None
    pace: int = 1_000

    def __post_init__(self) -> None:
        """Refuse what a tool or a protocol could misread.

        Raises:
            BadTarget: an address, name, port, path or proxy that is none, or a number that makes no sense.
        """
        if canonical_address(self.address) != self.address:
            raise BadTarget(f"{self.address!r} is not an address in its one spelling")
        if not 1 <= self.port <= 65_535:
            raise BadTarget(f"{self.port} is not a port")
        if self.name is not None:
            _check_name(self.name)
        for host in self.revocation_hosts:
            if canonical_address(host) != host:
                _check_name(host)
        if self.starttls is not None and self.starttls not in get_args(Starttls):
            raise BadTarget(
                f"{self.starttls!r} is no protocol that knows STARTTLS here: {', '.join(get_args(Starttls))}"
            )
        if self.profile not in get_args(Profile):
            raise BadTarget(f"{self.profile!r} is no profile: {', '.join(get_args(Profile))}")
        for path in self.client_certificate or ():
            if not Path(path).is_absolute() or "\0" in path:
                raise BadTarget(f"{path!r} is not an absolute path")
        if self.turnstile is not None and not Path(self.turnstile).is_absolute():
            raise BadTarget(f"{self.turnstile!r} is not an absolute path")
        if self.pace < 1:
            raise BadTarget("a pace is at least one connection in a second")
        if self.http_proxy is not None:
            proxy_of(self.http_proxy)
        if not 1 <= self.per_server <= 10:
            raise BadTarget("between 1 and 10 connections at once are polite")
        if not 0 < self.timeout <= 60 or not 0 < self.deadline <= 3_600:
            raise BadTarget("a timeout is at most 60 seconds, a deadline at most an hour")

    @property
    def endpoint(self) -> str:
        """As people write it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @classmethod
    def from_json(cls, text: str) -> "TlsQuestion":
        """The JSON of its fields.

        Raises:
            BadTarget: it says something else.
        """
        try:
            given = json.loads(text)
            pair = given.pop("client_certificate")
            hosts = given.pop("revocation_hosts")
            return cls(**given, client_certificate=tuple(pair) if pair else None, revocation_hosts=tuple(hosts))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadTarget(f"this is no question: {error}") from None


def proxy_of(url: str) -> tuple[str, int]:
    """Host and port of an HTTP proxy.

    Raises:
        BadTarget: another scheme, credentials (they would be stored with the question), or no host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:
        raise BadTarget(f"{url!r} is not the address of a proxy") from None
    if parts.scheme != "http" or not parts.hostname or parts.username or parts.path.strip("/"):
        raise BadTarget(f"{url!r} is not the address of a proxy: http://host:port")
    return parts.hostname, port


def _check_name(name: str) -> None:
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.match, labels)) or labels[-1].isdigit():
        raise BadTarget(f"{name!r} is not a host name in lower case A-labels")
