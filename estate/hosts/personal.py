"""Which keys of a host name people: accounts, keys, memberships, sudo rules, and the checks that speak of them."""

from estate.hosts.registry import CHECKS, aspect_of

_BESIDE = ("member", "sudo-rule", *(f"HOST-PRV-{number:03}" for number in (4, 5, 6, 7, 8, 10)))
_THINGS = ("user", "authorized-key", "listener")

FAMILIES: tuple[str, ...] = tuple(
    sorted({*_BESIDE, *_THINGS, *(check.id for check in CHECKS if aspect_of(f"{check.id}/") == "access")})
)
"""Families of keys in which names of people may stand."""
