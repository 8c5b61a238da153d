"""`runs`, `changes`, `findings`, `assets`, `history`: read what is known."""

from collections.abc import Iterator
from typing import Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.options import EstateFile, FailOn, FailOnOption, Json, JsonLines, Zone, now, read_past
from deployments.command.outcome import ABOVE, is_above, is_alarming, no_change
from deployments.command.printing import hint, print_object, print_rows, safe, show
from deployments.command.tables import (
    asset_table,
    change_table,
    finding_table,
    first,
    plain_table,
    run_table,
    shown_asset,
)
from estate.errors import BadInput
from estate.store.assets import find_asset, list_assets
from estate.store.chronicle import HistoryObject
from estate.store.chronicle import history as asset_history
from estate.store.documents import ChangeObject
from estate.store.problems import Selection, list_findings
from estate.store.reading import list_changes, list_runs
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings

_NO_RUN = "There is no settled run yet: `roundsman scan` makes one, `roundsman import` settles a report."


def register(app: typer.Typer) -> None:
    """Add the reading commands."""
    for command in (runs, changes, findings, assets, history):
        app.command()(command)


def runs(
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only so many, the latest first.")] = None,
    as_json: Json = False,
    as_lines: JsonLines = False,
    estate: EstateFile = None,
) -> None:
    """List the runs: when each looked, and how it ended."""
    here = open_here(estate)
    rows = list_runs(here.database, limit)
    if print_rows("runs", rows, as_json=as_json, as_lines=as_lines):
        return
    found = first(rows, "run")
    show(run_table(found) if found else _NO_RUN)


def changes(
    run: Annotated[
        str | None, typer.Option("--run", help="Of this run: its id, or the beginning of it; latest without it.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Of all runs since: 2026-11-24, 36h, 7d.")] = None,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    as_lines: JsonLines = False,
    estate: EstateFile = None,
) -> int:
    """Say what changed in the latest run, another, or since a time."""
    if run is not None and since is not None:
        raise BadInput("choose --run or --since, not both")
    if fail_on.severity is not None:
        raise BadInput("changes have no severity: --fail-on change, or `roundsman findings --fail-on …`")
    here = open_here(estate)
    moment = None if since is None else read_past(since, now(), "--since")
    chosen = None
    if moment is None:
        chosen = here.latest_published() if run is None else run_named(here.database, run)

    def rows() -> Iterator[ChangeObject]:
        if chosen is None and moment is None:
            return iter(())
        return list_changes(here.database, run=chosen, since=moment)

    if not print_rows("changes", rows(), as_json=as_json, as_lines=as_lines):
        if chosen is not None:
            words = ("run", chosen.id[:12], chosen.state, f"looked at {chosen.looked_at:%Y-%m-%d %H:%M} UTC")
            show(safe(" · ".join(words)), style="dim")
        found = first(rows(), "change")
        if found:
            show(change_table(found, with_run=moment is not None))
        else:
            show(no_change(chosen) if chosen else "Nothing changed." if moment else _NO_RUN)
    if chosen is not None and chosen.message:
        hint(chosen.message)
    return ABOVE if fail_on is FailOn.CHANGE and is_alarming(rows()) else 0


def findings(
    everything: Annotated[
        bool, typer.Option("--all", help="Also resolved and accepted ones, and false positives.")
    ] = False,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    as_lines: JsonLines = False,
    estate: EstateFile = None,
) -> int:
    """List the open findings, the riskiest first."""
    if fail_on is FailOn.CHANGE:
        raise BadInput("findings are no changes: give --fail-on a severity, or `roundsman changes --fail-on change`")
    here = open_here(estate)
    rows = list_findings(here.database, here.policy, now(), Selection(everything=everything))
    if not print_rows("findings", rows, as_json=as_json, as_lines=as_lines):
        found = first(rows, "finding")
        show(finding_table(found) if found else "No findings." if everything else "No open findings.")
    if fail_on.severity is None:
        return 0
    still_open = list_findings(here.database, here.policy, now())
    return ABOVE if is_above(still_open, fail_on.severity) else 0


def assets(as_json: Json = False, as_lines: JsonLines = False, estate: EstateFile = None) -> None:
    """List the assets, and what is seen on each now."""
    here = open_here(estate)
    rows = list_assets(here.database, here.policy)
    if print_rows("assets", rows, as_json=as_json, as_lines=as_lines):
        return
    found = first(rows, "asset")
    show(asset_table(found) if found else f"Nothing was ever seen. {_NO_RUN if _is_new(here) else ''}".strip())


def _is_new(here: Surroundings) -> bool:
    return here.latest_published() is None


def history(
    asset: Annotated[str, typer.Argument(help="An asset: host:10.77.0.3, an address or a name.")],
    at: Annotated[str | None, typer.Option("--at", help="The moment asked for: 2026-03-03T12:00Z, 7d.")] = None,
    zone: Zone = None,
    as_json: Json = False,
    as_lines: JsonLines = False,
    estate: EstateFile = None,
) -> None:
    """Say what was known of an asset, and where we were blind."""
    moment = now() if at is None else read_past(at, now(), "--at")
    here = open_here(estate)
    asset_id, found = find_asset(here.database, asset, zone)
    told = asset_history(here.database, asset_id, found, moment)
    if as_json and not as_lines:
        head = {"asset": told["asset"], "zone": told["zone"], "at": told["at"]}
        print_object(head, {"history": told["history"], "blind": told["blind"]})
    elif not print_rows("history", told["history"], as_json=False, as_lines=as_lines):
        _show_history(told)


def _show_history(told: HistoryObject) -> None:
    show(safe(f"{shown_asset(told['asset'])}, zone {told['zone']}, at {told['at'][:19]}Z"), style="dim")
    several = len({key["vantage"] for key in told["history"]}) > 1
    table = plain_table(("key", *(("from",) if several else ()), "state"), ("why",))
    for key in told["history"]:
        row = (safe(key["key"]), *((safe(key["vantage"]),) if several else ()))
        sure = key["certain"] or key["state"] == "unknown"
        table.add_row(*row, key["state"] + ("" if sure else "?"), safe(key["why"], 300))
        for look in (*key["blind"], *key["silent"]):
            blank = ("",) * (len(row) + 1)
            table.add_row(*blank, safe(f"{look['verdict']} at {look['looked_at']}: {look['reason']}", 300))
    show(table if told["history"] else "Nothing was ever seen of it.")
    for look in told["blind"]:
        show(safe(f"blind at {look['looked_at']}: {look['reason']}", 300), style="magenta")
