"""Before and after programs run: who may change how the host starts, and where the memory of a dead process goes."""

import re
from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.hardening.told import first, is_container, told
from estate.hosts.host import Host, Unseen, lines

_FILE = re.compile(r"file ([0-7]{1,5}) (\d{1,10}) (yes|no|unread) (/.*)")
_LIMIT = re.compile(r"limit=\s*(\S+)\s+(soft|-)\s+core\s+(\S+)")
_ANYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/", "/home/", "/run/user/")  # noqa: S108 - they are looked for


def weak_boot(host: Host) -> Iterator[Problem]:
    """HOST-HRD-012."""
    if is_container(host):
        return
    said = told(host, "boot")
    missing = ""
    for line in lines(host.section("boot")):
        if (found := _FILE.fullmatch(line)) is None:
            continue
        mode, owner, hashed, path = int(found[1], 8), int(found[2]), found[3], found[4]
        if mode & 0o022 or owner:
            severity = Severity.CRITICAL if mode & 0o002 else Severity.HIGH
            yield Problem(
                path, severity, f"{path} has mode {mode:04o} and owner {owner}", "decides what starts as root"
            )
        elif hashed == "yes" and mode & 0o044:
            yield Problem(path, Severity.MEDIUM, f"{path} has mode {mode:04o} and holds a password's hash")
        elif hashed == "unread" and mode & 0o044:
            missing = "no-privilege"
    if first(said, "firmware") == "efi":
        secure = first(said, "secure")
        if secure == "0":
            yield Problem("secure-boot", Severity.INFO, "the firmware's variable SecureBoot is 0")
        elif secure != "1":
            missing = missing or "unreadable"
    if missing or first(said, "unread"):
        raise Unseen(missing or "no-privilege")


def dumps(host: Host) -> Iterator[Problem]:
    """HOST-HRD-008."""
    if is_container(host):
        return
    pattern = first(told(host, "cores"), "pattern")
    # Where a program takes them, the question is who may replace it, as with every program that root starts.
    if pattern.startswith(_ANYBODYS):
        yield Problem("core_pattern", Severity.LOW, f"kernel.core_pattern = {pattern}", "anybody may be there first")
    for line in lines(host.section("cores")):
        if (found := _LIMIT.match(line)) is not None and found[3] != "0":
            yield Problem(f"limits:{found[1]}", Severity.LOW, " ".join(found.groups()[:2]) + f" core {found[3]}")


def _inventory(host: Host) -> Iterator[Inventoried]:
    said = told(host, "boot")
    if first(said, "firmware") == "efi":
        state = {"1": "on", "0": "off"}.get(first(said, "secure"), "unknown")
        yield "secure-boot", attributes(state=state)


INVENTORY = (Inventory("boot", "hardening", _inventory),)
CHECKS = (
    Check(
        id="HOST-HRD-008",
        title="The memory of a process that dies is written where others may read it",
        run=dumps,
        remediation=(
            "echo '* hard core 0' >/etc/security/limits.d/60-core.conf; take other core lines out of "
            "/etc/security/limits.conf and limits.d; sysctl -w kernel.core_pattern=core fs.suid_dumpable=0, both in "
            "/etc/sysctl.d/60-core.conf"
        ),
        cis=("1.5.3",),
        controls=("3.3",),
        attack=("T1003",),
    ),
    Check(
        id="HOST-HRD-012",
        title="How the host starts can be changed, or is not verified",
        run=weak_boot,
        remediation=(
            "For a file: chown root:root {resource} && chmod 600 {resource}. For secure-boot: install shim-signed and "
            "grub-efi-amd64-signed, then switch Secure Boot on in the firmware"
        ),
        cis=("1.4.1", "1.4.2"),
        controls=("4.1",),
        attack=("T1542.003",),
    ),
)
