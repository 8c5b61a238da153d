"""The order of Alpine's versions: `number{.number}[letter]{_suffix[number]}[~hash][-rN]`, by apk-version(8)."""

import re

from estate.hosts.versions.order import BadVersion, Key, number

_BEFORE = ("alpha", "beta", "pre", "rc")
_AFTER = ("cvs", "svn", "git", "hg", "p")
_SUFFIX = "|".join((*_BEFORE, *sorted(_AFTER, key=len, reverse=True)))
_VERSION = re.compile(
    r"(?P<first>[0-9]+)(?P<more>(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    rf"(?P<suffixes>(?:_(?:{_SUFFIX})[0-9]*)*)(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<revision>[0-9]+))?\Z"
)
_ONE_SUFFIX = re.compile(rf"_({_SUFFIX})([0-9]*)")
# Where two versions part, the one that goes on is the newer, by what it goes on with; unless that is a suffix which
# tells of something that is not out yet.
_UNRELEASED, _END, _REVISION, _COMMIT, _SUFFIX_NUMBER, _PATCHED, _LETTER, _DIGITS = range(8)


def apk_key(version: str) -> Key:
    """A key that sorts as apk compares.

    Raises:
        BadVersion: apk would call it invalid.
    """
    found = _VERSION.match(version)
    if found is None:
        raise BadVersion(f"no version of apk's: {version!r}")
    parts: list[Key] = [(_DIGITS, number(found["first"]))]
    parts += [(_DIGITS, _fraction(part)) for part in found["more"].split(".")[1:]]
    if found["letter"]:
        parts.append((_LETTER, found["letter"]))
    for suffix, digits in _ONE_SUFFIX.findall(found["suffixes"]):
        parts.append((_UNRELEASED, _BEFORE.index(suffix)) if suffix in _BEFORE else (_PATCHED, _AFTER.index(suffix)))
        if digits:
            parts.append((_SUFFIX_NUMBER, number(digits)))
    if found["commit"]:
        parts.append((_COMMIT, found["commit"]))
    if found["revision"]:
        parts.append((_REVISION, number(found["revision"])))
    return (*parts, (_END,))


def _fraction(digits: str) -> Key:
    """With a zero in front, digits are compared as those of a fraction are: one by one."""
    return (0, (0, digits)) if digits[0] == "0" else (1, number(digits))
