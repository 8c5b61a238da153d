"""One host with planted problems: how many of them are found, how fast, and by Lynis beside us."""

import io
import json
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from estate.findings import Severity
from infra.bench.measuring import ROUNDSMAN, Failed, Figure, run
from infra.lab.hosts import Door, LabHost, lab_host, ssh_door
from infra.lab.hosts.catalogue import DECOYS, PLANTS
from infra.lab.hosts.collecting import collect
from infra.lab.hosts.plants import Planted

_TIMES_FASTER = 5
_REPORT = "/tmp/lynis.dat"
_SYSCTL = "KRNL-6000.*field:{};"
_SSHD = "SSH-7408.*field:{};"
LYNIS: Mapping[str, str] = {
    "no packet filter": r"FIRE-45(?:12|90)",
    "no audit daemon": "ACCT-9628",
    "AppArmor switched off": "MACF-6208",
    "/tmp in the root file system": r"FILE-6310.*/tmp",
    "SUID files in shared memory": r"FILE-6374.*/dev/shm",
    "no time client": "TIME-3104",
    "updates do not install themselves": "PKGS-7420",
    "everybody's processes dump their memory": "KRNL-5820",
    "forwards packets": _SYSCTL.format(r"net\.ipv4\.conf\.all\.forwarding"),
    "takes source routes": _SYSCTL.format(r"net\.ipv4\.conf\.\w+\.accept_source_route"),
    "no SYN cookies": _SYSCTL.format(r"net\.ipv4\.tcp_syncookies"),
    "127.0.0.0/8 is routed": _SYSCTL.format(r"net\.ipv4\.conf\.\w+\.route_localnet"),
    "answers broadcasts": _SYSCTL.format(r"net\.ipv4\.icmp_echo_ignore_broadcasts"),
    "logs go nowhere": "LOGG-2154",
    "a second root": "AUTH-9204",
    "an empty password": "AUTH-9283",
    "an MD5 password": "AUTH-9229",
    "root may log in": _SSHD.format("PermitRootLogin"),
    "empty passwords let in": _SSHD.format("PermitEmptyPasswords"),
    "a broken cipher": _SSHD.format("Ciphers"),
    "ten tries": _SSHD.format("MaxAuthTries"),
    "users set the server's environment": _SSHD.format("PermitUserEnvironment"),
    "rules that all may write": "AUTH-9252",
    "a table of jobs that all may write": "SCHD-7704",
    "a folder of jobs that all may write": "SCHD-7704",
    "addresses are where they always were": _SYSCTL.format(r"kernel\.randomize_va_space"),
    "links lead astray": _SYSCTL.format(r"fs\.protected_symlinks"),
    "passwords that all may read": "FILE-7524.*shadow",
    "a security update waits": r"vulnerable_package\[\]=antiword",
    "an update waits": r"vulnerable_package\[\]=hello",
    "a restart is due": "KRNL-5830",
    "an archive that nobody signs": "PKGS-73(?:87|88).*example",
}
"""By which line of its report Lynis tells of a plant; what it says of a plain host too counts only where that is so."""


def auditing(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Audit the lab host `bad` over ssh, from the command to settled findings, then by Lynis on the host itself."""
    with lab_host("bad") as host:
        collect(host)
        before = host.written()
        collect(host)
        written = host.written() ^ before
        yield Figure(
            "nothing is written on the host (1: nothing)",
            0 if written else 1,
            1,
            f"{len(before):,} places that were ever written: {len(written)} differ after a collection",
        )
        with ssh_door(host) as door:
            times = [_audit(folder, door, number) for number in range(1 if quick else 3)]
        places = _places(folder / "audit.json")
        found = tuple(plant for plant in PLANTS if any(plant.is_at(*place) for place in places))
        missed = ", ".join(plant.what for plant in PLANTS if plant not in found)
        yield Figure(
            "planted problems found ÷ planted", len(found) / len(PLANTS), 1, missed or f"{len(PLANTS)} of them"
        )
        told = [decoy.what for decoy in DECOYS if any(decoy.is_at(*place) for place in places)]
        yield Figure(
            "decoys not reported ÷ decoys", 1 - len(told) / len(DECOYS), 1, ", ".join(told) or f"{len(DECOYS)}"
        )
        seconds, report = _lynis(host, folder)
    theirs = tuple(plant for plant in PLANTS if plant.what in LYNIS and re.search(LYNIS[plant.what], report))
    ours = median(times)
    yield Figure(
        "Lynis's time on that host ÷ `roundsman audit` of it",
        seconds / ours,
        _TIMES_FASTER,
        f"{seconds:.1f} s against {ours:.1f} s, ours over ssh and with settled findings",
    )
    yield Figure(
        "plants that we find ÷ plants that Lynis tells of", len(found) / max(len(theirs), 1), 1, _table(theirs)
    )
    _print(found, theirs)


def _audit(folder: Path, door: Door, number: int) -> float:
    argv = (*ROUNDSMAN, "audit", door.url, "--identity", str(door.identity), "--known-hosts", str(door.known_hosts))
    return run((*argv, "--json", "--i-may-scan-this"), folder / "audit.json", folder / f"home-{number}").wall


def _places(audit: Path) -> tuple[tuple[str, str, Severity], ...]:
    """Rule, resource and severity of every finding."""
    findings = json.loads(audit.read_text())["findings"]
    return tuple((each["rule"], each["locator"].partition("/")[2], Severity(each["severity"])) for each in findings)


def _lynis(host: LabHost, folder: Path) -> tuple[float, str]:
    """How long Debian's Lynis takes on the host, and the lines of its report that name something.

    It is unpacked from its package, since installing it would set its timer on this machine.
    """
    place = folder / "lynis"
    place.mkdir()
    subprocess.run(("apt-get", "download", "-qq", "lynis"), cwd=place, capture_output=True, check=True, timeout=300)
    (package,) = place.glob("lynis_*.deb")
    subprocess.run(("dpkg-deb", "-x", str(package), str(place / "tree")), check=True, timeout=60)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for part in ("usr/share/lynis", "usr/sbin/lynis", "etc/lynis"):
            tar.add(place / "tree" / part, part)
    host.run(("tar", "-C", "/", "-x"), stdin=packed.getvalue())
    argv = ("lynis", "audit", "system", "--quick", "--no-colors", "--report-file", _REPORT)
    began = time.monotonic()
    done = host.run((*argv, "--logfile", "/dev/null"), timeout=1_800)
    seconds = time.monotonic() - began
    report = host.must(f"grep -E '^(warning|suggestion|details|vulnerable_package)\\[\\]' {_REPORT}")
    if done.returncode or not report:
        raise Failed(f"lynis ended with {done.returncode}: {done.stderr[-500:].decode(errors='replace')}")
    return seconds, report


def _groups(plants: tuple[Planted, ...]) -> dict[str, int]:
    names = {"PKG": "packages", "PRV": "privilege", "ACC": "access", "HRD": "hardening"}
    return {name: sum(plant.check.split("-")[1] == short for plant in plants) for short, name in names.items()}


def _table(theirs: tuple[Planted, ...]) -> str:
    return ", ".join(f"{name} {count} of {_groups(PLANTS)[name]}" for name, count in _groups(theirs).items())


def _print(found: tuple[Planted, ...], theirs: tuple[Planted, ...]) -> None:
    """Every plant with who tells of it."""
    for plant in PLANTS:
        ours, lynis = ("yes" if plant in each else "no" for each in (found, theirs))
        print(f"  {plant.check}  Roundsman {ours:3}  Lynis {lynis:3}  {plant.what}", file=sys.stderr)
