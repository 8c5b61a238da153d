"""`runs`, `changes`, `findings`, `assets` and `history`, as programs and as people read them."""

from typing import Any

import pytest

KINDS = {
    *("first_observed", "appeared", "reappeared", "changed", "suspected_gone", "gone"),
    *("lost_sight", "sight_regained", "rescoped_out", "flapping"),
}
CHANGE = {"kind", "cause", "certainty", "asset", "aspect", "key", "before", "after", "reason"}
FINDING = {
    *("fingerprint", "rule", "severity", "risk", "asset", "subject", "locator", "detection", "triage"),
    *("first_seen", "last_seen", "last_looked", "evidence", "remediation", "refs"),
}


@pytest.mark.parametrize("command", ["runs", "changes", "findings", "assets"])
def test_an_empty_list_bears_the_name_of_its_command(roundsman: Any, command: str) -> None:
    assert roundsman(command, "--json").said == {command: []}
    assert roundsman(command, "--jsonl").out == ""


@pytest.mark.parametrize("command", ["runs", "changes", "findings", "assets"])
def test_before_the_first_run_people_are_told_what_to_do(roundsman: Any, command: str) -> None:
    told = roundsman(command)
    assert told.code == 0
    assert told.out == "No open findings.\n" if command == "findings" else "roundsman scan" in told.out


@pytest.mark.parametrize("command", [("runs",), ("changes",), ("findings",), ("assets",), ("history", "10.77.0.3")])
def test_lines_are_the_rows_of_the_object_and_nothing_else_is_printed(known: Any, command: tuple[str, ...]) -> None:
    told = known(*command, "--json")
    assert (told.code, told.err) == (0, "")
    rows = told.said[command[0]]
    assert rows
    lines = known(*command, "--jsonl").lines
    moving = {"why"} if command[0] == "history" else set()
    assert [{k: v for k, v in line.items() if k not in moving} for line in lines] == [
        {k: v for k, v in row.items() if k not in moving} for row in rows
    ]


def test_a_change_has_all_that_is_promised(known: Any) -> None:
    known.takes_in("port_opened")
    for one in known("changes", "--json").said["changes"]:
        assert one.keys() >= CHANGE
        assert one["kind"] in KINDS
        assert one["cause"] in {"estate", "scope", "profile", "engine", "intel", "policy"}
        assert one["certainty"] in {"proved", "confirmed", "likely", "suspected"}
        assert one["aspect"] == "ports"
        assert one["asset"].startswith("host:10.77.0.")


def test_a_finding_has_all_that_is_promised(known: Any) -> None:
    for one in known("findings", "--json").said["findings"]:
        assert one.keys() >= FINDING
        assert one["fingerprint"].startswith("f1:")
        assert len(one["fingerprint"]) == 3 + 64
        assert one["severity"] in {"critical", "high", "medium", "low", "info"}
        assert one["detection"] in {"present", "suspected_absent", "absent", "unobserved"}
        assert one["triage"] in {"new", "confirmed", "in_progress", "false_positive"}


def test_a_run_has_its_state_and_its_coverage(known: Any) -> None:
    (run,) = known("runs", "--json").said["runs"]
    assert run["state"] == "complete"
    assert (run["asked"], run["answered"]) == (3 * 1025, 3 * 1025)
    assert run["coverage"]["positive"] == 12


def test_changes_are_those_of_the_latest_published_run(known: Any) -> None:
    assert len(known("changes", "--json").said["changes"]) == 12
    known.takes_in("port_opened")
    told = {(one["kind"], one["key"]) for one in known("changes", "--json").said["changes"]}
    assert told == {("gone", "tcp/8080"), ("appeared", "tcp/993")}
    known.takes_in("all_up_again")
    told = {(one["kind"], one["key"]) for one in known("changes", "--json").said["changes"]}
    assert told == {("gone", "tcp/993"), ("reappeared", "tcp/8080")}


def test_a_run_is_named_by_the_beginning_of_its_id(known: Any) -> None:
    first = known("runs", "--json").said["runs"][0]["id"]
    known.takes_in("port_opened")
    for name in (first, first[:12], first[:4]):
        assert len(known("changes", "--run", name, "--json").said["changes"]) == 12


def test_a_beginning_of_several_ids_is_two(known: Any) -> None:
    known.takes_in("port_opened")
    told = known("changes", "--run", "i", "--json")
    assert (told.code, told.out) == (2, "")
    assert "more than one run" in told.err


def test_no_id_names_no_run(known: Any) -> None:
    for command in (("changes", "--run", ""), ("settle", ""), ("baseline", "")):
        told = known(*command)
        assert (told.code, told.out) == (2, "")
        assert "roundsman runs" in told.err


def test_changes_since_a_time_are_those_of_every_run_since(known: Any) -> None:
    known.takes_in("port_opened")
    assert len(known("changes", "--since", "2019-01-01", "--json").said["changes"]) == 14
    looked = known("runs", "--json").said["runs"][0]["looked_at"]
    assert len(known("changes", "--since", looked, "--json").said["changes"]) == 2
    assert known("changes", "--since", "1s", "--json").said == {"changes": []}
    assert known("changes", "--since", "2999-01-01").code == 2


def test_people_read_which_run_it_was(known: Any) -> None:
    told = known("changes")
    run = known("runs", "--json").said["runs"][0]["id"][:12]
    assert told.out.splitlines()[0].startswith(f"run · {run} · complete")
    known.takes_in("all_up_again")
    assert known("changes").out.endswith("Nothing changed.\n")


def test_a_failed_run_says_so_beside_its_changes(known: Any) -> None:
    known.takes_in("interface_down")
    told = known("changes")
    assert "lost sight" in told.out
    assert "could not look at" in told.err
    assert known("changes", "--json").said["changes"]


