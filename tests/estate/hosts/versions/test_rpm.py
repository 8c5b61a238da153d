import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.versions import BadVersion, compare, rpm_key

TRICKY = [
    "0",
    "1",
    "1.",
    "1.0",
    "1.00",
    "1.0~rc1",
    "1.0~",
    "1.0^",
    "1.0^~",
    "1.0~^",
    "1.0^git1",
    "1.0^git1~1",
    "1.0.1",
    "1.0a",
    "1.0-1",
    "1.0-1.el9",
    "1.0-1.el9_4",
    "1.0-1.el9_4.2",
    "1.0-1.el9_10",
    "0:1.0-1",
    "1:0.1-1",
    "5.14.0-503.11.1.el9_5",
    "5.14.0-503.11.1.el9_5~x",
    "a",
    "A",
    "abc",
    "1a",
    "a1",
    "1.0_1",
    "1..0",
    "1.0+",
    "2_0",
    "20230101",
    "1.0-1~",
    "99999999999999999999999",
    "100000000000000000000000",
]


def rpm(pairs: list[tuple[str, str]]) -> list[int]:
    """What rpm's own comparison says, of all pairs at once."""
    asked = ",".join(f"{{[==[{one}]==],[==[{two}]==]}}" for one, two in pairs)
    script = f"for _, pair in ipairs({{{asked}}}) do print(rpm.vercmp(pair[1], pair[2]) .. ' ') end"
    command = ("rpm", "--eval", f"%{{lua:{script}}}")
    return [int(said) for said in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


def test_rpm_sorts_any_versions_as_we_do(spelled) -> None:
    """In a sorted list, right neighbours prove every pair; some distant ones are asked all the same."""
    ours = sorted({*TRICKY, *spelled(1500, "0019.aZb~^_", "-")}, key=rpm_key)
    pairs = [*pairwise(ours), *zip(ours, ours[500:], strict=False)]
    said = [answer for start in range(0, len(pairs), 500) for answer in rpm(pairs[start : start + 500])]
    assert [compare("rpm", one, two) for one, two in pairs] == said


@pytest.mark.parametrize("version", ["", "1:", "a:1", ":1"])
def test_what_rpm_would_not_take_is_no_version(version) -> None:
    with pytest.raises(BadVersion):
        rpm_key(version)


@given(one=st.text(max_size=20), two=st.text(max_size=20))
def test_any_text_is_compared_or_refused(one, two) -> None:
    try:
        assert compare("rpm", one, two) == -compare("rpm", two, one)
    except BadVersion:
        assert ":" in one + two or not one or not two
