"""Findings as people ask for them: of a run, the severest, one by its name, and how many there are."""

from datetime import timedelta

import pytest

from estate.errors import NotFound
from estate.findings import Triage
from estate.store.problems import RULES, Selection, count_open, finding_named, list_findings
from estate.store.rows import FINDING
from estate.store.suppressions import suppress

A, B = "10.0.0.1", "10.0.0.2"
PORTS = "tcp/22,80,3389"
OPEN = {"tcp/22": "open", "tcp/80": "open", "tcp/3389": "open"}


def listed(here, **chosen) -> list[tuple[str, str]]:
    rows = list_findings(here.database, here.manifest.declared, here.now, Selection(**chosen))
    return [(row["asset"], row["locator"]) for row in rows]


def test_of_a_run_those_of_its_zone_and_vantage_are_shown(estate_on_both) -> None:
    here = estate_on_both
    run = here.look("2026-01-01", {A: {"tcp/22": "open"}}).run
    here.look("2026-01-02", {B: {"tcp/22": "open"}}, zone="lab")
    here.look("2026-01-03", {B: {"tcp/80": "open"}}, vantage="internet")
    assert listed(here, run_seq=run.seq) == [(f"host:{A}", "tcp/22")]
    assert len(listed(here)) == 3


def test_only_those_are_touched_whose_life_the_run_changed(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, ports=PORTS)
    second = estate.look("2026-01-02", {A: OPEN | {"tcp/80": "closed"}, B: {"tcp/22": "open"}}, ports=PORTS).run
    assert listed(estate, run_seq=second.seq, touched=True) == [(f"host:{B}", "tcp/22")]
    everything = listed(estate, run_seq=second.seq, touched=True, everything=True)
    assert sorted(everything) == [(f"host:{A}", "tcp/80"), (f"host:{B}", "tcp/22")]


def test_a_limit_takes_the_severest(estate_on_both) -> None:
    estate_on_both.look("2026-01-01", {A: OPEN, B: OPEN}, ports=PORTS)
    assert listed(estate_on_both, limit=2) == [(f"host:{A}", "tcp/3389"), (f"host:{B}", "tcp/3389")]


def test_resolved_ones_and_false_positives_are_shown_only_on_request(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, ports=PORTS)
    estate.look("2026-01-02", {A: OPEN | {"tcp/80": "closed"}}, ports=PORTS)
    with estate.database.write() as connection:
        false = FINDING.update().where(FINDING.c.locator == "tcp/22").values(triage=Triage.FALSE_POSITIVE.value)
        connection.execute(false)
    assert listed(estate) == [(f"host:{A}", "tcp/3389")]
    assert len(listed(estate, everything=True)) == 3
    assert count_open(estate.database, estate.manifest.declared, estate.now) == 1


def test_what_is_open_is_counted_without_accepted_risks(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: OPEN, B: OPEN}, ports=PORTS)
    policy = here.manifest.declared
    assert count_open(here.database, policy, here.now) == len(listed(here)) == 6
    suppress(
        here.database,
        "locator=tcp/22",
        reason="known",
        until=here.now + timedelta(days=30),
        requested_by="ann",
        approved_by="bob",
        now=here.now,
    )
    assert count_open(here.database, policy, here.now) == len(listed(here)) == 4


def test_a_finding_is_found_by_the_beginning_of_its_name(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, ports=PORTS)
    policy = estate.manifest.declared
    wanted = estate.findings()[0]
    assert finding_named(estate.database, policy, estate.now, wanted["fingerprint"][:20]) == wanted
    with pytest.raises(NotFound, match="no finding begins with 'f1:zz'"):
        finding_named(estate.database, policy, estate.now, "f1:zz")
    with pytest.raises(NotFound, match="more than one finding begins with 'f1:'"):
        finding_named(estate.database, policy, estate.now, "f1:")


def test_every_rule_that_settlement_knows_can_be_shown() -> None:
    known = {name for namespace, name in RULES if namespace == "ports"}
    assert known == {"unexpected-port", "expected-port-closed", "tarpit"}
    assert {namespace for namespace, _ in RULES} == {"ports", "tls", "certificates", "host", "runtime", "image"}
    assert all(rule.remediation for rule in RULES.values())


def test_a_detection_from_any_vantage_counts_before_an_absence_from_another(estate_on_both) -> None:
    here = estate_on_both
    for vantage in ("inside", "internet", "dmz"):
        here.look("2026-01-01", {A: {"tcp/22": "open"}}, vantage=vantage)
    told: list[set[str]] = []
    for vantage, state in (("inside", {}), ("dmz", "timeout"), ("internet", {"tcp/22": "silent"}), ("internet", {})):
        here.look(f"2026-01-0{len(told) + 2}", {A: state}, vantage=vantage)
        told.append({row["detection"] for row in here.findings(everything=True)})
    assert told == [{"present"}, {"present"}, {"suspected_absent"}, {"unobserved"}]
