"""Accepted rows are added without touching what people wrote."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from estate.errors import BadInput
from estate.manifest import Expectation, append_expected, load_manifest

HAND_WRITTEN = '# mine\n[[expected]]   # keep\ntag="web"\nports = "tcp/80"'
ROW = Expectation.model_validate(
    {"asset": "10.0.0.7", "zone": "lab", "ports": "443,80", "accepted_by": "Ada", "accepted_on": date(2031, 1, 7)}
)


def test_rows_are_added_below_what_was_there() -> None:
    text = append_expected(HAND_WRITTEN, [ROW])
    assert text == HAND_WRITTEN + (
        '\n\n[[expected]]\nasset = "10.0.0.7"\nzone = "lab"\nports = "tcp/80,443"\n'
        'accepted_by = "Ada"\naccepted_on = 2031-01-07\n'
    )
    assert load_manifest(text).expected[1] == ROW


def test_adding_the_same_row_again_changes_nothing() -> None:
    once = append_expected(HAND_WRITTEN, [ROW, ROW])
    other = ROW.model_copy(update={"accepted_by": "Charles"})
    assert append_expected(once, [ROW, other]) == once


def test_line_ends_stay_what_they_were() -> None:
    text = append_expected("[estate]\r\nname = 'x'\r\n", [ROW])
    assert "\n" not in text.replace("\r\n", "")


def test_nothing_is_added_to_a_file_that_cannot_be_read() -> None:
    with pytest.raises(BadInput, match=r"estate\.toml, line 1"):
        append_expected("[estate", [ROW])


def test_a_file_whose_rows_are_written_in_one_list_is_left_alone() -> None:
    with pytest.raises(BadInput, match=r"estate\.toml, line 3: "):
        append_expected("expected = []\n", [ROW])


@given(st.text(max_size=30))
def test_every_note_that_is_accepted_is_read_back(note: str) -> None:
    try:
        row = Expectation.model_validate({"network": "10.0.0.0/24", "ports": "tcp/22", "note": note})
    except ValidationError:
        return
    assert load_manifest(append_expected("", [row])).expected == (row,)
