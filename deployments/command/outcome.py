"""What a run came to: printed as the one object of `scan --json` or for people, and turned into an exit code."""

import json
from collections.abc import Iterable
from itertools import islice

from rich.table import Table

from deployments.command.options import FailOn, now
from deployments.command.printing import SHOWN, counted, hint, print_object, safe, show
from deployments.command.tables import (
    TOLD_TOGETHER,
    change_table,
    finding_table,
    first,
    plain_table,
    service_in,
    share,
    shown_asset,
)
from estate.diff import Kind
from estate.findings import Severity
from estate.store.documents import ChangeObject, FindingObject, run_object
from estate.store.problems import Selection, count_open, list_findings
from estate.store.reading import list_changes
from estate.store.surroundings import Surroundings
from estate.store.tables import Run

ABOVE = 1
BLIND = 3

_COUNTED_ONE_BY_ONE = 5_000
"""Up to so many findings, those that people accepted are left out of the count."""

_NO_ALARM = {Kind.FIRST_OBSERVED.value, Kind.SIGHT_REGAINED.value}


def tell(here: Surroundings, run: Run, *, as_json: bool, fail_on: FailOn) -> int:
    """Print the run's outcome and give the exit code."""
    if as_json:
        head = run_object(run)
        told = {name: head[name] for name in ("state", "asked", "answered", "coverage")}
        rest = {name: value for name, value in head.items() if name not in told and name != "id"}
        print_object(
            {"run": run.id, **told, **rest},
            {"changes": list_changes(here.database, run=run), "findings": _findings(here, run)},
        )
    else:
        _print(here, run)
    for warning in json.loads(run.warnings):
        hint(warning)
    if not as_json:
        _say_next(here)
    return _exit_code(here, run, fail_on)


def no_change(run: Run) -> str:
    """What it means that a run brought no change: where we could not look, nothing."""
    if run.state == "complete":
        return "Nothing changed."
    if run.state == "partial":
        return "Nothing changed where we could look."
    return "Nothing could be looked at; what was known stands." if run.state == "failed" else "Nothing was settled."


def is_alarming(changes: Iterable[ChangeObject]) -> bool:
    """Whether `--fail-on change` means any of these: what is only new to us, or in sight again, is no change."""
    return any(change["kind"] not in _NO_ALARM for change in changes)


def is_above(findings: Iterable[FindingObject], least: Severity) -> bool:
    """Whether any of these is as severe as that."""
    return any(Severity(found["severity"]).rank >= least.rank for found in findings)


def _findings(here: Surroundings, run: Run) -> Iterable[FindingObject]:
    return list_findings(here.database, here.policy, now(), Selection(run_seq=run.seq))


def _exit_code(here: Surroundings, run: Run, fail_on: FailOn) -> int:
    answered = run.asked - run.blind
    if run.state not in {"complete", "partial"} or not run.asked or answered < run.floor * run.asked:
        return BLIND
    if fail_on is FailOn.CHANGE:
        return ABOVE if is_alarming(list_changes(here.database, run=run)) else 0
    if fail_on.severity is not None:
        return ABOVE if is_above(_findings(here, run), fail_on.severity) else 0
    return 0


def _print(here: Surroundings, run: Run) -> None:
    words = (run.scan, run.scope, f"{run.looked_at:%Y-%m-%d %H:%M} UTC", run.engine, run.choice)
    show(safe(" · ".join(word for word in words if word), 300), style="dim")
    answered = share(run.asked - run.blind, run.asked)
    show(safe(f"{run.state}: {counted(run.asked, 'question')} asked, {answered} answered, {run.positive:,} open", 300))
    if run.message:
        show(safe(run.message, 500), style="yellow")
    show()
    changes = first(list_changes(here.database, run=run), "change")
    if not changes:
        show(no_change(run))
    elif all(change["kind"] == Kind.FIRST_OBSERVED.value for change in changes):
        show("Seen for the first time:")
        show(_first_table(changes, here))
    else:
        show(change_table(changes))
        findings = _news(here, run, changes)
        if findings:
            show()
            show(finding_table(findings))


def _news(here: Surroundings, run: Run, changes: list[ChangeObject]) -> list[FindingObject]:
    """Findings whose life the run changed otherwise than by losing or regaining sight of them."""
    only_sight = {(change["asset"], change["key"]) for change in changes if change["kind"] in TOLD_TOGETHER}
    touched = Selection(run_seq=run.seq, touched=True, limit=SHOWN)
    found = islice(list_findings(here.database, here.policy, now(), touched), SHOWN)
    return [one for one in found if (one["asset"], one["locator"]) not in only_sight]


def _say_next(here: Surroundings) -> None:
    """What an operator does now."""
    still = count_open(here.database)
    if still <= _COUNTED_ONE_BY_ONE:
        still = sum(1 for _ in list_findings(here.database, here.policy, now()))
    if still:
        is_open = f"{counted(still, 'finding')} {'is' if still == 1 else 'are'} open: `roundsman findings`"
        baseline = "; `roundsman baseline` proposes what to expect" if not here.manifest.expected else ""
        hint(is_open + baseline)


def _first_table(changes: list[ChangeObject], here: Surroundings) -> Table:
    table = plain_table(("host", "open"), ("service", "expected by"))
    for change in changes:
        table.add_row(
            safe(shown_asset(change["asset"])),
            safe(change["key"]),
            safe(service_in(change) or "–", 60),
            safe(here.expected_by(change["asset"], change["zone"], change["key"]) or "nobody"),
        )
    return table
