from datetime import UTC, datetime

import pytest

from estate.hosts.packages.lifetimes import AS_OF, TABLE
from estate.hosts.packages.release import Release, read_release

DEBIAN = b"ID=debian\nVERSION_ID=%d\n"
UBUNTU = b"ID=ubuntu\nVERSION_ID=20.04\n"


def day(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "at", "severity"),
    [
        (DEBIAN % 13, day(2027), None),
        (DEBIAN % 12, day(2026, 7), None),
        (DEBIAN % 12, day(2026, 8), "low"),
        (DEBIAN % 11, day(2026, 9), "high"),
        (DEBIAN % 8, day(2026, 9), "high"),
        (UBUNTU, day(2026, 9), "high"),
        (b"ID=ubuntu\nVERSION_ID=24.04\n", day(2026, 9), None),
        (b"ID=alpine\nVERSION_ID=3.20.9\n", day(2026, 9), "high"),
        (b"ID=alpine\nVERSION_ID=3.23.1\n", day(2026, 9), None),
        (b"ID=centos\nVERSION_ID=7\n", day(2026, 9), "high"),
        (b'ID=centos\nVERSION_ID=9\nPRETTY_NAME="CentOS Stream 9"\n', day(2026, 9), None),
        (b"ID=rocky\nVERSION_ID=9.3\n", day(2026, 9), None),
        (b"ID=linuxmint\nVERSION_ID=20.3\nUBUNTU_CODENAME=focal\n", day(2026, 9), "high"),
        (b"ID=amzn\nVERSION_ID=2\n", day(2026, 9), "high"),
    ],
)
def test_a_release_is_judged_by_the_day(anything, failed, said, at, severity) -> None:
    made = anything({"os": said, "lists": b""}, at=at)
    expected = {} if severity is None else {made.read(read_release).label: severity}
    assert failed("HOST-PKG-008", made) == (expected, "")


def test_who_pays_gets_fixes(anything, failed) -> None:
    lists = b"1\t/var/lib/apt/lists/esm.ubuntu.com_infra_ubuntu_dists_focal-infra-security_InRelease\n"
    assert failed("HOST-PKG-008", anything({"os": UBUNTU, "lists": lists}, at=day(2026, 9))) == (
        {"ubuntu-20.04": "low"},
        "",
    )


def test_a_release_that_nobody_knows_is_not_assessed(anything, failed) -> None:
    """Lynis' table did not know Debian 12 when it was out, and passed it."""
    for said in (DEBIAN % 99, b"ID=templeos\nVERSION_ID=5\n", b"ID=alpine\nVERSION_ID=3.25_alpha1\n"):
        assert failed("HOST-PKG-008", anything({"os": said}, at=day(2026, 9))) == ({}, "not-rated")


def test_what_rolls_has_no_end(anything, failed) -> None:
    assert failed("HOST-PKG-008", anything({"os": b"ID=arch\n"}, at=day(2026, 9))) == ({}, "")


def test_a_table_that_has_aged_says_so_itself(anything, failed) -> None:
    old = anything({"os": DEBIAN % 13}, at=datetime(AS_OF.year + 2, 1, 1, tzinfo=UTC))
    assert failed("HOST-PKG-008", old) == ({"lifetimes": "low"}, "")


def test_the_table_is_in_order() -> None:
    assert Release("debian", "12").label == "debian-12"
    for known in TABLE.values():
        ends = [end for end in (known.regular, known.long, known.paid) if end]
        assert ends == sorted(ends)
