"""A run's page for the Prefect UI: what it says, what it never lets through, and where it ends."""

import json
import re

import pytest

from estate.exports.markdown import MOST_BYTES, MOST_ROWS, render_run, service, table_of

Row = dict[str, object]
HEAD: Row = {
    "id": "80652c27f78f5a6c",
    "scope": "office",
    "state": "partial",
    "looked_at": "2031-01-07T17:10:01.429892Z",
    "asked": 2000,
    "answered": 1999,
    "engine": "nmap 7.93",
    "choice": "nmap-syn: few enough addresses",
    "message": "could not look at 1 of 2,000 (asset, key) pairs: 1 host-down",
    "canary": "",
    "warnings": [],
    "coverage": {"positive": 3, "negative": 1996, "silent": 0, "blind": 1},
}
HOSTILE = "<script>alert(1)</script>|**b**[x](http://a/)`\x1b[31m\n# h www.a.example"

ACTS = re.compile(r"<|(?<!\\)[*`\[]|https?://|www\.|[\x1b\n]")


def change(kind: str = "appeared", **fields: object) -> Row:
    row: Row = {
        "kind": kind,
        "cause": "estate",
        "certainty": "proved",
        "asset": "host:10.20.0.3",
        "key": "tcp/8443",
        "before": None,
        "after": {"service": "http", "product": "nginx", "version": "1.22.1"},
        "reason": "absence was proved before",
    }
    return row | fields


