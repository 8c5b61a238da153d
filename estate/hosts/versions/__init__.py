"""Which of two versions is older, by the rules of the package manager that they belong to."""

from collections.abc import Callable, Mapping
from typing import Literal

from estate.hosts.versions.apk import apk_key
from estate.hosts.versions.dpkg import dpkg_key
from estate.hosts.versions.order import BadVersion, Key
from estate.hosts.versions.rpm import rpm_key

__all__ = ["BadVersion", "Key", "Manager", "apk_key", "compare", "dpkg_key", "manager_of", "rpm_key", "version_key"]

Manager = Literal["dpkg", "rpm", "apk"]
_KEYS: Mapping[str, Callable[[str], Key]] = {"dpkg": dpkg_key, "rpm": rpm_key, "apk": apk_key}
_DPKG = frozenset({"Debian", "Ubuntu"})
_APK = frozenset({"Alpine", "Wolfi", "Chainguard"})


def version_key(manager: str, version: str) -> Key:
    """A value that sorts as the manager's versions do.

    Raises:
        BadVersion: the manager would refuse it.
    """
    return _KEYS[manager](version)


def compare(manager: str, one: str, two: str) -> int:
    """-1 where `one` is older, 1 where it is newer, 0 where they are equal.

    Raises:
        BadVersion: the manager would refuse one of them.
    """
    if one == two:
        return 0
    first, second = version_key(manager, one), version_key(manager, two)
    return (first > second) - (first < second)


def manager_of(ecosystem: str) -> Manager:
    """Whose rules an ecosystem of OSV follows: `dpkg` for `Debian:12`, `apk` for `Alpine:v3.20`, else `rpm`."""
    family = ecosystem.partition(":")[0]
    return "dpkg" if family in _DPKG else "apk" if family in _APK else "rpm"
