"""Resolve names at the moment of sending, with the system's own resolver."""

import socket

from estate.assets import canonical_address


def resolve(name: str) -> tuple[str, ...]:
    """Every address of a name, in one spelling; empty where it has none now.

    One that means something on one interface only keeps that (`fe80::1%eth0`), so that a scope refuses it in words.
    """
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return ()
    addresses = (_spell(*entry[4]) for entry in found)
    return tuple(sorted({canonical_address(address) or address for address in addresses}))


def _spell(address: str | int, _port: int | bytes = 0, _flow: int = 0, interface: int = 0) -> str:
    """A socket's address as people write it."""
    return f"{address}%{socket.if_indextoname(interface)}" if interface else str(address)