def cells(line: str) -> list[str]:
    """A table row's cells, as a Markdown reader cuts them."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def test_the_page_says_how_much_was_seen_before_it_says_what_changed() -> None:
    page = render_run(HEAD, [change()], 2)
    assert page.index("## office: partial") < page.index("| asked |") < page.index("### Appeared (1)")
    assert "Run 80652c27f78f looked at 2031-01-07 17\\:10\\:01 UTC with nmap 7.93." in page
    assert "> could not look at 1 of 2,000" in page
    # Cut, not rounded: 1,999 of 2,000 is no 100 %.
    assert "| 2,000 | 1,999 (99.9 %) | 3 | 1,996 | 0 | 1 |" in page
    assert "2 findings are open in this estate." in page
    assert "1 finding is open in this estate." in render_run(HEAD, [], 1)


def test_a_run_without_changes_says_so_and_one_with_changes_does_not() -> None:
    assert "**Nothing changed.**" in render_run(HEAD, [], 0)
    assert "Nothing changed" not in render_run(HEAD, [change()], 0)


def test_canaries_and_warnings_are_told_where_there_are_any() -> None:
    quiet = render_run(HEAD, [], 0)
    assert "Canaries" not in quiet
    told = render_run(HEAD | {"canary": "failed: tcp/22 was silent", "warnings": ["a.example has no address"]}, [], 0)
    assert "Canaries: failed\\: tcp/22 was silent" in told
    assert "- a.example has no address" in told


def test_the_surest_and_most_alarming_kinds_come_first_and_all_have_a_heading() -> None:
    kinds = [
        "first_observed",
        "rescoped_out",
        "sight_regained",
        "lost_sight",
        "suspected_gone",
        "flapping",
        "changed",
        "reappeared",
        "appeared",
        "gone",
    ]
    page = render_run(HEAD, [change(kind) for kind in kinds], 0)
    headings = re.findall(r"^### (.*) \(1\)$", page, re.MULTILINE)
    assert len(headings) == len(kinds)
    assert headings[0] == "Gone"
    assert headings[-1] == "Seen for the first time"


def test_what_was_seen_for_the_first_time_needs_no_reason() -> None:
    page = render_run(HEAD, [change("first_observed", cause="scope", reason="never looked at before")], 0)
    assert "| where | what | answers |" in page
    assert "never looked at before" not in page


def test_a_cause_is_told_where_it_is_not_the_estate_itself() -> None:
    assert "cause\\: engine" in render_run(HEAD, [change("changed", cause="engine", reason="version")], 0)
    assert "cause" not in render_run(HEAD, [change("changed", reason="version")], 0)


def test_a_change_shows_what_was_and_what_is() -> None:
    before = {"service": "http", "product": "nginx", "version": "1.18.0"}
    assert service(change("changed", before=before)) == "http nginx 1.18.0 → http nginx 1.22.1"
    assert service(change("gone", before=before, after=None)) == "http nginx 1.18.0"
    assert service(change(after=None)) == ""


@pytest.mark.parametrize("field", ["asset", "key", "reason", "certainty"])
def test_a_foreign_word_stays_in_its_cell(field: str) -> None:
    page = render_run(HEAD, [change(**{field: HOSTILE})], 0)
    (line,) = [line for line in page.splitlines() if "script" in line]
    assert len(cells(line)) == 5
    assert not re.search(ACTS, line)


def test_a_hostile_banner_is_escaped_on_the_page_and_in_the_table() -> None:
    row = change(after={"service": "ssh", "version": HOSTILE})
    page = render_run(HEAD, [row], 0)
    (line,) = [line for line in page.splitlines() if "script" in line]
    assert len(cells(line)) == 5
    (flat,) = table_of([row])
    for text in (line, flat["answers"]):
        assert not re.search(ACTS, text)


def test_hostile_words_in_the_head_are_escaped_too() -> None:
    head = HEAD | {"scope": HOSTILE, "message": HOSTILE, "choice": HOSTILE, "engine": HOSTILE, "canary": HOSTILE}
    page = render_run(head | {"warnings": [HOSTILE] * 100, "id": "`; rm -rf /"}, [], 0)
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.count("alert") <= 25


def test_usual_words_look_in_a_table_as_they_are_in_both_uis() -> None:
    (flat,) = table_of([change(asset="host:2001:db8::7", after={"version": "9.2p1 Debian 2+deb12u3"})])
    assert (flat["where"], flat["answers"]) == ("host:2001:db8::7", "9.2p1 Debian 2+deb12u3")


@pytest.mark.parametrize("text", ["# heading", "- item", "+ item", "= line", "1. item", "12) item"])
def test_a_cell_that_begins_like_a_block_is_none(text: str) -> None:
    (flat,) = table_of([change(after={"version": text})])
    assert "\\" in flat["answers"]


def test_a_page_and_a_table_end_at_a_thousand_rows_and_say_where_the_rest_is() -> None:
    many = [change(key=f"tcp/{number}") for number in range(1, MOST_ROWS + 2)]
    page = render_run(HEAD, many, 0)
    assert page.count("| host") == MOST_ROWS
    assert "`roundsman changes --run 80652c27f78f` has all of it" in page
    assert len(table_of(many)) == MOST_ROWS
    assert "Not everything fits" not in render_run(HEAD, many[:MOST_ROWS], 0)


def test_neither_is_ever_bigger_than_the_ui_can_bear() -> None:
    wide = [change(after={"version": "é<" * 100}, reason="é" * 200) for _ in range(MOST_ROWS)]
    page = render_run(HEAD, wide, 0)
    assert len(page.encode()) <= MOST_BYTES
    assert "Not everything fits here" in page
    rows = table_of(wide)
    assert 0 < len(rows) < MOST_ROWS
    assert len(json.dumps(rows)) <= MOST_BYTES


def test_a_stream_of_changes_is_read_no_further_than_it_is_shown() -> None:
    read = 0

    def stream() -> object:
        nonlocal read
        while True:
            read += 1
            yield change()

    render_run(HEAD, stream(), 0)  # type: ignore[arg-type]  # a generator of rows
    assert read == MOST_ROWS + 1


def test_long_keys_come_last_since_no_cell_is_wrapped() -> None:
    fell = "grade fell from A+ to B: TLS 1.1 is offered"
    told = {**change(), "kind": "changed", "key": "tls/443/www.example/grade", "reason": fell}
    page = render_run({**HEAD, "scan": "tls"}, [told], 0)
    assert "| where | why | how sure | what |" in page
    assert "| there | not there |" in page
    assert "| open | closed |" in render_run(HEAD, [], 0)
