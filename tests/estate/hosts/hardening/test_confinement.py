from collections.abc import Callable

import pytest

from estate.hosts.hardening.confinement import INVENTORY
from estate.hosts.host import Host

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("apparmor=\nselinux=\nlsm=capability\nasked=\n", {"host": "medium"}),
        ("apparmor=N\nselinux=\nlsm=\nasked=apparmor=0 \n", {"host": "medium"}),
        ("apparmor=Y\nselinux=\nlsm=apparmor\nasked=\nprofiles=read\nprofiles=complain\n", {"apparmor": "medium"}),
        ("apparmor=Y\nselinux=\nlsm=apparmor\nasked=\nprofiles=read\nprofiles=enforce\n", {}),
        ("apparmor=\nselinux=0\nlsm=selinux\nasked=\n", {"selinux": "medium"}),
        ("apparmor=\nselinux=1\nlsm=selinux\nasked=\n", {}),
        ("apparmor=\nselinux=\nlsm=capability,smack\nasked=\n", {}),
    ],
)
def test_one_access_control_has_to_be_enforced(
    said: str, found: dict[str, str], host: MakeHost, failed: Failed
) -> None:
    assert failed("HOST-HRD-003", host({"confinement": said.encode()})) == (found, "")


def test_whether_a_profile_is_enforced_is_for_root_to_see(host: MakeHost, failed: Failed) -> None:
    body = {"confinement": b"apparmor=Y\nselinux=\n"}
    assert failed("HOST-HRD-003", host(body, uid=1000)) == ({}, "no-privilege")
    assert failed("HOST-HRD-003", host(body)) == ({}, "unreadable")


def test_a_containers_access_control_is_its_hosts(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-003", host({"who": b"uid=0\ncontainer=yes\n", "confinement": b""})) == ({}, "")


def test_the_inventory_has_both(host: MakeHost) -> None:
    (inventory,) = INVENTORY
    assert dict(inventory.read(host({"confinement": b"apparmor=Y\nselinux=0\n"}))) == {
        "apparmor": (("on", "yes"),),
        "selinux": (("mode", "permissive"),),
    }