def test_no_change_where_we_could_not_look_is_not_told_as_nothing_changed(known: Any) -> None:
    known.takes_in("host_down_verbose")
    known.takes_in("host_down_verbose")
    assert known("changes").out.endswith("Nothing changed where we could look.\n")
    known.takes_in("interface_down")
    known.takes_in("interface_down")
    assert known("changes").out.endswith("Nothing could be looked at; what was known stands.\n")


def test_fail_on_change_counts_what_is_news_to_the_estate(known: Any) -> None:
    assert known("changes", "--fail-on", "change").code == 0, "what was never looked at before is no change"
    known.takes_in("port_opened")
    assert known("changes", "--fail-on", "change", "--json").code == 1
    assert known("changes").code == 0
    known.takes_in("port_opened")
    assert known("changes", "--fail-on", "change", "--jsonl").code == 0
    assert known("changes", "--fail-on", "high").code == 2


def test_fail_on_a_severity_counts_open_findings_as_severe(known: Any) -> None:
    assert known("findings", "--fail-on", "medium", "--json").code == 1
    assert known("findings", "--fail-on", "high").code == 0
    assert known("findings", "--fail-on", "never").code == 0
    assert known("findings", "--fail-on", "change").code == 2


def test_resolved_findings_are_told_when_asked_for(known: Any) -> None:
    known.takes_in("port_opened")
    still_open = known("findings", "--json").said["findings"]
    everything = known("findings", "--all", "--json").said["findings"]
    assert {one["detection"] for one in still_open} == {"present"}
    resolved = [one for one in everything if one["detection"] == "absent"]
    assert [(one["asset"], one["locator"]) for one in resolved] == [("host:10.77.0.3", "tcp/8080")]
    assert "(resolved)" in known("findings", "--all").out


def test_the_riskiest_finding_comes_first(known: Any) -> None:
    risks = [one["risk"] for one in known("findings", "--json").said["findings"]]
    assert risks == sorted(risks, reverse=True)
    assert risks[0] > risks[-1]


def test_an_asset_has_what_is_seen_and_what_is_out_of_sight(known: Any) -> None:
    known.takes_in("host_down_verbose")
    assets = {one["asset"]: one for one in known("assets", "--json").said["assets"]}
    assert assets["host:10.77.0.2"]["keys"] == ["tcp/22", "tcp/80", "tcp/443", "tcp/8080"]
    assert assets["host:10.77.0.4"]["keys"] == []
    assert assets["host:10.77.0.4"]["unseen"] == ["tcp/22", "tcp/80", "tcp/443", "tcp/8080"]
    assert "out of sight" in known("assets").out


def test_history_tells_the_state_at_a_time_and_where_we_were_blind(roundsman: Any) -> None:
    roundsman.takes_in("all_up", "--at", "2026-01-01")
    roundsman.takes_in("host_down_verbose", "--at", "2026-02-01")
    roundsman.takes_in("port_closed", "--at", "2026-03-01")
    told = roundsman("history", "host:10.77.0.4", "--at", "2026-02-15", "--json").said
    assert (told["asset"], told["at"]) == ("host:10.77.0.4", "2026-02-15T00:00:00Z")
    one = next(key for key in told["history"] if key["key"] == "tcp/22")
    assert one["state"] == "present"
    assert not one["certain"]
    assert [look["reason"] for look in one["blind"]] == ["host-down"]
    assert [look["reason"] for look in told["blind"]] == ["host-down"]
    shown = roundsman("history", "10.77.0.4", "--at", "2026-02-15").out
    assert "present?" in shown
    assert "blind at 2026-02-01T00:00:00Z: host-down" in shown


def test_history_before_the_first_look_is_unknown(known: Any) -> None:
    told = known("history", "10.77.0.3", "--at", "2019-01-01", "--json").said
    assert {key["state"] for key in told["history"]} == {"unknown"}
    assert "unknown?" not in known("history", "10.77.0.3", "--at", "2019-01-01").out


def test_history_knows_when_something_went(known: Any) -> None:
    known.takes_in("port_opened")
    told = known("history", "10.77.0.3", "--json").said
    assert {key["key"]: key["state"] for key in told["history"]}["tcp/8080"] == "absent"


@pytest.mark.parametrize("moment", ["2999-01-01", "nonsense", ""])
def test_history_at_no_moment_of_the_past_is_two(known: Any, moment: str) -> None:
    told = known("history", "10.77.0.3", "--at", moment, "--json")
    assert (told.code, told.out) == (2, "")
    assert "--at" in told.err


def test_an_address_in_two_zones_has_to_be_told_apart(known: Any) -> None:
    known.takes_in("all_up", "--zone", "berlin")
    told = known("history", "10.77.0.3", "--json")
    assert (told.code, told.out) == (2, "")
    assert "berlin, default" in told.err
    assert known("history", "10.77.0.3", "--zone", "berlin", "--json").said["zone"] == "berlin"


@pytest.mark.parametrize("asset", ["a b", "-iL x", "10.77.0.256", "$(id)", "host:"])
def test_what_is_no_asset_is_two(known: Any, asset: str) -> None:
    told = known("history", "--", asset)
    assert (told.code, told.out) == (2, "")


def test_hostile_banners_are_harmless_wherever_they_are_read(roundsman: Any) -> None:
    asked = ("--asked", "10.77.0.2")
    roundsman.takes_in("hostile_banner", asked=asked)
    asset = ("history", "10.77.0.2")
    for command in (("changes",), ("findings",), ("assets",), ("runs",), ("baseline",), asset):
        for how in ((), ("--json",)):
            told = roundsman(*command, *how)
            assert told.code == 0, command
            assert all(line.isprintable() for line in told.out.splitlines()), command
            assert not how or told.out.isascii()
