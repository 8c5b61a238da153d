"""The packages of a host: its inventory and its checks."""

from collections.abc import Iterator

from estate.hosts.checks import Check, Inventoried, Inventory, attributes
from estate.hosts.host import Host
from estate.hosts.packages import deleted, ends, kernels, pending, sources
from estate.hosts.packages.installed import Packages, language_inventory, read_packages, system_inventory
from estate.hosts.packages.languages import LanguagePackage
from estate.hosts.packages.release import Release, read_release
from estate.hosts.packages.system import SystemPackage
from estate.hosts.who import read_who

__all__ = ["CHECKS", "INVENTORY", "LanguagePackage", "Packages", "Release", "SystemPackage", "read_packages"]


def _release(host: Host) -> Iterator[Inventoried]:
    release = host.read(read_release)
    yield "release", attributes(id=release.id, version=release.version or None, name=release.name or None)


def _kernel(host: Host) -> Iterator[Inventoried]:
    yield "running", attributes(release=host.read(read_who).kernel)


INVENTORY: tuple[Inventory, ...] = (
    Inventory("os", "packages", _release),
    Inventory("kernel", "packages", _kernel),
    Inventory("pkg", "packages", system_inventory),
    Inventory("library", "packages", language_inventory),
)
CHECKS: tuple[Check, ...] = (
    *pending.CHECKS,
    *kernels.CHECKS,
    *ends.CHECKS,
    *sources.CHECKS,
    *deleted.CHECKS,
)
