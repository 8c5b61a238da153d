"""What leaves the command: whole objects, harmless text, and remarks that fold between words."""

import json
from collections.abc import Callable, Iterator

import pytest

from deployments.command.printing import Rows, complain, counted, hint, print_object, print_rows, safe, show

HOSTILE = "\x1b[2J\x1b[31mred\x07 [red]x[/] <b>&\u202eevil\u200b\x9b1m\r\n|`*\ud800 \u2028 ÄÖ 漢字"


def test_an_object_has_its_lists_behind_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_object({"run": "a", "asked": 1}, {"changes": [{"key": "tcp/1"}], "findings": []})
    assert json.loads(capsys.readouterr().out) == {
        "run": "a",
        "asked": 1,
        "changes": [{"key": "tcp/1"}],
        "findings": [],
    }


def test_an_object_without_a_head_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_object({}, {"changes": iter(())})
    assert json.loads(capsys.readouterr().out) == {"changes": []}


def test_half_an_object_is_never_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def rows() -> Iterator[dict[str, object]]:
        yield {"key": "tcp/1"}
        raise ValueError("the database is gone")

    with pytest.raises(ValueError, match="gone"):
        print_object({"run": "a"}, {"changes": rows()})
    assert capsys.readouterr().out == ""


def test_json_is_ascii_and_reads_back_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    print_object({"banner": HOSTILE}, {"changes": [{"banner": HOSTILE}]})
    assert print_rows("changes", [{"banner": HOSTILE}], as_json=False, as_lines=True)
    out = capsys.readouterr().out
    assert out.isascii()
    assert not set(out) & {chr(code) for code in range(32) if chr(code) != "\n"}
    whole, _, line = out.rstrip("\n").rpartition("\n")
    assert json.loads(whole) == {"banner": HOSTILE, "changes": [{"banner": HOSTILE}]}
    assert json.loads(line) == {"banner": HOSTILE}


def test_rows_wait_on_disk_where_they_are_many() -> None:
    rows = Rows()
    for number in range(100_000):
        rows.add({"number": number, "text": "x" * 100})
    assert getattr(rows._file, "_rolled", False)
    lines = list(rows.lines())
    assert json.loads(lines[-1])["number"] == 99_999
    assert len(lines) == 100_000
    rows.close()


def test_text_for_people_obeys_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    show(safe(HOSTILE, 500))
    out = capsys.readouterr().out
    assert out.isprintable() or out[:-1].isprintable()
    assert "[red]x[/]" in out
    assert "\\x1b[2J" in out


@pytest.mark.parametrize("say", [complain, hint])
def test_remarks_obey_nobody(capsys: pytest.CaptureFixture[str], say: Callable[[str], None]) -> None:
    say(HOSTILE)
    out, err = capsys.readouterr()
    assert out == ""
    assert "[red]x[/]" in err
    assert not set(err) & set("\x1b\x07\x9b\u202e\u200b\r\u2028")


def test_a_message_of_several_lines_stays_one(capsys: pytest.CaptureFixture[str]) -> None:
    complain("estate.toml, line 1: a\nestate.toml, line 2: b")
    assert capsys.readouterr().err == "roundsman: estate.toml, line 1: a\n  estate.toml, line 2: b\n"


def test_a_message_is_one_line_for_programs_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    complain("word " * 100)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_message_folds_between_words_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    complain("a message that is longer than thirty columns")
    err = capsys.readouterr().err
    assert err.startswith("\x1b[1;31mroundsman:\x1b[0m a message")
    assert all(len(line.replace("\x1b[1;31m", "").replace("\x1b[0m", "")) <= 30 for line in err.splitlines())
    monkeypatch.setenv("NO_COLOR", "1")
    complain("x")
    assert capsys.readouterr().err == "roundsman: x\n"


def test_counting_is_grammar() -> None:
    assert [counted(number, "finding") for number in (0, 1, 2)] == ["0 findings", "1 finding", "2 findings"]
    assert counted(1_234, "change") == "1,234 changes"
    assert counted(2, "address", "addresses") == "2 addresses"
