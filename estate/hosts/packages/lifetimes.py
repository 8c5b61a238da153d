"""Until when each release of a distribution gets fixes; a table that is dated, since one that ages passes silently.

Dates are from endoflife.date's product pages (https://endoflife.date, repository endoflife-date/endoflife.date).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from estate.hosts.packages.release import Release

AS_OF = date(2026, 8, 22)
"""The day of the snapshot that the table was made from."""

_TABLE = """
debian 8 2018-06-17 2020-06-30 2025-06-30
debian 9 2020-07-18 2022-07-01 2027-06-30
debian 10 2022-09-10 2024-06-30 2029-06-30
debian 11 2024-08-14 2026-08-31 2031-06-30
debian 12 2026-07-11 2028-06-30 2033-06-30
debian 13 2028-08-09 2030-06-30 2035-06-30
ubuntu 14.04 2019-04-02 - 2024-04-02
ubuntu 16.04 2021-04-02 - 2026-04-02
ubuntu 18.04 2023-05-31 - 2028-04-01
ubuntu 20.04 2025-05-31 - 2030-04-02
ubuntu 22.04 2027-04-01 - 2032-04-09
ubuntu 22.10 2023-07-20
ubuntu 23.04 2024-01-20
ubuntu 23.10 2024-07-12
ubuntu 24.04 2029-05-31 - 2036-05-31
ubuntu 24.10 2025-07-10
ubuntu 25.04 2026-01-17
ubuntu 25.10 2026-07-01
ubuntu 26.04 2031-04-30 - 2036-04-30
alpine 3.10 2021-05-01
alpine 3.11 2021-11-01
alpine 3.12 2022-05-01
alpine 3.13 2022-11-01
alpine 3.14 2023-05-01
alpine 3.15 2023-11-01
alpine 3.16 2024-05-23
alpine 3.17 2024-11-22
alpine 3.18 2025-05-09
alpine 3.19 2025-11-01
alpine 3.20 2026-04-01
alpine 3.21 2026-11-01
alpine 3.22 2027-05-01
alpine 3.23 2027-11-01
alpine 3.24 2028-06-01
rhel 6 2020-11-30 - 2024-06-30
rhel 7 2024-06-30 - 2029-05-31
rhel 8 2029-05-31 - 2033-05-31
rhel 9 2032-05-31 - 2036-05-31
rhel 10 2035-05-31 - 2039-05-31
almalinux 8 2029-05-31
almalinux 9 2032-05-31
almalinux 10 2035-05-31
rocky 8 2029-05-31
rocky 9 2032-05-31
rocky 10 2035-05-31
centos 6 2020-11-30
centos 7 2024-06-30
centos 8 2021-12-31
centos-stream 8 2024-05-31
centos-stream 9 2027-05-31
centos-stream 10 2030-05-31
ol 7 2024-12-31 - 2028-06-30
ol 8 2029-07-31 - 2032-07-31
ol 9 2032-06-30 - 2035-06-30
amzn 2018.03 2023-12-31
amzn 2 2026-06-30
amzn 2023 2029-06-30
fedora 38 2024-05-21
fedora 39 2024-11-26
fedora 40 2025-05-13
fedora 41 2025-12-15
fedora 42 2026-05-27
fedora 43 2026-12-09
fedora 44 2027-06-02
opensuse-leap 15.3 2022-12-31
opensuse-leap 15.4 2023-12-07
opensuse-leap 15.5 2024-12-31
opensuse-leap 15.6 2026-04-30
opensuse-leap 16.0 2027-10-31
sles 12.5 2024-10-31 - 2027-10-31
sles 15.3 2022-12-31 - 2025-12-31
sles 15.4 2023-12-31 - 2026-12-31
sles 15.5 2024-12-31 - 2027-12-31
sles 15.6 2025-12-31 - 2028-12-31
sles 15.7 2031-07-31 - 2034-07-31
sles 16.0 2027-11-30 - 2030-11-30
"""

_ROLLING = frozenset({"arch", "kali", "opensuse-tumbleweed", "void", "wolfi", "chainguard", "gentoo", "nixos-unstable"})
_BY_MAJOR = frozenset({"debian", "rhel", "almalinux", "rocky", "centos", "centos-stream", "ol"})


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a release's fixes end: the regular ones, those of long-term support for everyone, and those that cost."""

    regular: date
    long: date | None
    paid: date | None


def lifetime(release: Release) -> Lifetime | None:
    """What is known of a release; None where nothing is."""
    if release.ubuntu:
        return TABLE.get(("ubuntu", release.ubuntu))
    identity = "centos-stream" if release.id == "centos" and "Stream" in release.name else release.id
    if identity == "alpine":
        # A snapshot of what is yet to come has an underscore, and no end.
        version = "" if "_" in release.version else ".".join(release.version.split(".")[:2])
    else:
        version = release.major if identity in _BY_MAJOR else release.version
    return TABLE.get((identity, version))


def is_rolling(release: Release) -> bool:
    """Whether a distribution has no releases that could end."""
    return release.id in _ROLLING or release.unstable


def _read(table: str) -> Mapping[tuple[str, str], Lifetime]:
    found = {}
    for line in table.split("\n"):
        if line:
            identity, version, regular, *ends = line.split()
            long, paid, *_ = (None if end == "-" else date.fromisoformat(end) for end in (*ends, "-", "-"))
            found[identity, version] = Lifetime(date.fromisoformat(regular), long, paid)
    return found


TABLE: Mapping[tuple[str, str], Lifetime] = _read(_TABLE)
