from collections.abc import Callable

import pytest

from estate.hosts.hardening.startup import INVENTORY
from estate.hosts.host import Host

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]
GRUB = "/boot/grub/grub.cfg"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (f"firmware=other\nfile 444 0 no {GRUB}\n", {}),
        (f"firmware=other\nfile 600 0 yes {GRUB}\n", {}),
        (f"firmware=other\nfile 444 0 yes {GRUB}\n", {GRUB: "medium"}),
        (f"firmware=other\nfile 664 0 no {GRUB}\n", {GRUB: "high"}),
        (f"firmware=other\nfile 644 1000 no {GRUB}\n", {GRUB: "high"}),
        (f"firmware=other\nfile 666 0 no {GRUB}\n", {GRUB: "critical"}),
        ("firmware=efi\nsecure=1\n", {}),
        ("firmware=efi\nsecure=0\n", {"secure-boot": "info"}),
        ("firmware=other\nfile nonsense\n", {}),
    ],
)
def test_who_may_change_how_the_host_starts(said: str, found: dict[str, str], host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-012", host({"boot": said.encode()})) == (found, "")


def test_a_variable_or_folder_that_cannot_be_read_is_said(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-012", host({"boot": b"firmware=efi\n"})) == ({}, "unreadable")
    assert failed("HOST-HRD-012", host({"boot": b"firmware=other\nunread=yes\n"}, uid=1000)) == ({}, "no-privilege")


def test_a_container_does_not_start_by_itself(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-012", host({"who": b"uid=0\ncontainer=yes\n"})) == ({}, "")
    assert failed("HOST-HRD-008", host({"who": b"uid=0\ncontainer=yes\n"})) == ({}, "")


def test_the_inventory_knows_secure_boot(host: MakeHost) -> None:
    (inventory,) = INVENTORY
    assert tuple(inventory.read(host({"boot": b"firmware=efi\nsecure=0\n"}))) == (("secure-boot", (("state", "off"),)),)
    assert tuple(inventory.read(host({"boot": b"firmware=other\n"}))) == ()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("pattern=core\n", {}),
        ("pattern=|/usr/lib/systemd/systemd-coredump %P %u\nlimit=* hard core 0\n", {}),
        ("pattern=|/tmp/handler %p\n", {}),
        ("pattern=/tmp/core.%p\n", {"core_pattern": "low"}),
        ("pattern=core\nlimit=*\tsoft core unlimited\n", {"limits:*": "low"}),
        ("pattern=core\nlimit=@dev - core 100000\n", {"limits:@dev": "low"}),
        ("pattern=core\nlimit=root soft core 0\nlimit=* hard core unlimited\n", {}),
    ],
)
def test_memory_of_the_dead_stays_private(said: str, found: dict[str, str], host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-008", host({"cores": said.encode()})) == (found, "")
