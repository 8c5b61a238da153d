"""Addresses that no wide network admits: whoever wants them scanned has to name them."""

import ipaddress
from dataclasses import dataclass

from estate.assets import Address, Network


@dataclass(frozen=True, slots=True)
class Special:
    """A range that needs a `networks` entry of its own, which lies wholly inside it."""

    network: Network
    what: str


def _special(text: str, what: str) -> Special:
    return Special(ipaddress.ip_network(text), what)


SPECIAL = (
    _special("169.254.169.254/32", "the metadata service of most clouds"),
    _special("169.254.170.2/32", "the credentials service of AWS ECS"),
    _special("169.254.170.23/32", "the credentials service of AWS EKS"),
    _special("169.254.42.42/32", "the metadata service of Scaleway"),
    _special("169.254.0.23/32", "the metadata service of Tencent Cloud"),
    _special("100.100.100.200/32", "the metadata service of Alibaba Cloud"),
    _special("168.63.129.16/32", "the platform service of Azure"),
    _special("192.0.0.192/32", "the metadata service of Oracle Cloud Classic"),
    _special("fd00:ec2::254/128", "the metadata service of AWS"),
    _special("fd00:ec2::23/128", "the credentials service of AWS EKS"),
    _special("fd20:ce::254/128", "the metadata service of Google Cloud"),
    _special("fd00:c1::a9fe:a9fe/128", "the metadata service of Oracle Cloud"),
    _special("fd00:42::42/128", "the metadata service of Scaleway"),
    _special("fd00:a9fe:a9fe::1/128", "the metadata service of Linode"),
    _special("255.255.255.255/32", "the broadcast address"),
    _special("0.0.0.0/8", "unspecified (many systems read it as themselves)"),
    _special("127.0.0.0/8", "loopback"),
    _special("169.254.0.0/16", "link-local"),
    _special("224.0.0.0/4", "multicast"),
    _special("240.0.0.0/4", "reserved"),
    _special("::/128", "unspecified"),
    _special("::1/128", "loopback"),
    _special("::/96", "an outdated way to write an IPv4 address"),
    _special("::ffff:0:0/96", "an IPv4 address in disguise"),
    _special("::ffff:0:0:0/96", "an IPv4 address behind a translator"),
    _special("64:ff9b:1::/48", "an IPv4 address behind a local translator"),
    _special("2001::/32", "an IPv4 address behind a Teredo relay"),
    _special("fe80::/10", "link-local"),
    _special("ff00::/8", "multicast"),
)
"""The narrowest range that holds an address decides. From the IANA special-purpose registries, RFC 3171, 3927, 4291,
4380, 8215, and the vendors' own pages on their metadata services; cloud-init's data sources name most of those too."""

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
EMBEDDING = ((NAT64, 0), (SIX_TO_FOUR, 80))
"""IPv6 ranges whose addresses are delivered to an IPv4 address that they hold, with the bits that follow it
(RFC 6052, RFC 3056): both the IPv6 and the IPv4 address have to be in scope."""


def special(address: Address) -> Special | None:
    """The narrowest special range that holds the address."""
    held = [each for each in SPECIAL if each.network.version == address.version and address in each.network]
    return max(held, key=lambda each: each.network.prefixlen, default=None)


def embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which a translator would deliver."""
    if isinstance(address, ipaddress.IPv6Address):
        for network, shift in EMBEDDING:
            if address in network:
                return ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None
