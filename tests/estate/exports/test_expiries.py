"""Certificates as a timeline: the first to end on top, no more than a page holds, whatever their names are."""

from estate.exports.expiries import MOST, render_expiries

ROW = {"until": "2031-01-01T00:00:00Z", "asset": "a.example", "place": "443", "names": "a.example", "issuer": "CN=R3"}


def rows_of(page):
    return [line for line in page.splitlines() if line.startswith("| ") and "issuer |" not in line]


def test_the_first_to_end_is_on_top():
    page = render_expiries([ROW, {**ROW, "until": "2030-06-01T00:00:00Z"}, {**ROW, "until": "2031-01-02T00:00:00Z"}])
    assert [row.split(" | ")[0].removeprefix("| ").replace("\\", "") for row in rows_of(page)] == [
        "2030-06-01",
        "2031-01-01",
        "2031-01-02",
    ]


def test_a_long_list_is_cut_and_says_so():
    page = render_expiries([{**ROW, "asset": f"h{number:04}"} for number in range(MOST + 1)])
    assert len(rows_of(page)) == MOST
    assert page.endswith("And 1 more.\n")


def test_a_hostile_name_stays_in_its_cell():
    (row,) = rows_of(render_expiries([{**ROW, "names": "a\x00\n|<img>"}]))
    assert "<img>" not in row
    assert len([cell for cell in row.replace("\\|", "").split("|") if cell]) == 5
