"""Which distribution and release a host runs, and what OSV calls the ecosystem that its packages come from."""

import re
from dataclasses import dataclass

from estate.hosts.host import Host, Unseen, lines

_LINE = re.compile(r"([A-Z][A-Z0-9_]{0,40})=(.*)\Z")
_ESCAPED = re.compile(r"\\([\"'\\$`])")
# Derivatives that take their packages from Ubuntu's own archive say which of its releases that is.
_UBUNTU = {
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "noble": "24.04",
    "resolute": "26.04",
}
_FROM_UBUNTU = frozenset({"linuxmint", "pop", "elementary", "zorin", "neon"})
_SUITES = ("baseos", "appstream", "crb")


@dataclass(frozen=True, slots=True)
class Release:
    """What os-release says: `id` such as `debian`, `version` such as `12` (empty where releases have no number)."""

    id: str
    version: str = ""
    codename: str = ""
    name: str = ""
    like: tuple[str, ...] = ()
    ubuntu: str = ""
    unstable: bool = False

    @property
    def major(self) -> str:
        """The first part of the version."""
        return self.version.partition(".")[0]

    @property
    def label(self) -> str:
        """A word that names the release: `debian-12`."""
        return f"{self.id}-{self.version}" if self.version else self.id


def read_release(host: Host) -> Release:
    """Read os-release.

    Raises:
        Unseen: it could not be looked at, or names no distribution.
    """
    said: dict[str, str] = {}
    for line in lines(host.section("os")):
        if found := _LINE.match(line.strip()):
            said.setdefault(found[1], _unquoted(found[2].strip()))
    if not said.get("ID"):
        raise Unseen("unreadable")
    debian = said.get("DEBIAN_VERSION", "")
    version = said.get("VERSION_ID", "")
    identity = said["ID"].lower()
    return Release(
        id=identity,
        version=version,
        codename=said.get("VERSION_CODENAME", ""),
        name=said.get("PRETTY_NAME", ""),
        like=tuple(said.get("ID_LIKE", "").lower().split()),
        ubuntu=_UBUNTU.get(said.get("UBUNTU_CODENAME", ""), "") if identity in _FROM_UBUNTU else "",
        unstable=identity == "debian" and not version and debian.endswith("/sid"),
    )


def ecosystems(release: Release) -> tuple[str, ...]:
    """The ecosystems to ask OSV for, as its schema spells them; none where it knows no such release.

    Debian, Ubuntu and Alpine without a release give wrong answers, so a release is always named.
    https://ossf.github.io/osv-schema/#defined-ecosystems
    """
    version, major = release.version, release.major
    if release.ubuntu:
        return (_ubuntu(release.ubuntu),)
    match release.id:
        case "debian" if major.isdecimal():
            return (f"Debian:{major}",)
        case "debian" if release.unstable:
            return ("Debian:sid",)
        case "ubuntu" if re.fullmatch(r"\d\d\.\d\d", version):
            return (_ubuntu(version),)
        case "alpine" if found := re.match(r"(\d+\.\d+)(?:\.\d+)?\Z", version):
            return (f"Alpine:v{found[1]}",)
        case "almalinux" if major.isdecimal():
            return (f"AlmaLinux:{major}",)
        case "rocky" if major.isdecimal():
            return (f"Rocky Linux:{major}",)
        case "rhel" if major.isdecimal():
            return tuple(f"Red Hat:enterprise_linux:{major}::{suite}" for suite in _SUITES)
        case "azurelinux" | "mageia" if major.isdecimal():
            return (f"{'Azure Linux' if release.id == 'azurelinux' else 'Mageia'}:{major}",)
        case "photon" if version:
            return (f"Photon OS:{version}",)
        case "opensuse-leap" | "opensuse-tumbleweed" if release.name.startswith("openSUSE "):
            return (f"openSUSE:{release.name.removeprefix('openSUSE ')}",)
        case "sles" if release.name.startswith("SUSE "):
            return (f"SUSE:{release.name.removeprefix('SUSE ')}",)
        case "wolfi" | "chainguard":
            return (release.id.capitalize(),)
    return ()


def _ubuntu(version: str) -> str:
    year, _, month = version.partition(".")
    return f"Ubuntu:{version}:LTS" if month == "04" and int(year) % 2 == 0 else f"Ubuntu:{version}"


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return _ESCAPED.sub(r"\1", value)
