"""What a run came to: printed as the one object of `scan --json` or for people, and turned into an exit code."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice

from rich.table import Table

from deployments.command.inside import INSIDE, print_inside
from deployments.command.options import FailOn, now
from deployments.command.printing import SHOWN, counted, hint, print_object, safe, show
from deployments.command.tables import (
    TOLD_TOGETHER,
    certificate_table,
    change_table,
    finding_table,
    first,
    grade_table,
    plain_table,
    service_in,
    share,
    shown_asset,
)
from estate.diff import Kind
from estate.findings import Severity
from estate.scope import NOTHING_SENT
from estate.store.documents import ChangeObject, FindingObject, run_object
from estate.store.grades import list_grades
from estate.store.joined import list_joined
from estate.store.outcomes import findings_of
from estate.store.problems import Selection, count_open, list_findings
from estate.store.reading import list_changes
from estate.store.scans import scan_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run

ABOVE = 1
BLIND = 3
REFUSED = 4
_STATES = ("complete", "partial", "failed", "planned", "asking", "settling", "cancelled", "quarantined")
_NO_ALARM = {Kind.FIRST_OBSERVED.value, Kind.SIGHT_REGAINED.value}


def tell(here: Surroundings, run: Run, *, as_json: bool, fail_on: FailOn) -> int:
    """Print the run's outcome and give the exit code."""
    if as_json:
        head = run_object(run)
        told = {name: head[name] for name in ("state", "asked", "answered", "coverage")}
        rest = {name: value for name, value in head.items() if name not in told and name != "id"}
        print_object(
            {"run": run.id, **told, **rest},
            {
                "changes": list_changes(here.database, run=run),
                "findings": findings_of(here, run, now()),
                **_joined(here, run),
            },
        )
    else:
        _print(here, run)
    for warning in json.loads(run.warnings):
        hint(warning)
    if not as_json:
        _say_next(here, run.scan)
    return _exit_code(here, run, fail_on)


def tell_all(here: Surroundings, runs: Sequence[Run], *, as_json: bool, fail_on: FailOn) -> int:
    """The outcome of several scans as one: one object, or one after the other for people."""
    if len(runs) == 1:
        return tell(here, runs[0], as_json=as_json, fail_on=fail_on)
    if not as_json:
        return worst_code([tell(here, run, as_json=False, fail_on=fail_on) for run in runs])
    heads = [run_object(run) for run in runs]
    reasons: dict[str, int] = {}
    for head in heads:
        for reason, count in head["coverage"]["reasons"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    asked, answered = (sum(head[name] for head in heads) for name in ("asked", "answered"))
    counts = {
        name: sum(head["coverage"][name] for head in heads) for name in ("positive", "negative", "silent", "blind")
    }
    print_object(
        {
            "run": runs[0].id,
            "runs": [run.id for run in runs],
            "state": max((run.state for run in runs), key=_STATES.index),
            "asked": asked,
            "answered": answered,
            "coverage": {
                "ratio": round(answered / asked, 4) if asked else 0.0,
                "floor": max(run.floor for run in runs),
                **counts,
                "reasons": reasons,
            },
        },
        {
            "changes": chain.from_iterable(list_changes(here.database, run=run) for run in runs),
            "findings": chain.from_iterable(findings_of(here, run, now()) for run in runs),
        },
    )
    for run in runs:
        for warning in json.loads(run.warnings):
            hint(warning)
    return worst_code([_exit_code(here, run, fail_on) for run in runs])


def tell_nothing(why: str, floor: float, *, as_json: bool) -> int:
    """The outcome of a scan that had nothing to ask: no run, no change, and nothing wrong."""
    if as_json:
        counts = dict.fromkeys(("positive", "negative", "silent", "blind"), 0)
        coverage = {"ratio": 1.0, "floor": floor, **counts, "reasons": {}}
        head = {"run": None, "state": "complete", "asked": 0, "answered": 0, "coverage": coverage}
        print_object(head, {"changes": (), "findings": ()})
    hint(why)
    return 0


def worst_code(codes: Sequence[int]) -> int:
    """The code that goes before the others: 2, 4, 3, 1, 0."""
    return min(codes, key=(2, REFUSED, BLIND, ABOVE, 0).index, default=0)


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


def _exit_code(here: Surroundings, run: Run, fail_on: FailOn) -> int:
    if any(warning.endswith(NOTHING_SENT) for warning in json.loads(run.warnings)):
        return REFUSED
    answered = run.asked - run.blind
    if run.state not in {"complete", "partial"} or not run.asked or answered < run.floor * run.asked:
        return BLIND
    if fail_on is FailOn.CHANGE:
        return ABOVE if is_alarming(list_changes(here.database, run=run)) else 0
    if fail_on.severity is not None:
        return ABOVE if is_above(findings_of(here, run, now()), fail_on.severity) else 0
    return 0


def _print(here: Surroundings, run: Run) -> None:
    words = (run.scan, run.scope, f"{run.looked_at:%Y-%m-%d %H:%M} UTC", run.engine, run.choice)
    show(safe(" · ".join(word for word in words if word), 300), style="dim")
    answered = share(run.asked - run.blind, run.asked)
    seen = "open" if run.scan == "ports" else "present"
    show(
        safe(f"{run.state}: {counted(run.asked, 'question')} asked, {answered} answered, {run.positive:,} {seen}", 300)
    )
    if run.message:
        show(safe(run.message, 500), style="yellow")
    show()
    if run.scan in INSIDE:
        print_inside(here, run, lambda told: _news(here, run, told), lambda: findings_of(here, run, now()))
        return
    changes = first(list_changes(here.database, run=run), "change")
    if not changes:
        show(no_change(run))
    elif all(change["kind"] == Kind.FIRST_OBSERVED.value for change in changes):
        show("Seen for the first time:")
        show(_first_of(here, run, changes))
    else:
        show(change_table(changes))
        findings = _news(here, run, changes)
        if findings:
            show()
            show(finding_table(findings))


def _joined(here: Surroundings, run: Run) -> dict[str, Iterable[Mapping[str, object]]]:
    """What audited hosts listen on beside what the sweep saw of them; other scans have no such list."""
    return {"listeners": list_joined(here.database, run)} if run.scan == "hosts" else {}


def _first_of(here: Surroundings, run: Run, changes: list[ChangeObject]) -> Table:
    """What a first look shows, as its scan is read best."""
    if run.scan == "tls":
        return grade_table(list_grades(here.database, run))
    if run.scan == "certificates":
        return certificate_table(changes)
    return _first_table(changes, here)


def _news(here: Surroundings, run: Run, changes: list[ChangeObject]) -> list[FindingObject]:
    """Findings whose life the run changed otherwise than by losing or regaining sight of them."""
    only_sight = {(change["asset"], change["key"]) for change in changes if change["kind"] in TOLD_TOGETHER}
    touched = Selection(run_seq=run.seq, aspect=scan_named(run.scan).aspect, touched=True, limit=SHOWN)
    found = islice(list_findings(here.database, here.policy, now(), touched), SHOWN)
    return [one for one in found if (one["asset"], one["locator"]) not in only_sight]


def _say_next(here: Surroundings, scan: str) -> None:
    """What an operator does now."""
    still = count_open(here.database, here.policy, now())
    if still:
        is_open = f"{counted(still, 'finding')} {'is' if still == 1 else 'are'} open: `roundsman findings`"
        unwalked = scan == "ports" and not here.manifest.expected
        baseline = "; `roundsman baseline` proposes what to expect" if unwalked else ""
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
