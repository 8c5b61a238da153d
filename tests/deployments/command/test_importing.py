"""`import`: reports of other people's cron jobs, month after month, through the command's surface."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

SCAN_OBJECT = ["run", "state", "asked", "answered", "coverage"]
HOSTS = "10.77.0.2,10.77.0.3,10.77.0.4"
FIRST_DAY = "2020-01-01"
"""When the first report comes in."""


def test_an_import_prints_the_object_of_a_scan(roundsman: Any) -> None:
    told = roundsman.takes_in("all_up")
    assert (told.code, told.err) == (0, "")
    assert list(told.said)[:5] == SCAN_OBJECT
    assert list(told.said)[-2:] == ["changes", "findings"]
    assert told.said["state"] == "complete"
    assert (told.said["asked"], told.said["answered"]) == (3075, 3075)
    coverage = {"positive": 12, "negative": 3063, "silent": 0, "blind": 0}
    assert coverage.items() <= told.said["coverage"].items()
    assert {kind for kind, _, _ in told.changes} == {"first_observed"}
    assert len(told.said["findings"]) == 12


def test_the_same_import_again_is_the_same_run_and_changes_nothing(known: Any) -> None:
    again = known.takes_in("all_up", "--at", FIRST_DAY)
    assert again.code == 0
    assert [run["id"] for run in known("runs", "--json").said["runs"]] == [again.said["run"]]


def test_a_report_is_of_the_time_that_it_says(roundsman: Any) -> None:
    text = (roundsman.evidence / "nmap" / "all_up.xml").read_text()
    (roundsman.folder / "old.xml").write_text(re.sub(r' start="\d+"', ' start="1700000000"', text, count=1))
    told = roundsman("import", "nmap", "old.xml", "--asked", HOSTS, "--json").said
    assert told["looked_at"] == "2023-11-14T22:13:20Z"
    again = roundsman("import", "nmap", "old.xml", "--asked", HOSTS, "--at", told["looked_at"], "--json").said
    assert again["run"] == told["run"], "the same time, said once more"


def test_a_report_of_a_clock_that_is_ahead_is_taken_as_of_now(known: Any) -> None:
    text = (known.evidence / "nmap" / "port_opened.xml").read_text()
    (known.folder / "new.xml").write_text(re.sub(r' start="\d+"', ' start="9999999999"', text, count=1))
    told = known("import", "nmap", "new.xml", "--asked", HOSTS, "--json")
    assert (told.code, len(told.changes)) == (0, 2)
    assert "yet to come" in told.err
    assert known("import", "nmap", "new.xml", "--asked", HOSTS, "--json").said["run"] == told.said["run"]
    assert known("history", "10.77.0.3").code == 0, "and it is over already"


def test_another_question_place_or_time_is_another_run(known: Any) -> None:
    same_time = ("--at", FIRST_DAY)
    known.takes_in("all_up", *same_time, asked=("--asked", HOSTS, "--ports", "1-1024"))
    known.takes_in("all_up", *same_time, asked=("--asked", "10.77.0.2", "--ports", "1-1024,8080"))
    known.takes_in("all_up", *same_time, "--zone", "berlin")
    known.takes_in("all_up", "--at", "1d")
    assert len(known("runs", "--json").said["runs"]) == 5


@pytest.mark.parametrize(
    ("spelling", "same"),
    [("10.77.0.2-4", "1-1024,8080"), ("10.77.0.4, 10.77.0.2,10.77.0.3", "8080,1-1024"), (HOSTS, "T:1-1024,8080")],
)
def test_how_the_question_is_spelled_does_not_matter(known: Any, spelling: str, same: str) -> None:
    known.takes_in("all_up", "--at", FIRST_DAY, asked=("--asked", spelling, "--ports", same))
    assert len(known("runs", "--json").said["runs"]) == 1


def test_a_month_later_only_what_changed_is_told(known: Any) -> None:
    told = known.takes_in("port_opened")
    assert sorted(told.changes) == [("appeared", "host:10.77.0.4", "tcp/993"), ("gone", "host:10.77.0.3", "tcp/8080")]
    assert told.code == 0
    assert known.takes_in("all_up_again").code == 0


def test_without_ports_the_reports_own_claim_counts(roundsman: Any) -> None:
    told = roundsman.takes_in("all_up", asked=("--asked", HOSTS)).said
    assert (told["keys"], told["asked"]) == ("tcp/1-1024,8080", 3075)
    assert roundsman.takes_in("narrow", asked=("--asked", HOSTS)).said["changes"] == []


def test_a_host_that_nobody_mentions_is_blind_and_never_gone(known: Any) -> None:
    told = known.takes_in("host_down_quiet")
    assert {kind for kind, _, _ in told.changes} == {"lost_sight"}
    assert {asset for _, asset, _ in told.changes} == {"host:10.77.0.4"}
    assert told.said["state"] == "partial"


def test_what_was_not_asked_is_ignored_with_a_warning(roundsman: Any) -> None:
    told = roundsman.takes_in("all_up", asked=("--asked", "10.77.0.2", "--ports", "22"))
    assert told.code == 0
    assert told.said["asked"] == 1
    assert [asset for _, asset, _ in told.changes] == ["host:10.77.0.2"]
    assert len(told.said["warnings"]) == 2
    assert told.err.count("ignored") == 2


def test_a_time_said_orders_the_runs(roundsman: Any) -> None:
    roundsman.takes_in("port_opened", "--at", "2026-03-01")
    late = roundsman.takes_in("all_up", "--at", "2026-02-01")
    assert late.code == 0
    looked = [run["looked_at"] for run in roundsman("runs", "--json").said["runs"]]
    assert looked == ["2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"]
    assets = {one["asset"]: one["keys"] for one in roundsman("assets", "--json").said["assets"]}
    assert assets["host:10.77.0.3"] == ["tcp/22", "tcp/80", "tcp/443"], "the later look saw tcp/8080 closed"


def test_a_failed_canary_makes_silence_blind(known: Any) -> None:
    told = known.takes_in("scanner_banned", "--canary", "failed")
    assert {kind for kind, _, _ in told.changes} == {"lost_sight"}
    assert told.code == 3
    assert known.takes_in("all_up_again", "--canary", "ok").code == 0


def test_a_scan_below_the_floor_is_three_whatever_was_found(known: Any) -> None:
    told = known.takes_in("killed_sigkill", "--fail-on", "change")
    assert told.said["state"] == "partial"
    assert told.said["coverage"]["ratio"] < told.said["coverage"]["floor"]
    assert told.code == 3
    assert known.takes_in("interface_down", "--fail-on", "low").code == 3


def test_nothing_that_could_be_read_is_blind_everywhere(known: Any) -> None:
    (known.folder / "killed.xml").write_bytes(b"")
    told = known("import", "nmap", "killed.xml", *("--asked", HOSTS, "--ports", "1-1024,8080", "--at", "1d", "--json"))
    assert told.code == 3
    assert told.said["state"] == "failed"
    assert {kind for kind, _, _ in told.changes} == {"lost_sight"}


def test_fail_on_says_when_it_is_one(known: Any) -> None:
    assert known.takes_in("all_up_again", "--fail-on", "change").code == 0
    assert known.takes_in("port_opened", "--fail-on", "change").code == 1
    assert known.takes_in("port_opened", "--fail-on", "medium").code == 1
    assert known.takes_in("port_opened", "--fail-on", "high").code == 0
    assert known.takes_in("port_opened").code == 0


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("", "empty target"),
        (",", "empty target"),
        ("10.77.0.2,", "empty target"),
        ("-iL x", "-iL x"),
        ("--script=vuln", "--script=vuln"),
        ("10.77.0.2 10.77.0.3", "10.77.0.2 10.77.0.3"),
        ("10.77.0.2;id", "10.77.0.2;id"),
        ("$(id)", "$(id)"),
        ("10.77.0.2\n10.77.0.3", "neither an address"),
        ("10.77.0.256", "10.77.0.256"),
        ("010.77.0.2", "010.77.0.2"),
        ("10.77.0.2/33", "10.77.0.2/33"),
        ("10.77.0.9-2", "10.77.0.9-2"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("10.0.0.0/7", "10.0.0.0/7"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:db8::/64", "2001:db8::/64"),
        ("10.0.0.0/8,192.168.0.0/16", "more than 16,777,216"),
    ],
)
def test_a_question_that_is_none_or_has_no_end_is_two(roundsman: Any, asked: str, named: str) -> None:
    told = roundsman.takes_in("all_up", asked=("--asked", asked, "--ports", "80"))
    assert (told.code, told.out) == (2, "")
    assert named in told.err
    assert roundsman("runs", "--json").said == {"runs": []}, "and leaves no run behind"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--ports", value) for value in ("", "0", "70000", "http", "1-1024;id", "sctp/1", "-p-", "1-99999999999")),
        *(("--zone", value) for value in ("", "a b", "../x", "UPPER", "ü", "x" * 80, "-x")),
        *(("--vantage", value) for value in ("", "a b", "UPPER")),
        *(("--at", value) for value in ("", "nonsense", "2999-01-01", "2026-02-30", "-1d", "999999d")),
        *(("--canary", value) for value in ("", "maybe", "OK!")),
        *(("--metadata", value) for value in ("x.json",)),
        *(("--fail-on", value) for value in ("", "sometimes")),
    ],
)
def test_an_option_that_makes_no_sense_is_two(roundsman: Any, option: str, value: str) -> None:
    told = roundsman.takes_in("all_up", option, value, asked=("--asked", HOSTS))
    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1
    assert "Traceback" not in told.err
    assert roundsman("runs", "--json").said == {"runs": []}


@pytest.mark.parametrize("name", ["absent.xml", ".", "/dev/null", "x" * 300])
def test_what_is_no_file_is_two(roundsman: Any, name: str) -> None:
    told = roundsman("import", "nmap", name, "--asked", HOSTS, "--ports", "80")
    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [
        b"hello\n",
        b"<html></html>",
        b'<!DOCTYPE n [<!ENTITY a "aa">]><nmaprun args="&a;"/>',
        b'<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun args="&x;"/>',
        bytes(range(256)),
    ],
)
def test_what_is_no_report_is_two_and_leaves_no_run_behind(roundsman: Any, content: bytes) -> None:
    (roundsman.folder / "wrong.xml").write_bytes(content)
    told = roundsman("import", "nmap", "wrong.xml", "--asked", HOSTS, "--ports", "80", "--json")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("roundsman: wrong.xml: ")
    assert roundsman("runs", "--json").said == {"runs": []}


def test_a_report_without_ports_needs_them_said(roundsman: Any) -> None:
    told = roundsman.takes_in("ping_scan", asked=("--asked", HOSTS))
    assert (told.code, told.out) == (2, "")
    assert "--ports" in told.err


def test_zmap_comes_in_with_its_metadata(roundsman: Any, evidence: Path) -> None:
    csv, metadata = evidence / "zmap" / "port_80_whole.csv", evidence / "zmap" / "port_80_whole.json"
    command = ("import", "zmap", str(csv), "--asked", "10.77.0.0/24", "--at", FIRST_DAY, "--json")
    told = roundsman(*command, "--metadata", str(metadata))
    assert told.code == 0
    assert (told.said["asked"], told.said["coverage"]["silent"]) == (256, 253)
    assert {(kind, key) for kind, _, key in told.changes} == {("first_observed", "tcp/80")}
    blind = roundsman(*command)
    assert blind.code == 3
    assert blind.said["coverage"]["blind"] == 253


def test_a_report_may_come_through_a_pipe(known: Any) -> None:
    with (known.evidence / "nmap" / "all_up.xml").open("rb") as report:
        question = ("--asked", HOSTS, "--ports", "1-1024,8080", "--at", FIRST_DAY)
        told = known.alone("import", "nmap", "-", *question, "--json", stdin=report)
    assert told.code == 0
    assert told.said["run"] == known("runs", "--json").said["runs"][0]["id"], "the same bytes are the same run"
    os.mkfifo(known.folder / "pipe")
    with known.popen("import", "nmap", "pipe", "--asked", "10.77.0.2", "--at", FIRST_DAY) as process:
        (known.folder / "pipe").write_bytes((known.evidence / "nmap" / "all_up.xml").read_bytes())
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_file_may_have_any_name(roundsman: Any) -> None:
    name = os.fsdecode(b"r\xe9port \x1b[31m[red].xml")
    (roundsman.folder / name).write_bytes((roundsman.evidence / "nmap" / "all_up.xml").read_bytes())
    question = ("--asked", HOSTS, "--at", FIRST_DAY)
    told = roundsman("import", "nmap", name, *question, "--json")
    assert told.code == 0
    assert told.said["choice"].isprintable()
    assert "\x1b" not in roundsman("import", "nmap", name, *question).out


def test_the_only_zone_of_the_estate_is_meant(roundsman: Any) -> None:
    roundsman.describes(
        '[[scopes]]\nname = "office"\nzone = "berlin"\nauthorised_by = "Ada"\nnetworks = ["10.77.0.0/24"]\n'
    )
    assert roundsman.takes_in("all_up").said["zone"] == "berlin"
    assert roundsman.takes_in("all_up", "--zone", "bonn").said["zone"] == "bonn"


def test_people_read_what_is_open_and_by_whom_it_is_expected(roundsman: Any) -> None:
    roundsman.describes('[[expected]]\nnetwork = "10.77.0.0/24"\nports = "tcp/22"\naccepted_by = "Ada"\n')
    told = roundsman.takes_in("versions_on", how=())
    lines = told.out.splitlines()
    assert lines[0].startswith("ports · import · ")
    assert lines[1] == "complete: 3,075 questions asked, 100 % answered, 12 open"
    assert "Seen for the first time:" in lines
    ssh = next(line for line in lines if "10.77.0.2" in line and "tcp/22" in line)
    assert "ssh OpenSSH" in ssh
    assert "network 10.77.0.0/24, accepted by Ada" in ssh
    assert any(line.endswith("nobody") for line in lines)
    assert told.err == "9 findings are open: `roundsman findings`\n"
