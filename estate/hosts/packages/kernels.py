"""The kernel that runs, held against those that are installed: an update that was not booted protects nobody."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen
from estate.hosts.packages.rows import rows
from estate.hosts.packages.system import SystemPackages, read_system
from estate.hosts.versions import BadVersion, compare
from estate.hosts.who import read_who

_FLAVOUR = re.compile(r"(\d[^-]*(?:-\d[^-]*)*?)-([a-z][a-z0-9-]*)\Z")
_RPM = re.compile(r"(\d.*)\.([a-z0-9_]+(?:\+[a-z0-9+-]+)?)\Z")
_DEBIAN_BUILD = re.compile(r"\bDebian (\S+)")
# What needs a reboot when it was replaced under a running system; the list of dnf's own needs-restarting.
_CORE = frozenset(
    {"dbus", "dbus-broker", "dbus-daemon", "glibc", "kernel", "kernel-core", "kernel-rt", "kernel-rt-core"}
    | {"linux-firmware", "microcode_ctl", "systemd"}
)
_CLOCK_SLACK = 120


@dataclass(frozen=True, slots=True)
class Kernels:
    """The running release with its build, and the releases that could be booted."""

    running: str
    build: str
    booted: int | None
    images: tuple[str, ...]


def read_kernels(host: Host) -> Kernels:
    """Read what runs and what lies in /boot.

    Raises:
        Unseen: /boot is closed to us, or the section is not whole.
    """
    listed, fault = rows(host, "kernels")
    if fault:
        raise Unseen(fault)
    said = [line.partition("=") for line in listed]
    build = next((value for key, _, value in said if key == "build"), "")
    booted = next((value for key, _, value in said if key == "booted"), "")
    images = dict.fromkeys(value for key, _, value in said if key == "image" and value)
    when = int(booted) if booted.isascii() and booted.isdecimal() and len(booted) < 12 else None
    return Kernels(host.read(read_who).kernel, build, when, tuple(images))


def _older_than_installed(host: Host) -> Iterator[Problem]:
    if host.read(read_who).container:
        return
    kernels, system = host.read(read_kernels), host.read(read_system)
    newest = _newest(kernels, system) or _rebuilt(kernels, system)
    if newest:
        evidence = f"runs {kernels.running}, installed is {newest}"
        yield Problem("kernel", Severity.MEDIUM, evidence, f"kernel {kernels.running}")
    elif system.fault:
        raise Unseen(system.fault)


def _newest(kernels: Kernels, system: SystemPackages) -> str:
    """The newest installed release of the running one's flavour, where that is newer.

    A kernel that no installed file matches came from outside (a microVM, a rescue system): a reboot brings it back.
    """
    if kernels.running not in kernels.images:
        return ""
    manager = "rpm" if "rpm" in system.managers and "dpkg" not in system.managers else "dpkg"
    version, flavour = _parts(kernels.running)
    newest, best = "", version
    for image in kernels.images:
        other, its_flavour = _parts(image)
        if its_flavour == flavour and _newer(manager, other, best):
            newest, best = image, other
    return newest


def _rebuilt(kernels: Kernels, system: SystemPackages) -> str:
    """A newer build of the very release that runs: the file has been replaced, and its name stays."""
    build = _DEBIAN_BUILD.search(kernels.build)
    version, flavour = _parts(kernels.running)
    for package in system.packages:
        if package.manager == "dpkg" and build and package.name == f"linux-image-{kernels.running}":
            if _newer("dpkg", package.version, build[1]):
                return f"{kernels.running} of {package.version}"
        elif package.manager == "apk" and package.name == f"linux-{flavour}":
            runs = "-r".join(version.rsplit("-", 1))
            if _newer("apk", package.version, runs):
                return f"{package.name} {package.version}"
    return ""


def _parts(release: str) -> tuple[str, str]:
    """Version and flavour: `6.1.0-41` and `cloud-amd64`; `5.14.0-503.el9` and `x86_64`."""
    found = _FLAVOUR.match(release) or _RPM.match(release)
    if found is None:
        return release, ""
    return found[1], f"uek {found[2]}" if "uek" in found[1] else found[2]


def _newer(manager: str, one: str, two: str) -> bool:
    try:
        return compare(manager, one, two) > 0
    except BadVersion:
        return False


def _waits_for_reboot(host: Host) -> Iterator[Problem]:
    if host.read(read_who).container:
        return
    listed, fault = rows(host, "reboot")
    named = sorted({line.partition("=")[2] for line in listed if line.startswith("package=")})
    system = host.read(read_system)
    if "rpm" in system.managers:
        named += _replaced(host, system)
    if "required" in listed or named:
        told = f"updated since the boot: {', '.join(named[:20])}" if named else "/run/reboot-required"
        yield Problem("host", Severity.MEDIUM, told)
    elif fault:
        raise Unseen(fault)
    elif "notifier" not in listed and "rpm" not in system.managers:
        # Nobody on this host would say so.
        raise Unseen("missing-tool")


def _replaced(host: Host, system: SystemPackages) -> list[str]:
    booted = host.read(read_kernels).booted
    if booted is None or system.fault:
        raise Unseen(system.fault or "unreadable")
    replaced = (
        package.name
        for package in system.packages
        if package.name in _CORE and package.installed is not None and package.installed > booted + _CLOCK_SLACK
    )
    return sorted(set(replaced))


CHECKS = (
    Check(
        "HOST-PKG-006",
        "The running kernel is older than the one that is installed",
        _older_than_installed,
        "reboot   # in a window for it; then compare: uname -rv",
        controls=("7.3",),
        attack=("T1068",),
    ),
    Check(
        "HOST-PKG-007",
        "An update waits for a reboot",
        _waits_for_reboot,
        "reboot   # in a window for it",
        controls=("7.3",),
    ),
)
