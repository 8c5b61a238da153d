"""What is forgotten when told to, and what stays whatever its age."""

import pytest

from estate.errors import EvidenceMissing
from estate.store.retention import prune

A, B = "10.0.0.1", "10.0.0.2"
OPEN = {"tcp/22": "open"}


def forget(here, before=None, *, runs=None, dry=False):
    moments = [here.moment(text) if text else None for text in (before, runs)]
    return prune(here.database, here.folder, moments[0], here.now, dry=dry, forget_before=moments[1])


def stored(here) -> int:
    return sum(1 for _ in here.folder.root.rglob("*.zst"))


def test_old_evidence_goes_and_everything_that_was_learnt_stays(estate_on_both) -> None:
    here = estate_on_both
    old = here.look("2026-01-01", {A: OPEN}).run
    new = here.look("2026-02-01", {A: {}}).run
    before = (here.dump(), here.changes(), here.history(A, "2026-03-01"))
    dry = forget(here, "2026-01-15", dry=True)
    assert (dry.documents, dry.runs, stored(here)) == (1, 1, 2)
    assert forget(here, "2026-01-15") == dry
    assert stored(here) == 1
    assert (here.dump(), here.changes(), here.history(A, "2026-03-01")) == before
    with pytest.raises(EvidenceMissing, match="was pruned on 2030-01-01"):
        here.settler().settle(old)
    assert here.settler().settle(new).message.startswith("the stored evidence says the same")
    assert forget(here, "2026-01-15").documents == 0


def test_a_document_that_a_later_run_refers_to_as_well_stays(started) -> None:
    started.nmap("all_up.xml", at="2026-02-01")
    assert stored(started) == 1
    pruned = forget(started, "2026-01-15")
    assert (pruned.documents, pruned.bytes, stored(started)) == (0, 0, 1)
    assert started.settler().settle(started.nmap("all_up.xml", at="2026-02-01").run).state == "complete"
    assert forget(started, "2026-02-15").documents == 1
    assert stored(started) == 0


def test_metadata_goes_with_its_results(estate) -> None:
    told = {"asked": "10.77.0.0/24", "ports": None, "metadata": estate.zmap("port_80_whole.json")}
    estate.settle(estate.zmap("port_80_whole.csv"), at="2026-01-01", **told)
    assert forget(estate, "2026-02-01").documents == 2
    assert stored(estate) == 0


def test_evidence_of_runs_that_wait_for_an_answer_stays(estate) -> None:
    hosts = {f"10.1.0.{n}": OPEN for n in range(1, 61)}
    estate.look("2026-01-01", hosts, ports="tcp/22")
    held = estate.look("2026-01-02", {name: {} for name in hosts}, ports="tcp/22").run
    assert forget(estate, "2026-02-01", runs="2026-02-01").documents == 1
    assert estate.kinds(estate.settler().settle(held, accept=True)) == {"gone": 60}


def test_a_report_that_is_imported_again_brings_its_evidence_back(started) -> None:
    forget(started, "2026-01-15")
    again = started.nmap("all_up.xml", at="2026-01-01")
    assert again.message == "the stored evidence says the same again: 12 changes stand"
    assert forget(started, "2026-01-15").documents == 1


def test_the_last_ten_runs_of_a_scan_keep_their_coverage_however_old(estate_on_both) -> None:
    here = estate_on_both
    runs = [here.look(f"2026-01-{day:02}", {A: OPEN if day < 3 else {}}).run for day in range(1, 13)]
    elsewhere = here.look("2026-01-01", {B: OPEN}, zone="lab").run
    before = (here.dump(), here.changes())
    dry = forget(here, runs="2026-02-01", dry=True)
    assert (dry.forgotten, dry.documents, dry.maps) == (2, 2, 2)
    assert forget(here, runs="2026-02-01") == dry
    assert (here.dump(), here.changes()) == before
    assert here.settler().settle(runs[0]).message == "its evidence and coverage were pruned; what it changed stands"
    assert here.settler().settle(runs[2]).message.startswith("the stored evidence says the same")
    assert here.settler().settle(elsewhere).message.startswith("the stored evidence says the same")
    (key,) = here.history(A, "2026-01-02")["history"]
    assert (key["state"], key["next_proof"]["looked_at"][:10]) == ("unknown", "2026-01-03")
    assert forget(here, runs="2026-02-01").forgotten == 0


def test_a_forgotten_report_that_is_imported_again_changes_nothing(started) -> None:
    for day in range(2, 13):
        started.look(f"2026-02-{day:02}", {B: OPEN})
    forget(started, runs="2026-02-01")
    before = started.dump()
    again = started.nmap("all_up.xml", at="2026-01-01")
    assert (again.state, again.message) == (
        "complete",
        "its evidence and coverage were pruned; what it changed stands",
    )
    assert started.dump() == before
    assert forget(started, runs="2026-02-01").documents == 1, "and what was brought goes with the next pruning"


def test_what_opens_after_a_pruning_is_still_judged_by_what_is_left(estate) -> None:
    for day in range(1, 13):
        estate.look(f"2026-01-{day:02}", {A: OPEN})
    forget(estate, "2026-02-01", runs="2026-02-01")
    opened = estate.look("2026-02-01", {A: {**OPEN, "tcp/80": "open"}})
    assert estate.kinds(opened) == {"appeared": 1}
