from collections.abc import Iterator

import pytest

from estate.coverage import Verdict
from estate.findings import Severity
from estate.hosts import reading
from estate.hosts.checks import Check, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen
from estate.hosts.reading import host_reading

HIGH = Severity.HIGH


def told(*problems: Problem, unseen: str = ""):
    def run(_host: Host) -> Iterator[Problem]:
        yield from problems
        if unseen:
            raise Unseen(unseen)

    return run


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch):
    """Ask only these."""

    def ask(*checks: Check, inventory: tuple[Inventory, ...] = ()) -> None:
        monkeypatch.setattr(reading, "CHECKS", checks)
        monkeypatch.setattr(reading, "INVENTORY", inventory)

    return ask


def verdicts(found) -> dict[str, tuple[Verdict, str]]:
    return {key: (look.verdict, look.reason) for look in found.looks for key in look.keys}


def test_a_check_without_problems_has_passed(asking, host) -> None:
    asking(Check("HOST-PRV-004", "t", told(), "r"))
    found = host_reading(host({}))
    assert (dict(found.present), verdicts(found)) == ({}, {"HOST-PRV-004/*": (Verdict.NEGATIVE, "passed")})


def test_a_problem_is_a_key_with_what_fired(asking, host) -> None:
    asking(Check("HOST-PRV-004", "t", told(Problem("alice", HIGH, "alice ALL=(ALL) NOPASSWD: ALL", "Alice")), "r"))
    found = host_reading(host({}))
    value = {"severity": "high", "evidence": "alice ALL=(ALL) NOPASSWD: ALL", "subject": "Alice"}
    assert {key: dict(values) for key, values in found.present.items()} == {"HOST-PRV-004/alice": value}


def test_a_check_that_saw_a_part_keeps_what_it_found_and_resolves_nothing(asking, host) -> None:
    asking(Check("HOST-PRV-001", "t", told(Problem("/x", HIGH, "e"), unseen="no-privilege"), "r"))
    found = host_reading(host({}))
    assert set(found.present) == {"HOST-PRV-001/x".replace("/x", "//x")}
    assert verdicts(found) == {"HOST-PRV-001/*": (Verdict.BLIND, "no-privilege")}


def test_an_inventory_that_was_read_whole_proves_what_is_not_there(asking, host) -> None:
    asking(inventory=(Inventory("user", "access", lambda _: [("alice", attributes(uid=0, shell=None))]),))
    found = host_reading(host({}))
    assert dict(found.present) == {"user/alice": (("uid", "0"),)}
    assert verdicts(found) == {"user/*": (Verdict.NEGATIVE, "not-listed")}


def test_names_and_values_of_a_stranger_do_nothing_when_shown(asking, host) -> None:
    asking(inventory=(Inventory("suid", "privilege", lambda _: [("/tmp/\x1b[2J\nx", attributes(mode="\x07"))]),))
    found = host_reading(host({}))
    assert dict(found.present) == {"suid//tmp/\\x1b[2J\\x0ax": (("mode", "\\x07"),)}


def test_more_of_a_kind_than_anybody_has_is_out_of_sight_rather_than_endless(asking, host) -> None:
    asking(inventory=(Inventory("suid", "privilege", lambda _: ((f"/{n}", ()) for n in range(10**9))),))
    found = host_reading(host({}))
    assert len(found.present) == 20_000
    assert verdicts(found) == {"suid/*": (Verdict.BLIND, "too-many")}


def test_of_a_host_that_was_not_reached_everything_is_out_of_sight_for_the_same_reason(host) -> None:
    found = host_reading(host({}, error="auth-failed"))
    assert not found.present
    blind = {reason for key, (verdict, reason) in verdicts(found).items() if key != "HOST-ACC-025/*"}
    assert blind == {"auth-failed"}
