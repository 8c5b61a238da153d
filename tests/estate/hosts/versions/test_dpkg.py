import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.versions import BadVersion, compare, dpkg_key

TRICKY = [
    "0",
    "00",
    "0:0",
    "0-0",
    "1",
    "1.",
    "1.0",
    "1.00",
    "1-0",
    "1-1",
    "1~",
    "1~~",
    "1~~a",
    "1~a",
    "1a",
    "1a~",
    "1+",
    "1:0",
    "1.2.3-1~deb12u1",
    "1.2.3-1+deb12u1",
    "1.2.3-1",
    "1.2.3-1+b2",
    "1.2-3-4",
    "2.0~rc1-1",
    "2.0~rc1+git1-1",
    "2.0-1ubuntu0.1",
    "2.0-1ubuntu0.10",
    "2.0-1ubuntu0.2",
    "9999999999999999999999-1",
    "10000000000000000000000-1",
    "1:1.2-1",
    "1.0a1",
    "1.0a01",
    "1.0a",
    "1.0A",
    "1.0_",
    "5.10.0-0.deb11.2",
    "5.10.0-0.bpo.2",
    "6.1.158-1",
]


def dpkg(pairs: list[tuple[str, str]], relation: str) -> list[tuple[str, str]]:
    """Those pairs of which dpkg says so: one shell asks all of them."""
    asked = "\n".join(f"{one} {two}" for one, two in pairs) + "\n"
    script = f'while read -r one two; do dpkg --compare-versions "$one" {relation} "$two" && echo "$one $two"; done; :'
    said = subprocess.run(("sh", "-c", script), input=asked, capture_output=True, text=True, check=True).stdout
    return [(line.split()[0], line.split()[1]) for line in said.splitlines()]


def installed() -> list[str]:
    asked = ("dpkg-query", "-W", "-f=${Version}\n")
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def test_dpkg_sorts_its_own_and_any_other_versions_as_we_do(spelled) -> None:
    """In a sorted list, right neighbours prove every pair."""
    versions = [*TRICKY, *installed()[:400], *spelled(1200, "0019.aZb~+", "-")]
    ours = sorted(set(versions), key=dpkg_key)
    equal = [(one, two) for one, two in pairwise(ours) if compare("dpkg", one, two) == 0]
    older = [(one, two) for one, two in pairwise(ours) if compare("dpkg", one, two) < 0]
    assert len(older) > 1000
    assert dpkg(equal, "eq") == equal
    assert dpkg(older, "lt") == older


@pytest.mark.parametrize("version", ["", "1:", "1-", "a:1", ":1", "-1:1", "²:1"])
def test_what_dpkg_would_not_take_is_no_version(version) -> None:
    with pytest.raises(BadVersion):
        dpkg_key(version)


@given(one=st.text(max_size=20), two=st.text(max_size=20))
def test_any_text_is_compared_or_refused(one, two) -> None:
    try:
        assert compare("dpkg", one, two) == -compare("dpkg", two, one)
    except BadVersion:
        assert any(":" in text or not text or text[-1] == "-" for text in (one, two))
