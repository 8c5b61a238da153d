"""Certificates as a timeline: the first to end on top, no more than a page holds, whatever their names are."""

from datetime import UTC, datetime, timedelta

import pytest

from estate.exports.expiries import MOST, render_expiries

NOW = datetime(2030, 6, 3, tzinfo=UTC)

ROW = {"until": "2031-01-01T00:00:00Z", "asset": "a.example", "place": "443", "names": "a.example", "issuer": "CN=R3"}


def rows_of(page):
    return [line for line in page.splitlines() if line.startswith("| ") and "issuer |" not in line]


def test_the_first_to_end_is_on_top():
    page = render_expiries(
        [ROW, {**ROW, "until": "2030-06-01T00:00:00Z"}, {**ROW, "until": "2031-01-02T00:00:00Z"}], NOW
    )
    assert [row.split(" | ")[0].removeprefix("| ").replace("\\", "") for row in rows_of(page)] == [
        "2030-06-01",
        "2031-01-01",
        "2031-01-02",
    ]


def test_a_long_list_is_cut_and_says_so():
    page = render_expiries([{**ROW, "asset": f"h{number:04}"} for number in range(MOST + 1)], NOW)
    assert len(rows_of(page)) == MOST
    assert page.endswith("And 1 more.\n")


def test_a_hostile_name_stays_in_its_cell():
    (row,) = rows_of(render_expiries([{**ROW, "names": "a\x00\n|<img>"}], NOW))
    assert "<img>" not in row
    assert len([cell for cell in row.replace("\\|", "").split("|") if cell]) == 7


@pytest.mark.parametrize(
    ("left", "spelled", "bar"),
    [
        (timedelta(days=-2), "48 hours ago", "over"),
        (timedelta(hours=5), "5 hours", "█"),
        (timedelta(days=47), "47 days", "██"),
        (timedelta(days=800), "800 days", "█" * 12 + "…"),
    ],
)
def test_what_is_left_is_told_and_drawn(left, spelled, bar):
    (row,) = rows_of(render_expiries([{**ROW, "until": (NOW + left).isoformat()}], NOW))
    assert row.split(" | ")[1:3] == [spelled, bar]


@pytest.mark.parametrize("until", ["?", "2030-06-03", "never"])
def test_an_end_that_nobody_can_read_is_a_question(until):
    (row,) = rows_of(render_expiries([{**ROW, "until": until}], NOW))
    assert row.split(" | ")[1] == "?"


def test_a_name_that_the_place_bears_is_not_said_twice():
    (row,) = rows_of(render_expiries([{**ROW, "place": "443 a.example"}], NOW))
    assert row.count("a.example") == 2
