"""The life of findings: opened, suspected, unobserved, resolved, reopened; judged by what is expected."""

import hashlib
import json

import pytest

A, B = "10.0.0.1", "10.0.0.2"
OPEN = {"tcp/22": "open", "tcp/80": "open"}
EXPECTED = f'[[expected]]\nasset = "{A}"\nports = "tcp/22,80"\n'
BY_NETWORK = '[[expected]]\nnetwork = "10.0.0.0/24"\nports = "tcp/22,80"\n'


def lives(estate) -> list[tuple[str, str, str]]:
    """(rule, step, cause) of every step in the order of runs."""
    rules = {row["fingerprint"]: row["rule"] for row in estate.dump()["finding"]}
    order = {run: number for number, run in enumerate(estate.run_ids())}
    steps = sorted(estate.dump()["findingstep"], key=lambda row: order[row["from_seq"]])
    return [(rules[row["finding_id"]], row["step"], row["cause"]) for row in steps]


def test_an_open_port_that_nobody_expects_is_a_finding_for_as_long_as_it_is_open(estate_on_both) -> None:
    here = estate_on_both
    for day, states in enumerate((OPEN, OPEN, {"tcp/22": "open"}, OPEN), 1):
        here.look(f"2026-01-0{day}", {A: states})
    found = {row["locator"]: row for row in here.findings(everything=True)}
    assert {row["detection"] for row in found.values()} == {"present"}
    assert (found["tcp/80"]["severity"], found["tcp/22"]["severity"]) == ("low", "medium")
    assert lives(here) == [
        ("unexpected-port", "opened", "scope"),
        ("unexpected-port", "opened", "scope"),
        ("unexpected-port", "resolved", "estate"),
        ("unexpected-port", "reopened", "estate"),
    ]


def test_a_finding_is_suspected_and_unobserved_as_its_port_is(estate_on_both) -> None:
    here = estate_on_both
    told = []
    states: tuple[object, ...] = (OPEN, dict.fromkeys(OPEN, "silent"), "timeout", OPEN, "down", {})
    for day, state in enumerate(states, 1):
        here.look(f"2026-01-0{day}", {A: state}, ports="tcp/22,80")
        told.append({row["detection"] for row in here.findings(everything=True)})
    assert told == [{"present"}, {"suspected_absent"}, {"unobserved"}, {"present"}, {"unobserved"}, {"absent"}]
    steps = [step for _, step, _ in lives(here)][::2]
    assert steps == ["opened", "suspected", "unobserved", "verified", "unobserved", "resolved"]
    assert here.findings() == []


def test_what_is_expected_is_no_finding_but_what_stands_beside_it_is(estate) -> None:
    estate.declare(EXPECTED)
    estate.look("2026-01-01", {A: {**OPEN, "tcp/443": "open"}, B: {"tcp/22": "open"}})
    assert {(row["asset"], row["locator"]) for row in estate.findings()} == {
        (f"host:{A}", "tcp/443"),
        (f"host:{B}", "tcp/22"),
    }


