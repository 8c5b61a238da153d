"""What an asset is, and how it is spelled: a kind and a key that stays when names and addresses move."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

from estate.errors import BadTarget

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_ZONE = "default"
_LONGEST_NAME = 253
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_ZONE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}\Z")


@dataclass(frozen=True, slots=True, order=True)
class Asset:
    """A thing of the estate, within one zone: the same private address in two zones is two assets."""

    kind: str
    key: str
    zone: str = DEFAULT_ZONE

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    @property
    def identity(self) -> str:
        """The spelling that fingerprints hash: names the zone wherever it is not the default one."""
        return str(self) if self.zone == DEFAULT_ZONE else f"{self}@{self.zone}"


def host(key: str, zone: str = DEFAULT_ZONE) -> Asset:
    """The asset behind an address or a declared name."""
    return Asset("host", key, zone)


def parse_asset(text: str, zone: str = DEFAULT_ZONE) -> Asset:
    """Read `kind:key`, or a bare address or name as a host."""
    kind, found, key = text.partition(":")
    if found and key and re.fullmatch(r"[a-z]{3,20}", kind):
        return Asset(kind, key if kind != "host" else canonical_target(key), zone)
    return host(canonical_target(text), zone)


@lru_cache(maxsize=65536)
def canonical_address(text: str) -> str | None:
    """One spelling per address (RFC 5952 for IPv6, IPv4-mapped unwrapped), or None for anything else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
    return str(address)


def canonical_name(text: str) -> str:
    """A host name in lower-case A-labels without the root dot.

    Raises:
        BadTarget: anything that is not a host name, which keeps option text, white space
            and shell characters away from every tool.
    """
    name = text.removesuffix(".")
    if len(name) > _LONGEST_NAME:
        raise BadTarget(f"{text[:60]!r}… is too long for a host name")
    try:
        name = (name if name.isascii() else name.encode("idna").decode("ascii")).lower()
    except UnicodeError as error:
        raise BadTarget(f"{text!r} is not a host name: {error}") from None
    labels = name.split(".")
    if not name or len(name) > _LONGEST_NAME or not all(_LABEL.match(label) for label in labels):
        raise BadTarget(f"{text!r} is neither an address, a network nor a host name")
    if all(label.isdigit() for label in labels) or labels[-1].isdigit():
        raise BadTarget(f"{text!r} looks like a broken address")
    return name


def canonical_target(text: str) -> str:
    """An address or a name in its one spelling.

    Raises:
        BadTarget: for anything else.
    """
    return canonical_address(text) or canonical_name(text)


def canonical_zone(text: str) -> str:
    """A zone's name.

    Raises:
        BadTarget: for anything but lower-case letters, digits, dots, dashes and underscores.
    """
    if not _ZONE.match(text):
        raise BadTarget(f"{text!r} is not a zone name (lower-case letters, digits, '.', '_' and '-')")
    return text
