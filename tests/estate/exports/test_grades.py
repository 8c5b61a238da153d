"""Grades as a page: the worst on top, no more than a page holds, and nothing that a server says can spoil it."""

from estate.exports.grades import MOST, render_grades

ROW = {"asset": "a.example", "endpoint": "443", "grade": "A", "trust-ignored": "A", "reasons": ""}


def rows_of(page):
    return [line for line in page.splitlines() if line.startswith("| ") and "trust ignored" not in line]


def test_the_worst_is_on_top_and_what_is_no_grade_above_it():
    page = render_grades([{**ROW, "grade": grade, "asset": grade.strip("+-?") or "none"} for grade in ("A", "T", "?")])
    assert [row.split(" | ")[1] for row in rows_of(page)] == ["none", "T", "A"]


def test_a_long_list_is_cut_and_says_so():
    page = render_grades([{**ROW, "asset": f"h{number:04}"} for number in range(MOST + 3)])
    assert len(rows_of(page)) == MOST
    assert page.endswith("And 3 more.\n")


def test_a_hostile_name_stays_in_its_cell():
    (row,) = rows_of(render_grades([{**ROW, "endpoint": "443 a|b\n| <script>"}]))
    assert "<script>" not in row
    assert len([cell for cell in row.replace("\\|", "").split("|") if cell]) == 4


def test_rules_are_told_as_people_read_them():
    page = render_grades([{**ROW, "grade": "B", "reasons": "tls11-offered no-such-rule"}])
    assert "TLS 1.1 is offered; no-such-rule" in page.replace("\\", "")


def test_the_grade_of_ssl_labs_has_a_column_only_where_there_is_one():
    assert "SSL Labs" not in render_grades([ROW])
    page = render_grades([{**ROW, "ssllabs": "B"}, {**ROW, "asset": "b.example", "ssllabs": ""}])
    assert "| grade (trust ignored) | SSL Labs |" in page
    assert [row.split(" | ")[:2] for row in rows_of(page)] == [["| A", "B"], ["| A", ""]]


def test_the_grade_without_trust_stands_beside_the_one_that_trust_decides():
    page = render_grades([{**ROW, "grade": "T", "trust-ignored": "A"}, ROW])
    assert [row.split(" | ")[0].replace("\\", "") for row in rows_of(page)] == ["| T (A)", "| A"]
