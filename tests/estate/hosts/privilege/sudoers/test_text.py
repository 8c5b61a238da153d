import pytest

from estate.hosts.privilege.sudoers.text import Files, logical_lines


def lines(**files: str) -> list[tuple[str, str]]:
    contents = {path.replace("__", ".").replace("_", "/"): text for path, text in files.items()}
    first = next(iter(contents))
    return [(line.file, line.text) for line in logical_lines(Files(first, contents, frozenset(), "web-7"))]


def said(text: str) -> list[str]:
    return [line for _, line in lines(_e=text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a \\\nb", ["a b"]),
        ("a # b \\\nc", ["a", "c"]),
        ("# a \\\nc", ["c"]),
        ("#1001 ALL=x", ["#1001 ALL=x"]),
        ("#-1 ALL=x", ["#-1 ALL=x"]),
        ('x "a # b" # c', ['x "a # b"']),
        ("a \\# b", ["a \\# b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a \\ \t\nb", ["a b"]),
        ("\n  \n\t# x\n", []),
        ("a \\", ["a"]),
    ],
)
def test_lines_are_joined_and_comments_dropped(text: str, expected: list[str]) -> None:
    assert said(text) == expected


def test_includes_are_read_in_place_and_in_order() -> None:
    found = lines(
        _e_s="first\n@includedir d\n#include /e/more\nlast",
        _e_d_20="twenty",
        _e_d_10="ten",
        _e_d_9__bak="ignored",
        _e_d_8="eight",
        _e_more="more",
    )
    assert found == [
        ("/e/s", "first"),
        ("/e/d/10", "ten"),
        ("/e/d/20", "twenty"),
        ("/e/d/8", "eight"),
        ("/e/more", "more"),
        ("/e/s", "last"),
    ]


def test_a_file_that_includes_itself_ends() -> None:
    assert lines(_e_s="a\n@include /e/s\n@include /e/t\nb", _e_t="@include /e/s\nt") == [
        ("/e/s", "a"),
        ("/e/t", "t"),
        ("/e/s", "b"),
    ]


def test_the_hosts_name_stands_in_an_include() -> None:
    files = Files("/e/s", {"/e/s": '@include "/e/s.%h"', "/e/s.web-7": "here"}, frozenset(), "web-7")
    assert [line.text for line in logical_lines(files)] == ["here"]


def test_a_backup_in_a_directory_is_not_read() -> None:
    files = Files("/e/s", {"/e/s": "@includedir /e/d", "/e/d/a~": "x", "/e/d/b.rpmsave": "y"}, frozenset())
    assert list(logical_lines(files)) == []


def test_what_could_not_be_read_is_a_line_without_text() -> None:
    files = Files("/e/s", {"/e/s": "a\n@includedir /e/d"}, frozenset({"/e/d/x"}))
    assert [(line.file, line.text) for line in logical_lines(files)] == [("/e/s", "a"), ("/e/d/x", "")]
