"""Resolve names at the moment of sending, with the system's own resolver."""

import socket

from estate.assets import canonical_address


def resolve(name: str) -> tuple[str, ...]:
    """Every address of a name, in one spelling; empty where it has none now."""
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return ()
    addresses = (canonical_address(str(entry[4][0])) for entry in found)
    return tuple(sorted({address for address in addresses if address is not None}))
