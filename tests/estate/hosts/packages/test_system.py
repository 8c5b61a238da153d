import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.host import Unseen
from estate.hosts.packages.system import SystemPackage, read_system

DPKG = (
    b"ii \tamd64\t3.0.11-1~deb12u2\topenssl\t3.0.11-1~deb12u2\tlibssl3\n"
    b"hi \tamd64\t5.2.15-2+b8\tbash\t5.2.15-2\tbash\n"
    b"rc \tamd64\t1.0-1\tgone\t1.0-1\tonly-its-configuration\n"
    b"iU \tall\t2.0\tsource\t2.0\tunpacked\n"
)


def test_dpkg_tells_binary_and_source_apart(host) -> None:
    listed = read_system(host({"managers": b"dpkg\n", "dpkg": DPKG}))
    assert listed.fault == ""
    assert listed.packages == (
        SystemPackage("dpkg", "libssl3", "3.0.11-1~deb12u2", "amd64", "openssl", "3.0.11-1~deb12u2"),
        SystemPackage("dpkg", "bash", "5.2.15-2+b8", "amd64", "bash", "5.2.15-2", held=True),
        SystemPackage("dpkg", "unpacked", "2.0", "all", "source", "2.0"),
    )


def test_rpm_carries_the_epoch_into_both_versions(host) -> None:
    body = (
        b"1\t3.0.7\t27.el9\tx86_64\topenssl-3.0.7-27.el9.src.rpm\t1700000000\topenssl-libs\n"
        b"(none)\t5.1.8\t9.el9\tx86_64\tbash-5.1.8-9.el9.src.rpm\t1700000001\tbash\n"
        b"(none)\t5a6340b3\t6229229e\t(none)\t(none)\t1700000002\tgpg-pubkey\n"
        b"(none)\t1\t2\tnoarch\t(none)\tnonsense\tby-hand\n"
    )
    libs, bash, by_hand = read_system(host({"managers": b"rpm\n", "rpm": body})).packages
    assert (libs.version, libs.source, libs.source_version) == ("1:3.0.7-27.el9", "openssl", "1:3.0.7-27.el9")
    assert (bash.version, bash.source_version, bash.installed) == ("5.1.8-9.el9", "5.1.8-9.el9", 1700000001)
    assert (by_hand.source, by_hand.source_version, by_hand.installed) == ("by-hand", "1-2", None)


def test_apk_names_the_origin_where_it_is_another(host) -> None:
    body = b"P:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\n\nP:busybox\nV:1.36.1-r29\nA:x86_64\n\n"
    crypto, busybox = read_system(host({"managers": b"apk\n", "apk": body})).packages
    assert (crypto.name, crypto.source, crypto.source_version) == ("libcrypto3", "openssl", "3.3.2-r0")
    assert (busybox.source, busybox.architecture) == ("busybox", "x86_64")


def test_a_database_counts_and_not_a_program(host) -> None:
    """BusyBox brings applets of dpkg and rpm to Alpine."""
    listed = read_system(host({"managers": b"apk\n", "apk": b"P:a\nV:1-r0\n\n", "dpkg": DPKG}))
    assert [package.manager for package in listed.packages] == ["apk"]


@pytest.mark.parametrize("fault", ["cut", "timeout", "truncated", "failed"])
def test_a_list_that_is_not_whole_says_so_and_its_last_line_does_not_count(host, fault) -> None:
    listed = read_system(host({"managers": b"dpkg\n", "dpkg": DPKG[:100]}, {"dpkg": fault}))
    assert [package.name for package in listed.packages] == ["libssl3"]
    assert listed.fault == fault


def test_a_line_that_cannot_be_read_is_no_proof_of_absence(host) -> None:
    listed = read_system(host({"managers": b"dpkg\n", "dpkg": DPKG + b"ii \tamd64\thalf\n"}))
    assert (len(listed.packages), listed.fault) == (3, "unreadable")


def test_two_managers_are_both_heard_and_one_that_is_mute_is_told(host) -> None:
    listed = read_system(host({"managers": b"dpkg\nrpm\n", "dpkg": DPKG}, {"rpm": "missing-tool"}))
    assert (len(listed.packages), listed.fault) == (3, "missing-tool")
    # Who merely has the program rpm has an empty database.
    assert read_system(host({"managers": b"dpkg\nrpm\n", "dpkg": DPKG, "rpm": b""})).fault == ""


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"managers": b"other /nix/var/nix/db\n"}, "not-covered"),
        ({"managers": b""}, "not-covered"),
        ({"managers": b"dpkg\n", "dpkg": b""}, "unreadable"),
        ({"managers": b"dpkg\n"}, "not-asked"),
        ({}, "not-asked"),
    ],
)
def test_no_list_is_not_an_empty_list(host, sections, reason) -> None:
    with pytest.raises(Unseen, match=reason):
        read_system(host(sections))


@given(body=st.binary(max_size=300), manager=st.sampled_from(["dpkg", "rpm", "apk"]))
def test_any_bytes_are_read_or_told_unseen(anything, body, manager) -> None:
    with contextlib.suppress(Unseen):
        read_system(anything({"managers": manager.encode() + b"\n", manager: body}))
