"""All the software of a host in one value, as whoever rates it against a database of vulnerabilities needs it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from estate.hosts.checks import Inventoried, attributes
from estate.hosts.host import Host, Unseen
from estate.hosts.packages.languages import LanguagePackage, LanguagePackages, read_languages
from estate.hosts.packages.purls import purl
from estate.hosts.packages.release import Release, ecosystems, read_release
from estate.hosts.packages.system import SystemPackage, SystemPackages, read_system

_TYPES = {"dpkg": "deb", "rpm": "rpm", "apk": "apk"}


@dataclass(frozen=True, slots=True)
class Packages:
    """What is installed.

    Args:
        release: the distribution; None where it could not be read.
        ecosystems: as OSV spells them, by the release (several for Red Hat's); empty where OSV knows none, and then
            `system` cannot be rated.
        system: the package managers' packages, with source name and version; other versions of one name may be there.
        system_fault: empty where `system` is all there is, else the reason why it may not be.
        languages: Python, Node, Ruby and PHP packages, each with its own ecosystem and directory.
        languages_fault: likewise.
    """

    release: Release | None
    ecosystems: tuple[str, ...]
    system: tuple[SystemPackage, ...]
    system_fault: str
    languages: tuple[LanguagePackage, ...]
    languages_fault: str


def read_packages(host: Host) -> Packages:
    """Read everything that is installed; what could not be seen is told in the faults, and nothing is raised."""
    system, languages = SystemPackages((), ()), LanguagePackages(())
    release, system_fault, languages_fault = None, "", ""
    with contextlib.suppress(Unseen):
        release = host.read(read_release)
    try:
        system = host.read(read_system)
        system_fault = system.fault
    except Unseen as unseen:
        system_fault = unseen.reason
    try:
        languages = host.read(read_languages)
        languages_fault = languages.fault
    except Unseen as unseen:
        languages_fault = unseen.reason
    known = () if release is None else ecosystems(release)
    return Packages(release, known, system.packages, system_fault, languages.packages, languages_fault)


def item(package: SystemPackage, distribution: str) -> str:
    """A package's name in the inventory: `pkg:deb/debian/openssl?arch=amd64`."""
    return purl(_TYPES[package.manager], distribution, package.name, arch=package.architecture)


def system_inventory(host: Host) -> Iterator[Inventoried]:
    """The system's packages; where several versions of one are installed (kernels), its version is all of them."""
    system = host.read(read_system)
    # Without its distribution a package would get another name, and the old one would be gone.
    distribution = host.read(read_release).id
    found: dict[str, list[SystemPackage]] = {}
    for package in system.packages:
        found.setdefault(item(package, distribution), []).append(package)
    for name, copies in found.items():
        yield (
            name,
            attributes(
                version=_each(copy.version for copy in copies),
                source=copies[0].source,
                source_version=_each(copy.source_version for copy in copies),
                held="yes" if any(copy.held for copy in copies) else "no",
            ),
        )
    if system.fault:
        raise Unseen(system.fault)


def language_inventory(host: Host) -> Iterator[Inventoried]:
    """The languages' packages, each copy by its directory."""
    languages = host.read(read_languages)
    for package in languages.packages:
        yield package.item, attributes(version=package.version)
    if languages.fault:
        raise Unseen(languages.fault)


def _each(values: Iterator[str]) -> str:
    return ", ".join(sorted(set(values)))
