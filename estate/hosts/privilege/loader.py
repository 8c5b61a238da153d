"""Where root's programs and libraries are looked for, and who may put some there."""

import re
from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, lines
from estate.hosts.privilege.cron import read_cron
from estate.hosts.privilege.owners import owners_or_none
from estate.hosts.privilege.paths import Paths, read_paths
from estate.hosts.privilege.sudo import read_sudo

_PRELOADED = frozenset({"libfakeroot", "libeatmydata", "libjemalloc2", "libgtk3-nocsd0", "raspi-copies-and-fills"})
"""Packages that are made to be preloaded."""
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
    "/etc/ld.so.cache", "/etc/ld.so.preload")  # fmt: skip
_STANDARD = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATH_ROW = re.compile(r"P (/[^:]*):.?PATH=(.*)\Z", re.DOTALL)


def search_paths(host: Host) -> Iterator[tuple[str, str]]:
    """Each PATH of root's with the file that sets it; without one, the one that systemd has built in."""
    yield "systemd", _STANDARD
    for row in lines(host.section("paths", partly=True)):
        if (found := _PATH_ROW.match(row)) is not None:
            yield found[1], found[2]
    if not host.fault("sudoers"):
        for setting in host.read(read_sudo).policy.settings:
            if setting.name == "secure_path" and setting.operator == "=":
                yield setting.file, setting.value
    if not host.fault("cron"):
        yield from host.read(read_cron).path


def writable_path(host: Host) -> Iterator[Problem]:
    """A directory of root's PATH that others may write, or one that depends on where root stands."""
    paths = host.read(read_paths)
    told: set[str] = set()
    for file, value in search_paths(host):
        for place in value.strip().strip("\"'").strip().split(":"):
            word = place.strip().strip("\"'")
            if word in told or "$" in word or word.startswith(("~", "`")):
                continue
            told.add(word)
            if not word.startswith("/"):
                named = word or "(empty)"
                evidence = f"{file}: PATH has {named}, which is wherever root stands"
                yield Problem(named, Severity.HIGH, evidence)
            elif (weak := paths.weak(word)) is not None:
                yield Problem(word, Severity.HIGH, f"{file}: PATH has {word}; {paths.told(weak)}")
    host.section("paths")
    host.section("refs")


def preloaded(host: Host) -> Iterator[Problem]:
    """A library that every program loads first."""
    owners, reason = owners_or_none(host)
    for row in lines(host.section("loader", partly=True)):
        kind, _, value = row.partition(" ")
        if kind == "L" and value.strip():
            package = owners.package(value)
            if package not in _PRELOADED:
                whose = f"of package {package}" if package else "of no package" if not reason else ""
                evidence = f"/etc/ld.so.preload: {value}" + (f", {whose}" if whose else "")
                yield Problem(value, Severity.CRITICAL, evidence)
        elif kind == "V":
            name, _, said = value.partition(" ")
            yield Problem(f"LD_{name}", Severity.HIGH, f"/etc/environment: LD_{name}={said}")
    host.section("loader")


def writable_library_place(host: Host) -> Iterator[Problem]:
    """A directory or a list of the loader that others than root may write."""
    paths = host.read(read_paths)
    rows = [row.partition(" ")[2] for row in lines(host.section("loader", partly=True)) if row[:1] in {"C", "L"}]
    listed = [each for each in paths.stats if each.startswith("/etc/ld.so.conf.d/")]
    for place in dict.fromkeys((*_LIBRARIES, *listed, *(row for row in rows if row.startswith("/")))):
        if _absent_as_usual(place, paths):
            continue
        if (weak := paths.weak(place)) is not None:
            yield Problem(place, Severity.CRITICAL, paths.told(weak))
    host.section("loader")
    host.section("refs")


def _absent_as_usual(place: str, paths: Paths) -> bool:
    """Whether one of the loader's own places is not there: who may write /etc or / is told by what is there."""
    return place in _LIBRARIES and place not in paths.stats


CHECKS = (
    Check(
        "HOST-PRV-015",
        "Root's PATH has a directory that others can fill",
        writable_path,
        "Take {resource} out of PATH, or: chown root:root {resource} && chmod go-w {resource}",
        cis=("5.4.2.5",),
        attack=("T1574.007",),
    ),
    Check(
        "HOST-PRV-016",
        "A library is loaded into every program",
        preloaded,
        "Treat the host as compromised until it is explained: keep a copy of {resource}, find out who put it there, "
        "then remove its line from /etc/ld.so.preload (or /etc/environment)",
        attack=("T1574.006",),
    ),
    Check(
        "HOST-PRV-017",
        "Others than root can put libraries where every program finds them",
        writable_library_place,
        "chown root:root {resource} && chmod go-w {resource}",
        controls=("3.3",),
        attack=("T1574.006",),
    ),
)
