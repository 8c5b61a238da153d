import pytest
from hypothesis import given
from hypothesis import strategies as st

DPKG = (
    b"ii \tamd64\t3.0.11-1\topenssl\t3.0.11-1\tlibssl3\n"
    b"hi \tamd64\t5.2.15-2\tbash\t5.2.15-2\tbash\n"
    b"hi \ti386\t2.36-9\tglibc\t2.36-9\tlibc6\n"
    b"ii \tall\t4.9-1\tsed\t4.9-1\tsed\n"
)
UPGRADES = (
    b"Inst libssl3 [3.0.11-1] (3.0.17-1~deb12u2 Debian:12.15/oldstable, Debian-Security:12/oldstable-security"
    b" [amd64])\n"
    b"Inst bash [5.2.15-2] (5.2.15-2+b13 Debian:12.15/oldstable [amd64]) []\n"
    b"Inst libc6:i386 [2.36-9] (2.36-9+deb12u13 Debian-Security:12/oldstable-security [i386]) [libc6:amd64 ]\n"
    b"Inst sed [4.9-1] (4.9-1+deb12u1 Debian:12.15/oldstable [all])\n"
    b"Inst linux-image-6.1.0-42-amd64 (6.1.180-1 Debian-Security:12/oldstable-security [amd64])\n"
)
NOW = 1777863721
DAY = 86400
LISTS = b"%d\t/var/lib/apt/lists/security.debian.org_dists_bookworm-security_InRelease\n" % (NOW - DAY)
DEBIAN = {
    "os": b"ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n",
    "managers": b"dpkg\n",
    "dpkg": DPKG,
    "apt_upgrades": UPGRADES,
    "lists": LISTS,
}
ALPINE = {
    "os": b"ID=alpine\nVERSION_ID=3.22.1\n",
    "managers": b"apk\n",
    "apk": b"P:busybox\nV:1.37.0-r18\nA:x86_64\n\n",
    "lists": b"%d\t/var/cache/apk/APKINDEX.aaaa.tar.gz\n" % (NOW - DAY),
}


def test_security_updates_are_told_from_ordinary_and_held_ones(host, failed) -> None:
    debian = host(DEBIAN)
    assert failed("HOST-PKG-002", debian) == ({"libssl3": "high"}, "")
    assert failed("HOST-PKG-003", debian) == ({"sed": "low"}, "")
    assert failed("HOST-PKG-004", debian) == ({"bash": "low", "libc6:i386": "high"}, "")
    assert failed("HOST-PKG-010", debian) == ({}, "")


def test_the_evidence_names_both_versions_and_who_offers_the_new_one(host, say) -> None:
    assert say("HOST-PKG-002", host(DEBIAN)) == (
        "installed 3.0.11-1, available 3.0.17-1~deb12u2 from Debian-Security oldstable-security"
    )


def test_what_no_listening_process_has_loaded_is_less_urgent(host, failed) -> None:
    assert failed("HOST-PKG-002", host({**DEBIAN, "listening": b"nginx\n"})) == ({"libssl3": "medium"}, "")
    # One source is mended as a whole, whichever of its packages is loaded.
    both = DPKG + b"ii \tamd64\t3.0.11-1\topenssl\t3.0.11-1\topenssl\n"
    assert failed("HOST-PKG-002", host({**DEBIAN, "dpkg": both, "listening": b"openssl\n"})) == (
        {"libssl3": "high"},
        "",
    )
    assert failed("HOST-PKG-002", host({**DEBIAN, "listening": b"libssl3:amd64\n"})) == ({"libssl3": "high"}, "")
    assert failed("HOST-PKG-004", host({**DEBIAN, "listening": b""})) == ({"bash": "low", "libc6:i386": "medium"}, "")


def test_what_is_loaded_counts_as_reached_where_nobody_could_look(host, failed) -> None:
    for fault in ("no-privilege", "missing-tool", "cut"):
        assert failed("HOST-PKG-002", host({**DEBIAN, "listening": b""}, {"listening": fault})) == (
            {"libssl3": "high"},
            "",
        )


def test_everybody_reaches_the_kernel(host, failed) -> None:
    kernel = b"ii \tamd64\t6.1.1-1\tlinux-signed-amd64\t6.1.1+1\tlinux-image-amd64\n"
    waits = b"Inst linux-image-amd64 [6.1.1-1] (6.1.9-1 Debian-Security:12/oldstable-security [amd64])\n"
    made = host({**DEBIAN, "dpkg": kernel, "apt_upgrades": waits, "listening": b""})
    assert failed("HOST-PKG-002", made) == ({"linux-image-amd64": "high"}, "")


def test_ubuntu_names_its_suites_otherwise(host, failed) -> None:
    upgrades = (
        b"Inst libssl3t64 [3.0.13-0ubuntu3] (3.0.13-0ubuntu3.5 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security"
        b" [amd64])\nInst tzdata [2024a-2] (2025b-0 Ubuntu:24.04/noble-updates [all])\n"
        b"Inst curl [8.5-1] (8.5-2 UbuntuESM:24.04/noble-infra-security [amd64])\n"
    )
    lists = LISTS.replace(b"security.debian.org_dists_bookworm", b"archive.ubuntu.com_dists_noble")
    ubuntu = host({**DEBIAN, "os": b"ID=ubuntu\nVERSION_ID=24.04\n", "apt_upgrades": upgrades, "lists": lists})
    assert failed("HOST-PKG-002", ubuntu) == ({"libssl3t64": "high", "curl": "high"}, "")
    assert failed("HOST-PKG-003", ubuntu) == ({"tzdata": "low"}, "")


