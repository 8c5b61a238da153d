"""Reports that arrive out of order: an old one changes nothing that a newer one saw, and tells what nobody else saw."""

import pytest

A, B = "10.0.0.1", "10.0.0.2"
OPEN = {"tcp/22": "open"}
MORE = {"tcp/22": "open", "tcp/80": "open"}


def test_an_older_report_changes_nothing_that_a_newer_one_saw(started) -> None:
    started.nmap("port_opened.xml", at="2026-03-01")
    facts, changes = started.dump()["fact"], started.changes()
    for at, file in (("2026-02-01", "all_up_again"), ("2026-02-02", "firewall_reject_rst"), ("2026-02-03", "tarpit")):
        assert started.kinds(started.nmap(f"{file}.xml", at=at)) == {}, file
    assert (started.dump()["fact"], started.changes()) == (facts, changes)


def test_an_older_report_tells_of_hosts_and_ports_that_nobody_else_looked_at(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: OPEN}, ports="tcp/22")
    here.look("2026-03-01", {A: OPEN}, ports="tcp/22")
    late = here.look("2026-02-01", {A: MORE, B: OPEN}, ports="tcp/22,80")
    assert sorted(here.told(late)) == [
        ("first_observed", f"host:{A}", "tcp/80"),
        ("first_observed", f"host:{B}", "tcp/22"),
    ]
    assert {change["cause"] for change in here.changes(late.run)} == {"profile", "scope"}
    assert here.assets() == {f"host:{A}": ["tcp/22", "tcp/80"], f"host:{B}": ["tcp/22"]}


def test_an_older_refusal_counts_where_newer_runs_only_lost_sight(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: MORE})
    here.look("2026-03-01", {A: "timeout"})
    late = here.look("2026-02-01", {A: OPEN})
    assert here.told(late) == [("gone", f"host:{A}", "tcp/80")]
    assert here.assets() == {f"host:{A}": []}, "tcp/22 is still out of sight: a later run could not look"
    back = here.look("2026-04-01", {A: MORE})
    assert sorted(here.told(back)) == [("reappeared", f"host:{A}", "tcp/80"), ("sight_regained", f"host:{A}", "tcp/22")]


def test_what_only_an_older_report_saw_is_out_of_sight_where_the_newer_one_could_not_look(estate) -> None:
    estate.look("2026-01-01", {A: OPEN, B: OPEN}, ports="tcp/22")
    estate.look("2026-03-01", {A: "timeout", B: OPEN}, ports="tcp/22,80")
    late = estate.look("2026-02-01", {A: MORE, B: OPEN}, ports="tcp/22,80")
    assert estate.told(late) == [("first_observed", f"host:{A}", "tcp/80")]
    (row,) = [row for row in estate.here_assets() if row["asset"] == f"host:{A}"]
    assert (row["keys"], row["unseen"]) == ([], ["tcp/22", "tcp/80"])


def test_the_silence_of_a_sweep_does_not_outweigh_an_older_report(estate) -> None:
    estate.look("2026-01-01", {B: OPEN}, ports="tcp/80")
    metadata = estate.zmap("port_80_whole.json")
    estate.settle(
        estate.zmap("port_80_whole.csv"), at="2026-03-01", asked="10.77.0.0/24", ports=None, metadata=metadata
    )
    late = estate.look("2026-02-01", {"10.77.0.9": {"tcp/80": "open"}}, ports="tcp/80")
    assert estate.told(late) == [("first_observed", "host:10.77.0.9", "tcp/80")]


def test_a_newer_silence_stands(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    estate.look("2026-03-01", {A: {**OPEN, "tcp/80": "silent"}})
    assert estate.kinds(estate.look("2026-02-01", {A: MORE})) == {}


def test_what_opened_in_an_older_report_is_judged_by_what_was_known_before_it(estate) -> None:
    estate.look("2026-01-01", {A: {}}, ports="tcp/22,80")
    estate.look("2026-03-01", {A: {}}, ports="tcp/22")
    late = estate.look("2026-02-01", {A: {"tcp/80": "open"}}, ports="tcp/80")
    (change,) = estate.changes(late.run)
    assert (change["kind"], change["certainty"]) == ("appeared", "proved")


def test_a_run_after_a_late_one_goes_on_from_the_whole(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, ports="tcp/22")
    estate.look("2026-03-01", {A: OPEN}, ports="tcp/22")
    estate.look("2026-02-01", {A: MORE}, ports="tcp/22,80")
    assert estate.told(estate.look("2026-04-01", {A: {}})) == [
        ("gone", f"host:{A}", "tcp/22"),
        ("gone", f"host:{A}", "tcp/80"),
    ]


def test_a_late_run_reopens_no_finding_and_opens_what_is_new(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: MORE})
    here.look("2026-03-01", {A: OPEN})
    here.look("2026-02-01", {A: MORE, B: OPEN})
    found = {(row["asset"], row["locator"]): row["detection"] for row in here.findings(everything=True)}
    assert found == {
        (f"host:{A}", "tcp/22"): "present",
        (f"host:{A}", "tcp/80"): "absent",
        (f"host:{B}", "tcp/22"): "present",
    }


def test_changes_are_listed_by_when_was_looked_not_by_when_they_came(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    estate.look("2026-03-01", {A: MORE})
    estate.look("2026-02-01", {B: OPEN})
    assert [change["looked_at"][:10] for change in estate.changes()] == ["2026-01-01", "2026-02-01", "2026-03-01"]


ORDERS = [(1, 2, 3), (1, 3, 2), (3, 1, 2), (3, 2, 1)]
LIVES = {
    "opens": ({}, MORE, MORE),
    "closes": (MORE, {}, {}),
    "closes and opens": (MORE, {}, MORE),
    "opens and closes": ({}, MORE, {}),
    "out of sight at last": (MORE, MORE, "timeout"),
    "out of sight between": (MORE, "timeout", MORE),
    "refused, then out of sight": (MORE, {}, "timeout"),
    "another host": (None, MORE, None),
}


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("life", LIVES)
def test_what_is_there_in_the_end_does_not_depend_on_the_order_of_arrival(estate, life, order) -> None:
    for day in order:
        states = LIVES[life][day - 1]
        estate.look(f"2026-01-0{day}", {B: OPEN} | ({} if states is None else {A: states}))
    last = next(states for states in reversed(LIVES[life]) if states not in (None, "timeout"))
    lost = LIVES[life][2] == "timeout"
    (row,) = [row for row in estate.here_assets() if row["asset"] == f"host:{A}"] or [{"keys": [], "unseen": []}]
    assert (row["unseen"] if lost else row["keys"]) == sorted(last)
