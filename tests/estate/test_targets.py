"""Sets of addresses and names."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import BadTarget
from estate.targets import LARGEST, Targets


def test_every_way_of_writing_addresses_is_read():
    targets = Targets.parse("10.77.0.2, 10.9.0.1-3,10.9.1.250-10.9.2.2,fd77::/126,web.example,10.8.0.0/30")
    assert list(targets) == [
        *(f"10.8.0.{last}" for last in range(4)),
        *("10.9.0.1", "10.9.0.2", "10.9.0.3"),
        *(f"10.9.1.{last}" for last in range(250, 256)),
        *("10.9.2.0", "10.9.2.1", "10.9.2.2", "10.77.0.2"),
        *("fd77::", "fd77::1", "fd77::2", "fd77::3"),
        "web.example",
    ]
    assert len(targets) == 22


@pytest.mark.parametrize(
    "text",
    [
        *("-iL x", "10.0.0.1 10.0.0.2", "--script=x", "a;b", "10.0.0.300", "10.0.0.0/33", "", "10.0.0.1,,10.0.0.2"),
        *("10.0.0.9-10.0.0.1", "10.0.0.9-5", "10.0.0.1-fd77::1", "$(id)", "a\nb", "10.0.0.1-999", "fe80::1%eth0"),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(BadTarget):
        Targets.parse(text)


def test_a_huge_set_costs_nothing_until_somebody_walks_it():
    wide = Targets.parse("10.0.0.0/7,fd00::/8")
    assert "10.200.3.4" in wide
    assert "fdff::1" in wide
    assert wide.index("10.0.0.1") == 1
    with pytest.raises(BadTarget, match="too many to walk"):
        next(iter(wide))
    assert LARGEST < 2**25


def test_size_is_exact_even_where_len_cannot_say_it():
    assert Targets.parse("fd00::/8").size == 2**120


def test_overlapping_and_touching_ranges_are_one():
    assert Targets.parse("10.0.0.0/25,10.0.0.128/25,10.0.0.7") == Targets.parse("10.0.0.0/24")


def test_a_set_without_some_members_keeps_the_rest():
    left = Targets.parse("10.0.0.0/30,web.example,other.example").without(["10.0.0.1", "web.example", "10.9.9.9"])
    assert list(left) == ["10.0.0.0", "10.0.0.2", "10.0.0.3", "other.example"]


def test_chunks_begin_at_multiples_of_their_size_and_names_come_last():
    chunks = list(Targets.parse("10.0.0.200-10.0.2.5,web.example").chunks(256))
    assert [str(chunk) for chunk in chunks] == [
        "10.0.0.200/29,10.0.0.208/28,10.0.0.224/27",
        "10.0.1.0/24",
        "10.0.2.0/30,10.0.2.4/31",
        "web.example",
    ]


_ADDRESSES = st.integers(0, 2000).map(lambda number: str(ipaddress.ip_address(0x0A000000 + number)))
_WORDS = st.one_of(
    _ADDRESSES,
    st.tuples(st.integers(0, 1000), st.integers(0, 300)).map(
        lambda pair: f"{ipaddress.ip_address(0x0A000000 + pair[0])}-{ipaddress.ip_address(0x0A000000 + sum(pair))}"
    ),
    st.sampled_from(["10.0.1.0/24", "10.0.0.16/28", "fd77::/124", "fd77::5", "web.example"]),
)


@given(st.lists(_WORDS, max_size=8), st.integers(1, 300))
def test_words_index_and_chunks_agree_with_a_plain_list(words, size):
    targets = Targets.parse(words)
    members = list(targets)
    assert len(members) == len(targets) == len(set(members))
    assert [targets.index(member) for member in members] == list(range(len(members)))
    assert Targets.parse(targets.words()) == targets
    assert [member for chunk in targets.chunks(size) for member in chunk] == members


@given(st.lists(_WORDS, max_size=6), st.lists(_ADDRESSES, max_size=5))
def test_taking_members_out_is_a_set_difference(words, out):
    targets = Targets.parse(words)
    assert set(targets.without(out)) == set(targets) - set(out)