def test_a_host_that_is_up_to_date_passes(host, failed) -> None:
    fresh = host({**DEBIAN, "apt_upgrades": b""})
    for check in ("HOST-PKG-002", "HOST-PKG-003", "HOST-PKG-004", "HOST-PKG-010"):
        assert failed(check, fresh) == ({}, "")


@pytest.mark.parametrize("fault", ["cut", "timeout", "failed", "missing-tool", "truncated"])
def test_what_apt_could_not_say_is_not_assessed(host, failed, fault) -> None:
    """A locked or broken apt says nothing, which is no update's end."""
    blind = host({**DEBIAN, "apt_upgrades": b""}, {"apt_upgrades": fault})
    for check in ("HOST-PKG-002", "HOST-PKG-003", "HOST-PKG-004"):
        assert failed(check, blind) == ({}, fault)


def test_what_was_said_before_the_cut_stands(host, failed) -> None:
    cut = host({**DEBIAN, "apt_upgrades": UPGRADES[:200]}, {"apt_upgrades": "cut"})
    assert failed("HOST-PKG-002", cut) == ({"libssl3": "high"}, "cut")


@pytest.mark.parametrize("lists", [b"", LISTS.replace(b"1777", b"1776"), LISTS.replace(b"1777", b"1999")])
def test_with_stale_lists_no_update_is_no_news(host, failed, lists) -> None:
    """Also where the file's time lies in a future that no clock knows."""
    stale = host({**DEBIAN, "lists": lists})
    assert failed("HOST-PKG-002", stale) == ({"libssl3": "high"}, "stale")
    assert failed("HOST-PKG-003", stale) == ({"sed": "low"}, "stale")
    assert failed("HOST-PKG-010", stale) == ({"apt": "medium"}, "")


def test_the_evidence_of_stale_lists_is_a_day_and_no_age(host, say) -> None:
    stale = LISTS.replace(b"1777", b"1770")
    assert say("HOST-PKG-010", host({**DEBIAN, "lists": stale})) == "lists were last fetched on 2026-02-11"
    assert say("HOST-PKG-010", host({**DEBIAN, "lists": b""})) == "lists were last fetched never"


def test_security_lists_that_fell_behind_the_others_are_told(host, failed) -> None:
    main = b"%d\t/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease\n" % (NOW - DAY)
    behind = host({**DEBIAN, "lists": main + LISTS.replace(b"1777", b"1770"), "apt_upgrades": b""})
    assert failed("HOST-PKG-010", behind) == ({"apt-security": "medium"}, "")
    assert failed("HOST-PKG-002", behind) == ({}, "stale")
    assert failed("HOST-PKG-003", behind) == ({}, "")
    # Debian's timer leaves a stamp when all was fetched, whatever the files' own times are.
    stamp = b"%d\t/var/lib/apt/periodic/update-success-stamp\n" % (NOW - DAY)
    stamped = host({**DEBIAN, "lists": main + LISTS.replace(b"1777", b"1770") + stamp, "apt_upgrades": b""})
    assert failed("HOST-PKG-010", stamped) == failed("HOST-PKG-002", stamped) == ({}, "")


def test_a_host_whose_clock_is_years_off_is_held_against_its_own(host, failed) -> None:
    long_ago = NOW - 2000 * DAY
    who = b"uid=0\nnow=%d\n" % long_ago
    lists = b"%d\t/var/lib/apt/lists/security.debian.org_dists_bookworm-security_InRelease\n" % (long_ago - DAY)
    assert failed("HOST-PKG-010", host({**DEBIAN, "who": who, "lists": lists})) == ({}, "")


def test_an_image_without_lists_is_not_told_to_fetch_them(host, failed) -> None:
    who = b"uid=0\nnow=%d\ncontainer=yes\n" % NOW
    image = host({**DEBIAN, "who": who, "lists": b"", "apt_upgrades": b""})
    assert failed("HOST-PKG-010", image) == ({}, "")
    assert failed("HOST-PKG-002", image) == ({}, "stale")


def test_alpine_does_not_say_what_an_update_is_for(host, failed) -> None:
    waits = host({**ALPINE, "apk_upgrades": b"Installed:   Available:\nbusybox-1.37.0-r18   < 1.37.0-r19 \n"})
    assert failed("HOST-PKG-003", waits) == ({"busybox": "low"}, "")
    assert failed("HOST-PKG-002", waits) == ({}, "not-rated")
    quiet = host({**ALPINE, "apk_upgrades": b"Installed:   Available:\n"})
    assert failed("HOST-PKG-003", quiet) == failed("HOST-PKG-002", quiet) == ({}, "")


def test_a_line_of_apts_that_cannot_be_read_proves_nothing(host, failed) -> None:
    odd = host({**DEBIAN, "apt_upgrades": b"Inst \x1b[31m\nInst sed [4.9-1] (4.9-2 Debian:12/x [all])\n"})
    assert failed("HOST-PKG-003", odd) == ({"sed": "low"}, "unreadable")


@given(upgrades=st.binary(max_size=200), lists=st.binary(max_size=100))
def test_any_bytes_are_read_or_told_unseen(anything, failed, upgrades, lists) -> None:
    for check in ("HOST-PKG-002", "HOST-PKG-003", "HOST-PKG-004", "HOST-PKG-010"):
        failed(check, anything({**DEBIAN, "apt_upgrades": b"Inst " + upgrades, "lists": lists + b"\n"}))
