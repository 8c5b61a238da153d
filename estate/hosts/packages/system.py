"""The packages that a host's own package managers have installed, each with the source that it was built from."""

from collections.abc import Iterator
from dataclasses import dataclass

from estate.hosts.host import Host, Unseen
from estate.hosts.packages.rows import rows

MANAGERS = ("dpkg", "rpm", "apk")
# The second letter of dpkg's status: not installed, only its configuration is left, or not all of it was unpacked.
_NOT_THERE = frozenset("ncH")


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """One installed package; `installed` (a Unix time) where the manager knows it, `source_version` with its epoch."""

    manager: str
    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    held: bool = False
    installed: int | None = None


@dataclass(frozen=True, slots=True)
class SystemPackages:
    """What was listed; `fault` is empty where that is all there is."""

    packages: tuple[SystemPackage, ...]
    managers: tuple[str, ...]
    fault: str = ""


def read_system(host: Host) -> SystemPackages:
    """Read the list of every package manager that has a database here.

    Raises:
        Unseen: there is no list at all; `not-covered` where no manager that we know has a database.
    """
    named, fault = rows(host, "managers")
    managers = tuple(manager for manager in MANAGERS if manager in named)
    if not managers:
        raise Unseen(fault or "not-covered")
    found: list[SystemPackage] = []
    for manager in managers:
        try:
            listed, cut = rows(host, manager)
        except Unseen as unseen:
            fault = fault or unseen.reason
            continue
        read = list(_READERS[manager](listed))
        found += [package for package in read if package is not None]
        fault = fault or cut or ("unreadable" if None in read else "")
    if not found:
        # A system without any package does not run a shell.
        raise Unseen(fault or "unreadable")
    return SystemPackages(tuple(found), managers, fault)


def _dpkg(listed: list[str]) -> Iterator[SystemPackage | None]:
    for line in listed:
        fields = line.split("\t")
        if len(fields) != 6 or len(fields[0]) < 2 or not fields[5]:
            yield None
        elif fields[0][1] not in _NOT_THERE:
            status, architecture, version, source, source_version, name = fields
            yield SystemPackage(
                "dpkg", name, version, architecture, source or name, source_version or version, status[0] == "h"
            )


def _rpm(listed: list[str]) -> Iterator[SystemPackage | None]:
    for line in listed:
        fields = line.split("\t")
        if len(fields) != 7 or not fields[6]:
            yield None
            continue
        epoch, version, release, architecture, built_from, installed, name = fields
        if name == "gpg-pubkey":
            continue
        prefix = f"{epoch}:" if epoch.isdecimal() and epoch != "0" else ""
        source, source_version = _source(built_from)
        when = int(installed) if installed.isdecimal() and len(installed) < 12 else None
        full = f"{prefix}{version}-{release}"
        yield SystemPackage(
            "rpm",
            name,
            full,
            architecture,
            source or name,
            f"{prefix}{source_version}" if source_version else full,
            installed=when,
        )


def _source(built_from: str) -> tuple[str, str]:
    """Name and version of `openssl-3.0.7-27.el9.src.rpm`."""
    stem = built_from.removesuffix(".rpm").removesuffix(".src").removesuffix(".nosrc")
    parts = stem.rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 and all(parts) else ("", "")


def _apk(listed: list[str]) -> Iterator[SystemPackage | None]:
    fields: dict[str, str] = {}
    for line in [*listed, ""]:
        if line:
            key, _, value = line.partition(":")
            fields[key] = value
        elif fields:
            name, version = fields.get("P", ""), fields.get("V", "")
            if name and version:
                yield SystemPackage("apk", name, version, fields.get("A", ""), fields.get("o") or name, version)
            else:
                yield None
            fields = {}


_READERS = {"dpkg": _dpkg, "rpm": _rpm, "apk": _apk}
