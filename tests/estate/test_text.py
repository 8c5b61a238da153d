import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.text import escape_markdown_cell, printable


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("one\r\ntwo\ttabbed\x00", r"one\x0d\x0atwo\x09tabbed\x00"),
        ("c1 \x9b31m del \x7f", r"c1 \x9b31m del \x7f"),
        ("moc.live\u202e txt", r"moc.live\u202e txt"),
        ("isolate \u2066x\u2069", r"isolate \u2066x\u2069"),
        ("half a pair \ud83d", r"half a pair \ud83d"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag \U000e0041", r"tag \U000e0041"),
    ],
)
def test_what_a_terminal_would_obey_becomes_visible(hostile, shown):
    assert printable(hostile) == shown


@pytest.mark.parametrize(
    "harmless", ["", "OpenSSH 9.2p1", "żółw é 日本語 🐢", r"already \x1b escaped", "=1+1", "<b>|x|"]
)
def test_harmless_text_stays_as_it_is(harmless):
    assert printable(harmless) == harmless


def test_a_megabyte_is_cut_with_a_sign_that_it_was():
    shown = printable("A" * 1_000_000)
    assert len(shown) == 512
    assert shown.endswith("A…")
    assert printable("A" * 512) == "A" * 512


@given(st.text(), st.integers(1, 40))
def test_shown_text_is_one_line_within_its_limit_and_stays_the_same_when_shown_again(text, limit):
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert printable(shown, limit) == shown
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown)


@given(st.text(alphabet=st.sampled_from("ab|<>`*_[]()\\\n\r\x1b#!&~:@$w."), max_size=60))
def test_a_markdown_cell_has_no_bare_column_sign_tag_or_line_end(text):
    cell = escape_markdown_cell(text)
    assert not set(cell) & set("\n\r\x1b<>")
    bare = cell.replace("\\\\", "")
    for sign in "|`*_[]()":
        assert f"{sign}" not in bare.replace(f"\\{sign}", "")


def test_a_markdown_cell_reads_like_the_text_it_was_made_of():
    assert escape_markdown_cell("nginx 1.2, Debian") == "nginx 1.2, Debian"
    assert escape_markdown_cell("<img src=x>|`x`") == r"&lt;img src\=x&gt;\|\`x\`"
    assert escape_markdown_cell("www.evil.example") == r"www\.evil.example"
    assert escape_markdown_cell("x" * 2000) == "x" * 2000
