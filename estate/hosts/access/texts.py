"""Settings files as the collector tells them: `!file PATH`, then each line behind a tab, and `!denied PATH`."""

from collections.abc import Mapping
from dataclasses import dataclass

from estate.hosts.access.seen import seen_lines
from estate.hosts.host import Host


@dataclass(frozen=True, slots=True)
class Texts:
    """Files by their path, in order; paths that may not be read; and what else the collector said, without its `!`."""

    files: tuple[tuple[str, tuple[str, ...]], ...]
    denied: tuple[str, ...]
    said: tuple[str, ...]

    def lines(self, path: str) -> tuple[str, ...]:
        """A file's lines; none where it is not there."""
        return next((found for name, found in self.files if name == path), ())


def seen_texts(host: Host, section: str) -> Texts:
    """A section's files.

    Raises:
        Unseen: nothing of the section came.
    """
    files: list[tuple[str, list[str]]] = []
    denied: list[str] = []
    said: list[str] = []
    for line in seen_lines(host, section):
        if line.startswith("\t"):
            if files:
                files[-1][1].append(line[1:].rstrip("\r"))
        elif line.startswith("!file "):
            files.append((line[6:], []))
        elif line.startswith("!denied "):
            denied.append(line[8:])
        elif line.startswith("!"):
            said.append(line[1:])
    return Texts(tuple((name, tuple(found)) for name, found in files), tuple(denied), tuple(said))


def read_name_sources(host: Host) -> frozenset[str]:
    """Where names of accounts and groups come from beside the files: `sss`, `ldap`, `compat`; see nsswitch.conf(5)."""
    found: set[str] = set()
    for line in seen_texts(host, "nss").lines("/etc/nsswitch.conf"):
        database, _, sources = line.partition("#")[0].partition(":")
        if database.strip() in {"passwd", "group", "initgroups"}:
            found.update(word for word in sources.split() if not word.startswith("["))
    return frozenset(found - {"files", "systemd", "altfiles", "extrausers", "db"})


def read_login_definitions(host: Host) -> Mapping[str, str]:
    """The settings of /etc/login.defs by name; the last of several lines counts, as in shadow's own reader."""
    found: dict[str, str] = {}
    for line in seen_texts(host, "policy").lines("/etc/login.defs"):
        words = line.split(None, 1)
        if len(words) == 2:
            found[words[0]] = words[1].strip().strip('"')
    return found
