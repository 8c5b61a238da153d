from collections.abc import Callable

from estate.hosts.hardening.mounts import INVENTORY, read_mounts
from estate.hosts.host import Host

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]

ROOT = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
TMP = "28 27 0:40 / /tmp rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw\n"
SHM = "29 27 0:41 / /dev/shm rw,nosuid,nodev - tmpfs tmpfs rw\n"
NFS = "30 27 0:42 / /mnt/a\\040b rw,relatime shared:3 master:1 - nfs4 nas.example:/export rw,vers=4.2\n"


def made(host: MakeHost, *lines: str, **named: object) -> Host:
    return host({"mounts": "".join(lines).encode()}, **named)


def test_a_folder_for_everybody_wants_a_mount_of_its_own(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-004", made(host, ROOT)) == ({"/tmp": "low"}, "")


def test_every_missing_option_is_a_finding_of_its_own(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-004", made(host, ROOT, TMP, SHM)) == ({"/dev/shm:noexec": "low"}, "")
    assert failed("HOST-HRD-004", made(host, ROOT, TMP)) == ({}, "")


def test_of_two_mounts_at_one_place_the_last_is_seen(host: MakeHost, failed: Failed) -> None:
    over = TMP.replace("noexec,", "").replace("28 27", "31 28")
    assert failed("HOST-HRD-004", made(host, ROOT, TMP, over)) == ({"/tmp:noexec": "low"}, "")


def test_another_machine_decides_who_is_root_here(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-004", made(host, ROOT, TMP, NFS)) == ({"/mnt/a b:nosuid": "low"}, "")
    assert failed("HOST-HRD-004", made(host, ROOT, TMP, NFS.replace("rw,rel", "rw,nosuid,rel", 1))) == ({}, "")


def test_a_container_and_a_list_that_was_cut_say_nothing(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-004", made(host, ROOT, faults={"mounts": "cut"})) == ({}, "cut")
    assert failed("HOST-HRD-004", host({"who": b"uid=0\ncontainer=yes\n", "mounts": ROOT.encode()})) == ({}, "")


def test_the_inventory_has_what_people_mount(host: MakeHost) -> None:
    (inventory,) = INVENTORY
    proc = "22 27 0:21 / /proc rw - proc proc rw\n"
    read_only = "31 27 8:1 / /boot rw,nodev - ext4 /dev/sda1 ro\n"
    assert dict(inventory.read(made(host, ROOT, proc, NFS, read_only))) == {
        "/": (("options", "-"), ("type", "ext4")),
        "/mnt/a b": (("options", "-"), ("source", "nas.example:/export"), ("type", "nfs4")),
        "/boot": (("options", "ro,nodev"), ("type", "ext4")),
    }


def test_lines_that_are_no_mounts_are_skipped(host: MakeHost) -> None:
    assert made(host, "\n - \n1 2 3 - x\n", ROOT, "30 27 0:42 / /x rw - t\n").read(read_mounts)[0].place == "/"
