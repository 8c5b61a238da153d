"""Settings of the kernel that make it harder to become root, and flaws of the processor that are not mitigated."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen, lines
from estate.hosts.who import read_who

_ROW = re.compile(r"([a-z][a-z0-9_/]*):(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a setting should be: `low` to `high`; `what` is open otherwise."""

    low: int
    high: int
    severity: Severity
    what: str


_WANTED: Mapping[str, _Wanted] = {
    "kernel.randomize_va_space": _Wanted(2, 2, Severity.HIGH, "memory lies where an attacker expects it"),
    "kernel.kptr_restrict": _Wanted(1, 2, Severity.LOW, "the kernel's addresses show"),
    "kernel.dmesg_restrict": _Wanted(1, 1, Severity.LOW, "everybody reads the kernel's messages"),
    "kernel.yama.ptrace_scope": _Wanted(1, 3, Severity.LOW, "a process reads the memory of its neighbours"),
    "kernel.unprivileged_bpf_disabled": _Wanted(1, 2, Severity.MEDIUM, "everybody loads programs into the kernel"),
    "kernel.perf_event_paranoid": _Wanted(2, 4, Severity.LOW, "everybody measures the kernel"),
    "fs.protected_hardlinks": _Wanted(1, 1, Severity.MEDIUM, "links to others' files lead root's programs astray"),
    "fs.protected_symlinks": _Wanted(1, 1, Severity.MEDIUM, "links in /tmp lead root's programs astray"),
    "fs.protected_fifos": _Wanted(1, 2, Severity.LOW, "pipes in /tmp lead root's programs astray"),
    "fs.protected_regular": _Wanted(1, 2, Severity.LOW, "files in /tmp lead root's programs astray"),
    "vm.mmap_min_addr": _Wanted(4096, 2**40, Severity.MEDIUM, "null pointers of the kernel lead into a program"),
    "vm.unprivileged_userfaultfd": _Wanted(0, 0, Severity.LOW, "races within the kernel are easily won"),
}
_SAFE_DUMPS = re.compile(r"0|2")


def read_kernel(host: Host) -> Mapping[str, str]:
    """The kernel's settings, and `cpu.NAME` for the processor's flaws.

    Raises:
        Unseen: they did not come, or not whole.
    """
    found: dict[str, str] = {}
    for row in lines(host.section("kernel")):
        if (setting := _ROW.match(row)) is not None:
            found.setdefault(setting[1].replace("/", "."), setting[2].strip())
    return found


def _own(host: Host) -> bool:
    """Whether the host has a kernel of its own: a container's is not its to set."""
    return re.search(rb"^container=yes$", host.section("who"), re.MULTILINE) is None


def weak_settings(host: Host) -> Iterator[Problem]:
    """Settings below what costs nobody anything."""
    settings = host.read(read_kernel)
    if not _own(host):
        return
    for name, wanted in _WANTED.items():
        value = settings.get(name, "")
        if re.fullmatch(r"-?\d{1,12}", value) and not wanted.low <= int(value) <= wanted.high:
            yield Problem(name, wanted.severity, f"{name} = {value}: {wanted.what}")
    dumps = settings.get("fs.suid_dumpable", "0")
    if not _SAFE_DUMPS.fullmatch(dumps):
        yield Problem(
            "fs.suid_dumpable", Severity.MEDIUM, f"fs.suid_dumpable = {dumps}: dumps of root's memory are left"
        )
    if not settings:
        raise Unseen("failed")
    # Older kernels show some to root alone, and what is hidden looks like what is absent.
    hidden = any(name.startswith("fs.protected_") and name not in settings for name in _WANTED)
    if hidden and not host.read(read_who).root:
        raise Unseen("no-privilege")


def open_flaws(host: Host) -> Iterator[Problem]:
    """Flaws of the processor that the kernel says it does not mitigate."""
    settings = host.read(read_kernel)
    if not _own(host):
        return
    flaws = {name.removeprefix("cpu."): value for name, value in settings.items() if name.startswith("cpu.")}
    for name, value in flaws.items():
        if value.startswith("Vulnerable"):
            yield Problem(name, Severity.LOW, f"{name}: {value}")
    if not flaws:
        raise Unseen("failed")


CHECKS = (
    Check(
        "HOST-PRV-023",
        "A setting of the kernel is weaker than it needs to be",
        weak_settings,
        "sysctl -n {resource}; set it for good in /etc/sysctl.d/60-hardening.conf, then: sysctl --system",
        cis=("1.5.1", "1.5.2", "1.5.3"),
        controls=("10.5",),
        attack=("T1068",),
    ),
    Check(
        "HOST-PRV-025",
        "A flaw of the processor is not mitigated",
        open_flaws,
        "Install the processor's microcode (intel-microcode, amd64-microcode) and look for mitigations=off in "
        "/proc/cmdline; grep . /sys/devices/system/cpu/vulnerabilities/{resource}",
        attack=("T1068",),
    ),
)
