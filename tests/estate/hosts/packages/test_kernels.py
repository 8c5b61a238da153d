import pytest
from hypothesis import given
from hypothesis import strategies as st

DPKG = b"ii \tamd64\t6.1.158-1\tlinux-signed-amd64\t6.1.158+1\tlinux-image-6.1.0-41-amd64\n"
RPM = b"(none)\t2.34\t125.el9\tx86_64\tglibc-2.34-125.el9.src.rpm\t%d\tglibc\n"
APK = b"P:linux-virt\nV:6.12.40-r0\nA:x86_64\n\n"


@pytest.fixture
def booted(host):
    """Make a host that runs a release of some build, with these images beside it."""

    def make(running: str, *images: str, build: str = "", manager: str = "dpkg", listed: bytes = DPKG, **more):
        who = f"uid=0\nnow=1777863721\nkernel={running}\n{more.pop('who', '')}".encode()
        kernels = f"build={build}\nbooted=1777000000\n" + "".join(f"image={image}\n" for image in images)
        sections = {"who": who, "managers": f"{manager}\n".encode(), manager: listed, "kernels": kernels.encode()}
        return host({**sections, **more})

    return make


@pytest.mark.parametrize(
    ("running", "images", "fires"),
    [
        ("6.1.0-9-amd64", ("6.1.0-9-amd64", "6.1.0-10-amd64"), True),
        ("6.1.0-10-amd64", ("6.1.0-9-amd64", "6.1.0-10-amd64"), False),
        ("6.1.0-9-cloud-amd64", ("6.1.0-9-cloud-amd64", "6.1.0-10-amd64"), False),
        ("6.8.0-57-generic", ("6.8.0-57-generic", "6.8.0-60-generic", "6.8.0-1020-aws"), True),
        ("6.8.0-1019-aws", ("6.8.0-60-generic", "6.8.0-1019-aws"), False),
        ("6.12.43+deb13-amd64", ("6.12.43+deb13-amd64", "6.12.57+deb13-amd64"), True),
        ("6.12.25+rpt-rpi-v8", ("6.12.25+rpt-rpi-v8", "6.12.34+rpt-rpi-2712"), False),
        ("6.18.44-fc", ("6.1.0-9-amd64",), False),
        ("5.4.0-custom", (), False),
    ],
)
def test_only_a_newer_kernel_of_the_same_flavour_waits(booted, failed, running, images, fires) -> None:
    expected = {"kernel": "medium"} if fires else {}
    assert failed("HOST-PKG-006", booted(running, *images)) == (expected, "")


def test_red_hats_kernels_are_compared_as_rpm_does(booted, failed) -> None:
    old, new = "5.14.0-503.9.1.el9_5.x86_64", "5.14.0-503.11.1.el9_5.x86_64"
    rescue, debug = "0-rescue-0123456789abcdef", f"{new}+debug"
    rpm = {"manager": "rpm", "listed": RPM % 1}
    assert failed("HOST-PKG-006", booted(old, old, new, rescue, **rpm)) == ({"kernel": "medium"}, "")
    assert failed("HOST-PKG-006", booted(new, old, new, rescue, **rpm)) == ({}, "")
    assert failed("HOST-PKG-006", booted(old, old, rescue, debug, **rpm)) == ({}, "")


def test_a_new_build_under_the_old_name_waits_too(booted, say, failed) -> None:
    """Debian updates a kernel without changing its release."""
    old = booted("6.1.0-41-amd64", "6.1.0-41-amd64", build="#1 SMP PREEMPT_DYNAMIC Debian 6.1.150-1 (2025-09-01)")
    assert say("HOST-PKG-006", old) == "runs 6.1.0-41-amd64, installed is 6.1.0-41-amd64 of 6.1.158-1"
    new = booted("6.1.0-41-amd64", "6.1.0-41-amd64", build="#1 SMP PREEMPT_DYNAMIC Debian 6.1.158-1 (2025-11-09)")
    assert failed("HOST-PKG-006", new) == ({}, "")


def test_alpine_replaces_its_kernel_in_place(booted, failed) -> None:
    alpine = {"manager": "apk", "listed": APK}
    assert failed("HOST-PKG-006", booted("6.12.38-0-virt", "virt", **alpine)) == ({"kernel": "medium"}, "")
    assert failed("HOST-PKG-006", booted("6.12.40-0-virt", "virt", **alpine)) == ({}, "")


def test_a_container_has_no_kernel_of_its_own(booted, failed) -> None:
    inside = booted("6.1.0-9-amd64", "6.1.0-9-amd64", "6.1.0-10-amd64", who="container=yes\n", reboot=b"required\n")
    assert failed("HOST-PKG-006", inside) == failed("HOST-PKG-007", inside) == ({}, "")


def test_a_boot_directory_that_is_closed_hides_kernels(host, failed) -> None:
    closed = host({"managers": b"dpkg\n", "dpkg": DPKG, "kernels": b"build=x\n"}, {"kernels": "no-privilege"}, uid=1000)
    assert failed("HOST-PKG-006", closed) == ({}, "no-privilege")


def test_a_reboot_is_asked_for_by_whoever_updated(booted, say, failed) -> None:
    asked = booted("6.1.0", reboot=b"required\npackage=libc6\npackage=dbus\npackage=dbus\nnotifier\n")
    assert say("HOST-PKG-007", asked) == "updated since the boot: dbus, libc6"
    assert failed("HOST-PKG-007", booted("6.1.0", reboot=b"notifier\n")) == ({}, "")


def test_where_nobody_would_ask_for_a_reboot_silence_proves_nothing(booted, failed) -> None:
    assert failed("HOST-PKG-007", booted("6.1.0", reboot=b"")) == ({}, "missing-tool")


def test_rpm_knows_what_was_replaced_under_the_running_system(booted, failed) -> None:
    rpm = {"manager": "rpm", "reboot": b""}
    assert failed("HOST-PKG-007", booted("5.14.0", listed=RPM % 1777500000, **rpm)) == ({"host": "medium"}, "")
    assert failed("HOST-PKG-007", booted("5.14.0", listed=RPM % 1776000000, **rpm)) == ({}, "")


@given(kernels=st.binary(max_size=200), running=st.text(max_size=30))
def test_any_bytes_are_read_or_told_unseen(anything, failed, kernels, running) -> None:
    who = f"uid=0\nkernel={running}\n".encode("utf-8", "replace")
    made = {"who": who, "managers": b"dpkg\n", "dpkg": DPKG, "kernels": kernels + b"\n", "reboot": kernels + b"\n"}
    failed("HOST-PKG-006", anything(made))
    failed("HOST-PKG-007", anything(made))
