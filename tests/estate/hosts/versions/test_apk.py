import contextlib
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.versions import BadVersion, apk_key, compare, manager_of

# By the rules of apk-version(8); each line is older than the next.
ASCENDING = [
    "0.1",
    "0.1-r1",
    "0.9",
    "0.99.3",
    "0.99.20040818",
    "1.001",
    "1.01_alpha",
    "1.01",
    "1.0.0_alpha_pre2",
    "1.0.0_alpha",
    "1.0.0_alpha2",
    "1.0.0_alpha10",
    "1.0.0_beta",
    "1.0.0_pre1",
    "1.0.0_pre2-r9",
    "1.0.0_rc1",
    "1.0.0",
    "1.0.0-r0",
    "1.0.0-r9",
    "1.0.0-r10",
    "1.0.0~12ab",
    "1.0.0~12ab-r1",
    "1.0.0_cvs",
    "1.0.0_svn",
    "1.0.0_git20240101",
    "1.0.0_git20240102",
    "1.0.0_hg",
    "1.0.0_p1",
    "1.0.0_p9-r3",
    "1.0.0_p10",
    "1.0.0a",
    "1.0.0b-r1",
    "1.0.0.1",
    "1.0.1",
    "1.2.001",
    "1.2.0015",
    "1.2.002",
    "1.2.1",
    "1.2.9",
    "1.2.10",
    "1.10",
    "6b-r7",
    "10-r1",
    "20050718-r1",
    "99999999999999999999999",
    "100000000000000000000000",
]


def test_versions_are_sorted_as_apk_sorts_them() -> None:
    first = ("1.001", "1.01_alpha", "1.01", "1.0.0")
    # A part that begins with a zero is a fraction, so 1.01 lies before 1.1, and after 1.0 and all that follows it.
    assert [compare("apk", "1.0.1", "1.01"), compare("apk", "1.01", "1.1"), compare("apk", "1.001", "1.01")] == [-1] * 3
    ordered = [version for version in ASCENDING if version not in first[:3]]
    wrong = [(one, two) for one, two in combinations(ordered, 2) if compare("apk", one, two) != -1]
    assert wrong == []
    assert [compare("apk", two, one) for one, two in combinations(ordered, 2)] == [1] * (
        len(ordered) * (len(ordered) - 1) // 2
    )


@pytest.mark.parametrize(
    "version", ["1.2", "0.1_pre2~1234abcd", "0.1_p1_pre2", "0.1_git20240101_pre1", "006", "1.0c_p1-r2"]
)
def test_an_odd_version_is_one_all_the_same(version) -> None:
    assert compare("apk", version, version) == 0
    assert apk_key(version)


@pytest.mark.parametrize(
    "version",
    ["", "a", ".1", "-r1", "_pre1", "1.0bc", "0.1a.1", "0.1_foobar", "0.1_", "0.1__alpha", "1-r", "1-r1-r2", "1-r2.1",
     "0.1_pre2~", "0.1~12xy", "0.1-r1~12ab", "1.0 ", "1.0\n", "1..0"],
)  # fmt: skip
def test_what_apk_calls_invalid_is_no_version(version) -> None:
    with pytest.raises(BadVersion):
        apk_key(version)


@given(
    one=st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}[ab]?(_(rc|p)[0-9]?)?(-r[0-9])?", fullmatch=True), two=st.text()
)
def test_any_text_is_compared_or_refused(one, two) -> None:
    assert compare("apk", one, one) == 0
    with contextlib.suppress(BadVersion):
        assert compare("apk", one, two) == -compare("apk", two, one)


@pytest.mark.parametrize(
    ("ecosystem", "manager"),
    [("Debian:12", "dpkg"), ("Ubuntu:24.04:LTS", "dpkg"), ("Alpine:v3.20", "apk"), ("Wolfi", "apk"),
     ("AlmaLinux:9", "rpm"), ("Rocky Linux:9", "rpm"), ("Red Hat:enterprise_linux:9::baseos", "rpm"),
     ("openSUSE:Leap 15.6", "rpm")],
)  # fmt: skip
def test_an_ecosystem_follows_its_own_package_manager(ecosystem, manager) -> None:
    assert manager_of(ecosystem) == manager
