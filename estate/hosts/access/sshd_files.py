"""sshd_config(5) from its files, for where the server itself may not be asked: Include, Match, and the first value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from estate.hosts.access.texts import Texts

CONFIGS = ("/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config", "/etc/sshd_config")
_HOME = "/etc/ssh/"
_LINE = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9]*)(?:[ \t]*=[ \t]*|[ \t]+)(\S.*?)[ \t\f]*\Z")
_DEEPEST = 16
_MOST = 20_000
SAME = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
    "dsaauthentication": "pubkeyauthentication",
}
"""Older names, which sshd still takes."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One line: its keyword in lower case, and the criteria of the Match block that it stands in, or nothing."""

    match: str
    name: str
    value: str


def settings(texts: Texts) -> tuple[Setting, ...]:
    """Every setting in the order in which sshd comes to it."""
    files = dict(reversed(texts.files))
    found: list[Setting] = []
    for config in CONFIGS:
        if config in files:
            for setting in _walk(files, config, "", 0):
                found.append(setting)
                if len(found) >= _MOST:
                    break
            break
    return tuple(found)


def _walk(files: dict[str, tuple[str, ...]], path: str, match: str, depth: int) -> Iterator[Setting]:
    """A Match block ends with its file, and what is included into one stands under it."""
    for line in files[path]:
        parts = _LINE.match(line)
        if parts is None:
            continue
        name, value = parts[1].lower(), parts[2]
        if name == "match":
            match = "" if value.strip().lower() == "all" else _uncommented(value)
        elif name == "include" and depth < _DEEPEST:
            for pattern in words(value):
                for each in _matching(files, pattern):
                    yield from _walk(files, each, match, depth + 1)
        else:
            yield Setting(match, SAME.get(name, name), " ".join(words(value)))


def _matching(files: dict[str, tuple[str, ...]], pattern: str) -> list[str]:
    pattern = pattern if pattern.startswith("/") else _HOME + pattern
    return sorted(path for path in files if path.count("/") == pattern.count("/") and fnmatchcase(path, pattern))


def words(value: str) -> list[str]:
    """Arguments, without the quotes that hold some of them together, and up to a comment."""
    found = []
    for quoted, plain in re.findall(r'"([^"]*)"|([^\s"]+)', value):
        if plain.startswith("#"):
            break
        found.append(quoted or plain)
    return found


def _uncommented(value: str) -> str:
    return " ".join(words(value))
