"""Names in certificates: how they are shown, when two are the same, and which host they are for (RFC 9525)."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from estate.assets import canonical_address, canonical_name
from estate.certificates.der import SEQUENCE, SET, Element, Malformed, oid, text
from estate.errors import BadTarget
from estate.text import printable

_SHORT = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
    "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode", "2.5.4.42": "GN", "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID", "1.2.840.113549.1.9.1": "emailAddress",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}  # fmt: skip
_ORGANISATION = "2.5.4.10"
_MOST_ATTRIBUTES = 200
_SHOWN = 512

Canonical = tuple[frozenset[tuple[str, str]], ...]


@dataclass(frozen=True, slots=True)
class DistinguishedName:
    """A subject or issuer as RFC 4514 spells it; two are the same name where `canonical` is (RFC 5280 §7.1)."""

    shown: str
    canonical: Canonical
    organisation: str = ""

    def __str__(self) -> str:
        return self.shown

    def within(self, top: Canonical) -> bool:
        """Whether this name lies in the part of the directory below `top`."""
        return self.canonical[: len(top)] == top


def read_name(element: Element) -> DistinguishedName:
    """Read a Name.

    Raises:
        Malformed: it is none, or has more attributes than a name can need.
    """
    canonical: list[frozenset[tuple[str, str]]] = []
    shown: list[str] = []
    organisation = ""
    count = 0
    for relative in element.expect(SEQUENCE).parts():
        same: set[tuple[str, str]] = set()
        words = []
        for attribute in relative.expect(SET).parts():
            pair = attribute.expect(SEQUENCE).parts()
            if len(pair) != 2:
                raise Malformed("an attribute that is no pair")
            count += 1
            kind, value = oid(pair[0]), text(pair[1])
            same.add((kind, " ".join(value.casefold().split())))
            words.append(f"{_SHORT.get(kind, kind)}={_escape(value)}")
            if kind == _ORGANISATION:
                organisation = organisation or printable(value, _SHOWN)
        if count > _MOST_ATTRIBUTES:
            raise Malformed(f"a name of more than {_MOST_ATTRIBUTES} attributes")
        canonical.append(frozenset(same))
        shown.append("+".join(words))
    return DistinguishedName(
        printable(",".join(reversed(shown)), _SHOWN),
        tuple(canonical),
        organisation,
    )


def matches_host(name: str, dns_names: Iterable[str], addresses: Iterable[str]) -> bool:
    """Whether a certificate with these names is for this host.

    An address matches addresses only. A name matches itself, or a `*` that stands for its whole first label with at
    least two labels after it; the subject's common name counts for nothing (RFC 9525 §2).
    """
    address = canonical_address(name)
    if address is not None:
        return address in addresses
    try:
        wanted = canonical_name(name)
    except BadTarget:
        return False
    _, _, parent = wanted.partition(".")
    accepted = {wanted, f"*.{parent}"} if "." in parent else {wanted}
    return any(known in accepted for known in dns_names)


def read_address(octets: bytes) -> str | None:
    """An iPAddress name, or None where its length fits no address."""
    if len(octets) not in (4, 16):
        return None
    return canonical_address(str(ipaddress.ip_address(octets)))


def read_network(octets: bytes) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """An address with a mask, as name constraints write it, or None where it is no network."""
    if len(octets) not in (8, 32):
        return None
    half = len(octets) // 2
    mask = int.from_bytes(octets[half:], "big")
    prefix = mask.bit_count()
    if mask != ((1 << prefix) - 1) << (half * 8 - prefix):
        return None
    return ipaddress.ip_network((octets[:half], prefix), strict=False)


def _escape(value: str) -> str:
    """What RFC 4514 §2.4 makes of a value, so that a comma in a name does not look like the next attribute."""
    spelled = "".join("\\" + character if character in '\\"+,;<>=' else character for character in value[: _SHOWN + 1])
    if spelled.startswith(("#", " ")):
        spelled = "\\" + spelled
    return spelled[:-1] + "\\ " if spelled.endswith(" ") and len(spelled) > 1 else spelled
