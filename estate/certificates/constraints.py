"""Which names a CA may vouch for: name constraints on hosts, addresses and directory names (RFC 5280 §4.2.1.10)."""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from estate.assets import Address
from estate.certificates.certificate import Certificate
from estate.certificates.extensions import Network, Subtrees

_Top = TypeVar("_Top")
_NONE = Subtrees()


def first_outside(issuer: Certificate, below: Sequence[Certificate]) -> str:
    """The first name on the certificates below this CA, leaf first, that it may not vouch for, or an empty string."""
    if issuer.permitted is None and issuer.excluded is None:
        return ""
    permitted, excluded = issuer.permitted or _NONE, issuer.excluded or _NONE
    for certificate in below:
        for name in certificate.dns_names:
            if not _allowed(permitted.dns, excluded.dns, partial(_is_below, name)):
                return name
        for spelled in certificate.addresses:
            address = ipaddress.ip_address(spelled)
            if not _allowed(permitted.networks, excluded.networks, partial(_is_in, address)):
                return spelled
        subject = certificate.subject
        if subject.canonical and not _allowed(permitted.directories, excluded.directories, subject.within):
            return subject.shown
    return ""


def _allowed(permitted: Iterable[_Top], excluded: Iterable[_Top], holds: Callable[[_Top], bool]) -> bool:
    """No subtree of a kind permits all names of that kind; an exclusion always wins."""
    permitted = tuple(permitted)
    return not any(map(holds, excluded)) and (not permitted or any(map(holds, permitted)))


def _is_below(name: str, top: str) -> bool:
    """Whether a host name is `top` or below it; one that begins with a dot has only what is below it."""
    if top.startswith("."):
        return name.endswith(top)
    return not top or name == top or name.endswith("." + top)


def _is_in(address: Address, network: Network) -> bool:
    return address in network