def test_a_fingerprint_is_the_hash_of_what_was_found_where_and_of_nothing_else(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    estate.look("2026-01-02", {A: {"tcp/22": "open"}}, zone="lab")
    for row in estate.findings():
        asset = row["asset"] if row["zone"] == "default" else f"{row['asset']}@{row['zone']}"
        text = json.dumps(
            [1, "ports", row["rule"], asset, row["locator"]], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        assert row["fingerprint"] == "f1:" + hashlib.sha256(text.encode()).hexdigest()


def test_a_declared_port_that_is_refused_is_a_finding_even_if_it_never_answered(estate_on_both) -> None:
    here = estate_on_both
    here.declare(EXPECTED)
    here.look("2026-01-01", {A: {"tcp/22": "open"}})
    (finding,) = here.findings()
    assert (finding["rule"], finding["locator"], finding["evidence"]) == ("expected-port-closed", "tcp/80", "reset")
    here.look("2026-01-02", {A: OPEN})
    assert here.findings() == []
    here.look("2026-01-03", {A: {"tcp/80": "open"}})
    assert [row["locator"] for row in here.findings()] == ["tcp/22"]


@pytest.mark.parametrize("state", ["down", "timeout", {"tcp/22": "silent", "tcp/80": "silent"}])
def test_a_declared_port_that_is_not_refused_but_unseen_is_no_finding(estate, state) -> None:
    estate.declare(EXPECTED)
    estate.look("2026-01-01", {A: state})
    assert estate.findings(everything=True) == []


def test_what_a_network_may_offer_is_missed_only_where_it_was_there_once(estate) -> None:
    estate.declare(BY_NETWORK)
    estate.look("2026-01-01", {A: OPEN, B: {"tcp/22": "open"}})
    assert estate.findings() == [], "B never offered tcp/80, and need not"
    estate.look("2026-01-02", {A: {"tcp/22": "open"}, B: {"tcp/22": "open"}})
    assert [(row["rule"], row["asset"], row["locator"]) for row in estate.findings()] == [
        ("expected-port-closed", f"host:{A}", "tcp/80")
    ]


def test_a_missed_port_that_we_can_no_longer_look_at_is_unobserved(estate) -> None:
    estate.declare(EXPECTED)
    told = []
    for day, state in enumerate(({"tcp/22": "open"}, "timeout", {"tcp/22": "open"}, OPEN), 1):
        estate.look(f"2026-01-0{day}", {A: state}, ports="tcp/22,80")
        told.append([row["detection"] for row in estate.findings(everything=True) if row["locator"] == "tcp/80"])
    assert told == [["present"], ["unobserved"], ["present"], ["absent"]]


def test_a_service_that_turns_out_worse_rerates_its_finding(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: {"tcp/8443": "open"}}, ports="tcp/8443")
    assert [row["severity"] for row in here.findings()] == ["medium"]
    here.look("2026-01-02", {A: {"tcp/8443": "open telnet telnetd"}}, ports="tcp/8443")
    assert [row["severity"] for row in here.findings()] == ["high"]
    assert [step for _, step, _ in lives(here)] == ["opened", "rerated"]


def test_the_cause_of_a_finding_is_that_of_the_change_it_speaks_of(estate) -> None:
    estate.look("2026-01-01", {A: {"tcp/22": "open"}}, ports="tcp/22")
    estate.look("2026-01-02", {A: OPEN}, ports="tcp/22,80")
    estate.look("2026-01-03", {A: {**OPEN, "tcp/443": "open"}}, ports="tcp/22,80,443")
    estate.look("2026-01-04", {A: {**OPEN, "tcp/443": "closed"}}, ports="tcp/22,80,443")
    assert [cause for _, _, cause in lives(estate)] == ["scope", "profile", "profile", "estate"]


def test_a_finding_says_when_it_was_first_and_last_seen_and_last_looked_at(estate_on_both) -> None:
    here = estate_on_both
    here.declare(EXPECTED)
    for day, state in enumerate((OPEN | {"tcp/443": "open"}, {"tcp/443": "open"}, "timeout", {"tcp/443": "silent"}), 1):
        here.look(f"2026-01-0{day}", {A: state})
    found = {row["locator"]: (row["first_seen"], row["last_seen"], row["last_looked"]) for row in here.findings()}
    days = [f"2026-01-0{day}T00:00:00Z" for day in range(5)]
    assert found["tcp/443"] == (days[1], days[2], days[4])
    assert found["tcp/22"] == (days[2], days[4], days[4])


def test_the_riskiest_finding_comes_first(estate) -> None:
    estate.declare(
        f'[[assets]]\nname = "vault.example"\naddresses = ["{B}"]\ncriticality = "critical"\nowner = "Ada"\n'
    )
    estate.look("2026-01-01", {A: {"tcp/80": "open", "tcp/23": "open"}, B: {"tcp/22": "open"}}, ports="tcp/22,23,80")
    rows = [(row["asset"], row["locator"], row["risk"], row["owner"]) for row in estate.findings()]
    assert rows == [
        (f"host:{A}", "tcp/23", 70.0, ""),
        ("host:vault.example", "tcp/22", 56.0, "Ada"),
        (f"host:{A}", "tcp/80", 20.0, ""),
    ]
