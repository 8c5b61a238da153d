"""The order of Debian's versions: `[epoch:]upstream[-revision]`, as deb-version(7) tells it."""

import re

from estate.hosts.versions.order import BadVersion, Key, number

_PAIR = re.compile(r"([^0-9]*)([0-9]*)")
_END = ((0,), number(""))


def dpkg_key(version: str) -> Key:
    """A key that sorts as dpkg compares.

    Raises:
        BadVersion: it is empty, ends with a hyphen, or its epoch is no number.
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    if colon and not (epoch.isascii() and epoch.isdecimal()):
        raise BadVersion(f"the epoch is no number: {version!r}")
    if not rest or rest[-1] == "-":
        raise BadVersion(f"there is no version in {version!r}")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return number(epoch), _part(upstream), _part(revision)


def _part(text: str) -> Key:
    """Letters and numbers in turn; nothing at all equals zero, and what ends compares as if it went on with nothing."""
    found = (match.groups() for match in _PAIR.finditer(text or "0"))
    pairs = [((*tuple(map(_weight, letters)), 0) if letters else (0,), number(digits)) for letters, digits in found]
    # The last match is empty, and is the end.
    return (*tuple(pairs[:-1]), _END)


def _weight(character: str) -> int:
    """A tilde sorts before the end, letters before everything else."""
    if character == "~":
        return -1
    return ord(character) + (0 if character.isascii() and character.isalpha() else 256)
