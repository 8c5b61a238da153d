"""The order of rpm's versions: `[epoch:]version[-release]`, as rpm-version(7) tells it."""

import re

from estate.hosts.versions.order import BadVersion, Key, number

_SEGMENT = re.compile(r"([0-9]+)|([A-Za-z]+)|([~^])")
# A tilde sorts before the end, a caret right after it; letters come before numbers.
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)
_SIGNS = {"~": _TILDE, "^": _CARET}


def rpm_key(version: str) -> Key:
    """A key that sorts as rpm compares; a version without a release is older than one with it.

    Raises:
        BadVersion: it is empty, or its epoch is no number.
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    elif not (epoch.isascii() and epoch.isdecimal()):
        raise BadVersion(f"the epoch is no number: {version!r}")
    if not rest:
        raise BadVersion(f"there is no version in {version!r}")
    upstream, dash, release = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return number(epoch), _part(upstream), (1, _part(release)) if dash else (0,)


def _part(text: str) -> Key:
    """Runs of digits, runs of letters and the two signs; everything else only divides them."""
    found = (match.groups("") for match in _SEGMENT.finditer(text))
    segments: list[Key] = [
        (_NUMBER, number(digits)) if digits else (_LETTERS, letters) if letters else (_SIGNS[sign],)
        for digits, letters, sign in found
    ]
    return (*segments, (_END,))
