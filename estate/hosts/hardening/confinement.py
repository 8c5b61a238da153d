"""Mandatory access control: whether AppArmor, SELinux or another of the kernel's keeps programs within bounds."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.hardening.told import first, is_container, is_root, told
from estate.hosts.host import Host, Unseen

_OTHERS = frozenset({"smack", "tomoyo"})


def unconfined(host: Host) -> Iterator[Problem]:
    """HOST-HRD-003."""
    if is_container(host):
        return
    said = told(host, "confinement")
    if first(said, "selinux") == "1" or _OTHERS & set(first(said, "lsm").split(",")):
        return
    if first(said, "selinux") == "0":
        yield Problem("selinux", Severity.MEDIUM, "SELinux is permissive: it tells, and keeps nobody off")
    elif first(said, "apparmor") == "Y":
        if not is_root(host):
            raise Unseen("no-privilege")
        modes = {value for word, value in said if word == "profiles"}
        if "read" not in modes:
            raise Unseen("unreadable")
        if not modes & {"enforce", "kill"}:
            yield Problem("apparmor", Severity.MEDIUM, "AppArmor is on, and not one profile is enforced")
    else:
        asked = first(said, "asked")
        yield Problem(
            "host", Severity.MEDIUM, f"neither AppArmor nor SELinux is on{asked and f'; booted with {asked}'}"
        )


def _inventory(host: Host) -> Iterator[Inventoried]:
    said = told(host, "confinement")
    yield "apparmor", attributes(on="yes" if first(said, "apparmor") == "Y" else "no")
    mode = {"1": "enforcing", "0": "permissive"}.get(first(said, "selinux"), "off")
    yield "selinux", attributes(mode=mode)


INVENTORY = (Inventory("confinement", "hardening", _inventory),)
CHECKS = (
    Check(
        id="HOST-HRD-003",
        title="No mandatory access control keeps programs within bounds",
        run=unconfined,
        remediation=(
            "Debian, Ubuntu: apt-get install apparmor apparmor-utils && aa-enforce /etc/apparmor.d/*, and boot without "
            "apparmor=0. Red Hat: SELINUX=enforcing in /etc/selinux/config, then setenforce 1"
        ),
        cis=("1.3.1.1", "1.3.1.2", "1.3.1.3"),
        controls=("3.3", "10.5"),
        attack=("T1068",),
    ),
)
