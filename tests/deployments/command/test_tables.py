"""Tables for people: one line for what happened together, and nothing hostile in any cell."""

import re
from typing import Any, cast

import pytest
from rich.cells import cell_len

from deployments.command import printing
from deployments.command.printing import show
from deployments.command.tables import asset_table, change_table, finding_table, first, run_table, share
from estate.store.documents import AssetObject, ChangeObject, FindingObject, RunObject

HOSTILE = "\x1b[2J[red]x[/]\u202e<b>|\r\n\x9b1m"


def change(**differently: Any) -> ChangeObject:
    usual = {
        "run": "r1",
        "looked_at": "2026-11-24T02:10:00Z",
        "kind": "appeared",
        "cause": "estate",
        "certainty": "proved",
        "asset": "host:10.0.0.1",
        "zone": "default",
        "vantage": "inside",
        "aspect": "ports",
        "key": "tcp/22",
        "before": None,
        "after": {"state": "present"},
        "reason": "absence was proved before",
    }
    return cast("ChangeObject", usual | differently)


def finding(**differently: Any) -> FindingObject:
    usual = {
        "fingerprint": "f1:0123456789abcdef",
        "rule": "unexpected-port",
        "severity": "high",
        "zone": "default",
        "subject": "tcp/22 is open on 10.0.0.1",
        "locator": "tcp/22",
        "detection": "present",
        "suppressed": False,
        "suppression": None,
        "first_seen": "2026-11-24T02:10:00Z",
        "evidence": "tcp/22",
    }
    return cast("FindingObject", usual | differently)


def run(**differently: Any) -> RunObject:
    usual = {
        "id": "0123456789abcdef",
        "looked_at": "2026-11-24T02:10:00Z",
        "scope": "office",
        "asked": 3000,
        "answered": 2999,
        "coverage": {"positive": 12},
        "state": "partial",
        "trigger": "manual",
    }
    return cast("RunObject", usual | differently)


def asset(**differently: Any) -> AssetObject:
    usual = {"asset": "host:10.0.0.1", "zone": "default", "keys": ["tcp/22"], "unseen": [], "findings": 0, "owner": ""}
    return cast("AssetObject", usual | differently)


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    def print_it(table: Any) -> list[str]:
        show(table)
        return capsys.readouterr().out.splitlines()

    return print_it


def test_a_change_says_what_where_and_why(shown: Any) -> None:
    line = shown(change_table([change()]))[1]
    assert line.split() == ["+", "appeared", "10.0.0.1", "tcp/22", "proved,", "absence", "was", "proved", "before"]


def test_losing_sight_of_a_host_is_one_line(shown: Any) -> None:
    lost = [change(kind="lost_sight", key=f"tcp/{port}", reason="host-down") for port in (22, 23, 80)]
    lines = shown(change_table([*lost, change(kind="lost_sight", key="tcp/22", asset="host:10.0.0.2")]))
    assert len(lines) == 3
    assert "tcp/22-23, 80" in lines[1]


def test_what_appeared_has_a_line_for_each_port(shown: Any) -> None:
    assert len(shown(change_table([change(), change(key="tcp/23")]))) == 3


def test_a_cause_is_told_unless_it_is_the_estate(shown: Any) -> None:
    assert "by profile" in shown(change_table([change(cause="profile")]))[1]
    assert "by " not in shown(change_table([change()]))[1]


def test_a_changed_value_is_told_before_and_after(shown: Any) -> None:
    told = change(
        kind="changed",
        before={"version": "9.2", "cpe": "cpe:/a:o:9.2"},
        after={"version": "9.6", "cpe": "cpe:/a:o:9.6"},
        reason="cpe, version",
    )
    line = shown(change_table([told]))[1]
    assert "version: 9.2 → 9.6" in line
    assert "cpe" not in line


def test_zone_and_vantage_are_told_only_where_there_are_several(shown: Any) -> None:
    assert "berlin" not in shown(change_table([change(zone="berlin")]))[1]
    lines = shown(change_table([change(zone="berlin"), change(zone="bonn", vantage="internet")]))
    assert "10.0.0.1 in berlin from inside" in lines[1]
    assert "10.0.0.1 in bonn from internet" in lines[2]
    assert "in bonn" in shown(finding_table([finding(zone="berlin"), finding(zone="bonn")]))[2]


def test_a_finding_says_its_state_where_it_is_not_simply_there(shown: Any) -> None:
    table = finding_table(
        [finding(), finding(detection="absent"), finding(detection="unobserved"), finding(detection="suspected_absent")]
    )
    lines = shown(table)
    assert "(" not in lines[1]
    assert "(resolved)" in lines[2]
    assert "(out of sight)" in lines[3]
    assert "(perhaps gone)" in lines[4]


def test_an_accepted_finding_says_until_when(shown: Any) -> None:
    assert "(accepted until 2027" in shown(finding_table([finding(suppressed=True, suppression="until 2027-01-01")]))[1]


def test_the_fingerprint_shown_is_long_enough_to_be_given_back(shown: Any) -> None:
    assert "f1:01234567" in shown(finding_table([finding()]))[1]


def test_columns_that_would_be_empty_are_left_out(shown: Any) -> None:
    assert shown(asset_table([asset()]))[0].split() == ["asset", "open"]
    full = asset_table([asset(), asset(zone="berlin", unseen=["tcp/1"], findings=2, owner="team")])
    assert shown(full)[0].split() == ["asset", "open", "out", "of", "sight", "zone", "owner", "findings"]


def test_ports_of_an_asset_are_told_as_ranges(shown: Any) -> None:
    assert "tcp/1-3, 9" in shown(asset_table([asset(keys=["tcp/1", "tcp/2", "tcp/3", "tcp/9"])]))[1]


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 0, "–"),
        (0, 9, "0.0 %"),
        (9, 9, "100 %"),
        (99_999, 100_000, "99.9 %"),
        (1, 100_000, "0.1 %"),
        (1, 3, "33.3 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(part: int, whole: int, words: str) -> None:
    assert share(part, whole) == words


def test_people_get_the_first_rows_and_are_told_of_the_rest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.command.tables.SHOWN", 3)
    assert first(range(4), "run") == [0, 1, 2]
    assert capsys.readouterr().err == "1 more run not shown; --json prints all\n"
    assert first(range(3), "run") == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_no_cell_obeys_a_stranger(shown: Any) -> None:
    tables = (
        change_table([change(asset=HOSTILE, reason=HOSTILE, after={"product": HOSTILE})]),
        change_table([change(kind="changed", before={"a": "1"}, after={"a": HOSTILE}, reason="a", zone=HOSTILE)]),
        finding_table([finding(subject=HOSTILE, evidence=HOSTILE, suppressed=True, suppression=HOSTILE)]),
        run_table([run(scope=HOSTILE)]),
        asset_table([asset(asset=HOSTILE, owner=HOSTILE), asset(zone=HOSTILE)]),
    )
    for table in tables:
        lines = shown(table)
        assert all(line.isprintable() for line in lines)
        assert any("[red]x[/]" in line for line in lines)


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 160])
def test_tables_fit_into_every_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    wide = "漢字" * 30
    for table in (
        change_table([change(after={"product": wide}, asset="host:2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff")]),
        finding_table([finding(subject=wide)]),
        run_table([run(scope=wide)]),
        asset_table([asset(keys=[f"tcp/{port}" for port in range(1, 200, 2)])]),
    ):
        printing.show(table)
    plain = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out)
    assert max(cell_len(line) for line in plain.splitlines()) <= columns
