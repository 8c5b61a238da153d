"""What a run came to: printed as the one object of `scan --json` or for people, and turned into an exit code."""

from collections.abc import Iterable
from itertools import islice

from rich.table import Table

from deployments.command.options import FailOn, now
from deployments.command.printing import (
    SHOWN,
    change_table,
    console,
    finding_table,
    hint,
    limited,
    print_object,
    safe,
    service_of,
)
from estate.diff import Kind
from estate.findings import Severity
from estate.store.documents import ChangeObject, FindingObject, run_object
from estate.store.problems import Selection, count_open, list_findings
from estate.store.reading import list_changes
from estate.store.surroundings import Surroundings
from estate.store.tables import Run

BLIND = 3
ABOVE = 1
_QUIET = {Kind.FIRST_OBSERVED.value, Kind.SIGHT_REGAINED.value}


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
    return _exit_code(here, run, fail_on)


def _findings(here: Surroundings, run: Run) -> Iterable[FindingObject]:
    return list_findings(here.database, here.policy, now(), Selection(run_seq=run.seq))


def _exit_code(here: Surroundings, run: Run, fail_on: FailOn) -> int:
    answered = run.asked - run.blind
    if run.state in {"failed", "quarantined", "cancelled"} or not run.asked or answered < run.floor * run.asked:
        return BLIND
    if fail_on is FailOn.CHANGE:
        return ABOVE if any(c["kind"] not in _QUIET for c in list_changes(here.database, run=run)) else 0
    if fail_on.severity is not None:
        worst = (Severity(found["severity"]).rank for found in _findings(here, run))
        return ABOVE if any(rank >= fail_on.severity.rank for rank in worst) else 0
    return 0


def _print(here: Surroundings, run: Run) -> None:
    out = console()
    answered = run.asked - run.blind
    share = f"{100 * answered / run.asked:.1f} %" if run.asked else "nothing"
    out.print(
        safe(f"{run.scan} · {run.scope} · {run.looked_at:%Y-%m-%d %H:%M:%S} UTC · {run.engine} · {run.choice}", 300)
    )
    out.print(safe(f"{run.state}: {run.asked:,} questions asked, {share} answered, {run.positive:,} open", 300))
    if run.message:
        out.print(safe(run.message, 500), style="yellow")
    changes = list(islice(list_changes(here.database, run=run), SHOWN + 1))
    out.print()
    if not changes:
        out.print("Nothing changed." if run.state != "quarantined" else "Nothing was settled.")
    elif all(change["kind"] == Kind.FIRST_OBSERVED.value for change in changes):
        out.print("Seen for the first time:")
        out.print(_first_table(changes, here))
    else:
        out.print(change_table(limited(changes, "changes")))
    if changes and run.state != "quarantined":
        touched = Selection(run_seq=run.seq, touched=True, limit=SHOWN)
        findings = list(islice(list_findings(here.database, here.policy, now(), touched), SHOWN))
        if findings:
            out.print()
            out.print(finding_table(findings))
    still = count_open(here.database)
    if still:
        hint(f"{still:,} findings are open; `roundsman findings` lists them")
    if len(changes) > SHOWN:
        hint(f"more changes than {SHOWN}: `roundsman changes --run {run.id[:12]} --json` has all")


def _first_table(changes: list[ChangeObject], here: Surroundings) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("asset", "open", "service", "expected by"):
        table.add_column(name, overflow="fold")
    for change in changes[:SHOWN]:
        table.add_row(
            safe(change["asset"]),
            change["key"],
            safe(service_of(change) or "–", 60),
            safe(here.expected_by(change["asset"], change["zone"], change["key"]) or "nobody"),
        )
    return table
