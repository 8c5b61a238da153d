"""Root file systems of lab hosts: a plain Debian from apt's own mirror, made once a week, and one of BusyBox alone."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.lab.namespaces import LabError

_PACKAGES = (
    "apparmor",
    "ca-certificates",
    "cron",
    "dbus",
    "iproute2",
    "libcap2-bin",
    "libpam-systemd",
    "nftables",
    "openssh-server",
    "procps",
    "sudo",
    "systemd-sysv",
    "systemd-timesyncd",
)
"""What the installer's own choice, "standard system utilities" and "SSH server", brings and an audit looks at."""
_DAYS = 5
"""A host that nobody updates is stale after seven."""
_SECONDS = 1_200
_SAME_AS_INSTALLED = """\
set -eu
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -qq update
apt-get -qq -y dist-upgrade
apt-get -qq clean
rm -f /usr/sbin/policy-rc.d /etc/hostname
echo debian >/etc/hostname
"""


def debian_root() -> Path:
    """A plain Debian of this machine's release, up to date; it is shared, so nobody writes to it.

    Raises:
        LabError: apt here knows no archive of this release, or the root could not be made.
    """
    archives = _archives()
    recipe = hashlib.sha256(repr((_PACKAGES, _SAME_AS_INSTALLED, archives)).encode()).hexdigest()[:12]
    return _made_once(f"debian-{recipe}", lambda target: _bootstrap(target, archives))


def busybox_root() -> Path:
    """A host whose tools are all BusyBox, as Alpine is: no GNU tools, no dpkg, OpenRC's places."""
    source = shutil.which("busybox")
    if source is None:
        raise LabError("no busybox here: infra/install.sh --test brings it")
    digest = hashlib.sha256(Path(source).read_bytes() + repr(_ALPINE).encode()).hexdigest()[:12]
    return _made_once(f"busybox-{digest}", lambda target: _busybox(target, Path(source)))


def _made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The root of that name from the cache, made by whoever comes first."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "roundsman-lab"
    cache.mkdir(parents=True, exist_ok=True)
    ready = cache / name
    with _alone(cache / f"{name}.lock"):
        if ready.is_dir() and time.time() - ready.stat().st_mtime < _DAYS * 86_400:
            return ready
        half = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=cache))
        try:
            make(half)
            half.chmod(0o755)
            old = cache / f"{half.name}-old"
            if ready.is_dir():
                ready.rename(old)
            half.rename(ready)
            os.utime(ready)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return ready


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _archives() -> tuple[tuple[str, str], ...]:
    """The address and suite of every archive of this machine's own release that apt knows."""
    codename = next(
        line.partition("=")[2].strip('"\n')
        for line in Path("/etc/os-release").read_text().splitlines()
        if line.startswith("VERSION_CODENAME=")
    )
    told = subprocess.run(
        ("apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE) $(CODENAME) $(ORIGIN)", "Created-By: Packages"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    found: dict[tuple[str, str], None] = {}
    for line in told.splitlines():
        address, _, suite, origin = (*line.split(), "", "", "", "")[:4]
        if origin in {"Debian", "Ubuntu"} and suite.startswith(codename):
            found[address, suite] = None
    if not any(suite == codename for _, suite in found):
        raise LabError(f"apt knows no archive of {codename} here; run apt-get update")
    return tuple(found)


def _bootstrap(target: Path, archives: tuple[tuple[str, str], ...]) -> None:
    codename = min((suite for _, suite in archives), key=len)
    mirror = next(address for address, suite in archives if suite == codename)
    _must("debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", codename, str(target), mirror)
    lines = "".join(f"deb {address} {suite} main\n" for address, suite in archives)
    (target / "etc/apt/sources.list").write_text(lines)
    inside = 'mount -t proc proc "$1/proc" && exec chroot "$1" sh -c "$2"'
    arguments = ("sh", "-c", inside, "sh", str(target), _SAME_AS_INSTALLED)
    _must("unshare", "--mount", "--pid", "--fork", "--kill-child", *arguments)


_ALPINE = {
    "etc/alpine-release": "3.20.3\n",
    "etc/os-release": 'ID=alpine\nNAME="Alpine Linux"\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "etc/group": "root:x:0:root\nwheel:x:10:root\nshadow:x:42:\nnobody:x:65534:\n",
    "etc/shadow": "root:*::0:::::\nnobody:!::0:::::\n",
    "etc/shells": "/bin/sh\n/bin/ash\n",
    "etc/crontabs/root": "*/15 * * * * run-parts /etc/periodic/15min\n",
    "etc/apk/repositories": "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n",
    "etc/fstab": "",
    "lib/apk/db/installed": (
        "C:Q1p0jZb7TnkJVRIRWJ0NJIUkqyxJY=\nP:busybox\nV:1.36.1-r29\nA:x86_64\nS:509600\nI:962560\nT:Toolbox\n"
        "U:https://busybox.net/\nL:GPL-2.0-only\no:busybox\nt:1718209618\nF:bin\nR:busybox\na:0:0:755\n\n"
        "C:Q1mLnAGuAhLnXUTHt0rZtQXyWZJCY=\nP:musl\nV:1.2.5-r0\nA:x86_64\nS:407278\nI:667648\nT:the musl c library\n"
        "U:https://musl.libc.org/\nL:MIT\no:musl\nt:1710261134\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\n"
    ),
}


def _busybox(target: Path, source: Path) -> None:
    for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "root", "home", "proc", "sys", "dev", "run", "tmp", "var/log"):
        (target / folder).mkdir(parents=True)
    (target / "tmp").chmod(0o1777)
    (target / "root").chmod(0o700)
    shutil.copy2(source, target / "bin/busybox")
    # Debian packs it both ways; the one that is not static needs its libraries.
    told = subprocess.run(("ldd", str(source)), capture_output=True, text=True, check=False, timeout=60).stdout
    for library in re.findall(r"(/\S+) \(0x", told):
        (target / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, target / library[1:])
    _must("chroot", str(target), "/bin/busybox", "--install", "-s")
    for name, text in _ALPINE.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)
    (target / "etc/shadow").chmod(0o640)
    os.chown(target / "etc/shadow", 0, 42)


def _must(*argv: str) -> None:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        argv, capture_output=True, text=True, errors="replace", check=False, timeout=_SECONDS, env=environment
    )
    if done.returncode:
        raise LabError(f"{argv[0]}: {(done.stderr or done.stdout)[-1_500:]}")
