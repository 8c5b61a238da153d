from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import BadTarget
from estate.spans import Spelled, cut, join_numbers, merge_spans, parse_spans, spell_spans

NUMBERS = st.integers(0, 40) | st.integers(65500, 65535)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=12)


def numbers(spans):
    return {number for low, high in spans for number in range(low, high + 1)}


@given(SPANS)
def test_merged_ranges_hold_the_same_numbers_sorted_and_apart(spans):
    merged = merge_spans(spans)
    assert numbers(merged) == numbers(spans)
    assert all(one[1] + 1 < two[0] for one, two in pairwise(merged))
    assert parse_spans(spell_spans(merged)) == merged


@given(SPANS)
def test_ranges_in_any_order_read_like_their_merged_form(spans):
    text = ",".join(f"{low}-{high}" for low, high in spans)
    assert parse_spans(text) == merge_spans(spans)


@given(st.sets(NUMBERS))
def test_numbers_are_joined_as_ranges_of_one_are(found):
    assert join_numbers(sorted(found)) == merge_spans((number, number) for number in found)


@given(SPANS, SPANS)
def test_cutting_is_the_algebra_of_sets(one, two):
    left, right = merge_spans(one), merge_spans(two)
    assert numbers(cut(left, right, keep_inside=True)) == numbers(one) & numbers(two)
    assert numbers(cut(left, right, keep_inside=False)) == numbers(one) - numbers(two)


@given(SPANS, st.data())
def test_a_spelling_is_cut_as_a_set_is(spans, data):
    spans = merge_spans(spans)
    taken = data.draw(st.sets(st.sampled_from(sorted(numbers(spans)))))
    split = Spelled("tcp", spans).split(sorted(taken))
    taken = join_numbers(sorted(taken))
    assert split == (spell_spans(taken), spell_spans(cut(spans, taken, keep_inside=False)))


@given(SPANS, st.lists(NUMBERS, min_size=1, max_size=8))
def test_what_is_not_in_there_once_cannot_be_cut_out(spans, taken):
    spans = merge_spans(spans)
    there = set(taken) <= numbers(spans) and len(set(taken)) == len(taken)
    assert (Spelled("tcp", spans).split(sorted(taken)) is not None) is there


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "1,",
        ",1",
        "1-",
        "-1",
        "5-3",
        "65536",
        "1-99999",
        "1 ",
        "+1",
        "1_0",
        "\uff11",
        "1--2",
        "1-2-3",
        "0x10",
        "1\n",
    ],
)
def test_what_is_no_list_of_ports_is_refused(text):
    with pytest.raises(BadTarget):
        parse_spans(text)


def test_a_refused_range_is_named():
    with pytest.raises(BadTarget, match=r"'80;reboot'"):
        parse_spans("22,80;reboot")
    with pytest.raises(BadTarget, match="90-80"):
        parse_spans("22,90-80")
