"""Plants and decoys of packages; what comes from an archive is taken from the lists that the root was made with."""

from infra.lab.hosts.plants import Planted, decoy, written


def _installed(name: str, version: str, status: str = "install ok installed") -> str:
    """The script that enters a package into dpkg's own list."""
    fields = (
        f"\nPackage: {name}\nStatus: {status}\nPriority: optional\nSection: misc\nInstalled-Size: 1\n"
        f"Maintainer: Lab <lab@example.org>\nArchitecture: amd64\nVersion: {version}\nDescription: planted\n"
    )
    return f"printf '%s' '{fields}' >>/var/lib/dpkg/status\n"


PLANTS: tuple[Planted, ...] = (
    Planted("a security update waits", _installed("antiword", "0.1-1"), "HOST-PKG-002", "antiword*"),
    Planted("an update waits", _installed("hello", "1.0-1"), "HOST-PKG-003", "hello*"),
    Planted(
        "an update is held back",
        _installed("catdoc", "0.1-1", "hold ok installed"),
        "HOST-PKG-004",
        "catdoc*",
    ),
    Planted(
        "a restart is due",
        "echo '*** System restart required ***' >/run/reboot-required; echo libc6 >/run/reboot-required.pkgs",
        "HOST-PKG-007",
        "host",
    ),
    Planted(
        "an archive that nobody signs",
        written("/etc/apt/sources.list.d/tools.list", "deb [trusted=yes] http://repo.example.org/tools ./"),
        "HOST-PKG-009",
        "*repo.example.org*",
    ),
    Planted(
        "apt takes unsigned packages",
        written("/etc/apt/apt.conf.d/99lax", 'APT::Get::AllowUnauthenticated "true";'),
        "HOST-PKG-009",
        "APT::Get::AllowUnauthenticated",
    ),
    Planted(
        "a process with a library that is gone",
        "cp -L /lib/x86_64-linux-gnu/libz.so.1 /usr/lib/libplanted.so.1\n"
        "LD_PRELOAD=/usr/lib/libplanted.so.1 setsid sleep 1000 </dev/null >/dev/null 2>&1 &\n"
        "sleep 0.3; rm /usr/lib/libplanted.so.1",
        "HOST-PKG-012",
        "*",
    ),
)
DECOYS: tuple[Planted, ...] = (
    decoy(
        "a package that was removed and left its settings",
        _installed("brotli", "0.1-1", "deinstall ok config-files"),
        "HOST-PKG-00[234]",
        "brotli*",
    ),
    decoy("a held package that is up to date", "apt-mark hold sudo >/dev/null", "HOST-PKG-004", "sudo*"),
    decoy(
        "an archive that is signed",
        written("/etc/apt/sources.list.d/signed.list", "# deb [trusted=yes] http://old.example.org/ ./"),
        "HOST-PKG-009",
        "*old.example.org*",
    ),
    decoy("lists of this week", "", "HOST-PKG-010", "*"),
)
