"""Endpoints whose state is known say whether a scanner could see, look by look."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from estate.evidence import Document
from estate.ports.canaries import Canary, judge_canaries

OPEN: Canary = ("10.77.0.4", "tcp/22", "open")
CLOSED: Canary = ("10.77.0.4", "tcp/23", "closed")


@pytest.fixture
def looked(evidence: Path) -> Iterator[object]:
    """Documents from reports by name, each a look of its own."""
    with ExitStack() as opened:
        yield lambda *names: [
            Document("nmap", look, opened.enter_context((evidence / "nmap" / f"{name}.xml").open("rb")))
            for look, name in enumerate(names)
        ]


def test_canaries_that_look_as_they_should_are_ok(looked) -> None:
    assert judge_canaries((OPEN, CLOSED), looked("all_up")) == "ok"
    assert judge_canaries((OPEN, CLOSED), looked("all_up", "all_up_again")) == "ok"


def test_where_there_are_none_nothing_is_said(looked) -> None:
    assert judge_canaries((), looked("scanner_banned")) == ""


def test_a_banned_scanner_is_told_what_each_canary_was(looked) -> None:
    assert judge_canaries((OPEN, CLOSED), looked("scanner_banned")) == (
        "failed: tcp/22 on 10.77.0.4 should be open and was silent (no-response); "
        "tcp/23 on 10.77.0.4 should be closed and was silent (no-response)"
    )


def test_one_that_was_locked_out_meanwhile_is_not_saved_by_what_it_saw_before(looked) -> None:
    for order in (("all_up", "scanner_banned"), ("scanner_banned", "all_up")):
        assert judge_canaries((OPEN,), looked(*order)).startswith("failed: tcp/22 on 10.77.0.4 should be open")


def test_a_closed_canary_that_opened_has_failed_too(looked) -> None:
    assert judge_canaries((("10.77.0.4", "tcp/22", "closed"),), looked("all_up")) == (
        "failed: tcp/22 on 10.77.0.4 should be closed and was open"
    )


@pytest.mark.parametrize("names", [(), ("unresolvable_name",)])
def test_without_evidence_nobody_saw_anything(looked, names: tuple[str, ...]) -> None:
    assert judge_canaries((OPEN,), looked(*names)) == (
        "failed: tcp/22 on 10.77.0.4 should be open and was blind (no-evidence)"
    )
