"""`runs`, `changes`, `findings`, `assets`, `history`: read what is known."""

from typing import Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.options import EstateFile, Json, JsonLines, Zone, now, read_moment
from deployments.command.printing import (
    asset_table,
    change_table,
    console,
    finding_table,
    limited,
    print_object,
    print_rows,
    run_table,
    safe,
)
from estate.store.assets import find_asset, list_assets
from estate.store.chronicle import history as asset_history
from estate.store.problems import Selection, list_findings
from estate.store.reading import list_changes, list_runs
from estate.store.runs import run_named


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
    """List the runs: when each looked, how much it could see, and how it ended."""
    here = open_here(estate)
    rows = list_runs(here.database, limit)
    if print_rows("runs", rows, as_json=as_json, as_lines=as_lines):
        return
    console().print(run_table(limited(rows, "runs")))


def changes(
    run: Annotated[str | None, typer.Option("--run", help="Of this run: its id, or the beginning of it.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Of all runs since: 2026-11-24, 36h, 7d.")] = None,
    as_json: Json = False,
    as_lines: JsonLines = False,
    estate: EstateFile = None,
) -> None:
    """Say what changed: in the latest run, in a given one, or since a time."""
    if run is not None and since is not None:
        raise typer.BadParameter("choose --run or --since, not both")
    here = open_here(estate)
    if since is not None:
        rows = list_changes(here.database, since=read_moment(since, now(), "--since"))
    else:
        chosen = here.latest_published() if run is None else run_named(here.database, run)
        rows = list_changes(here.database, run=chosen) if chosen else iter(())
    if print_rows("changes", rows, as_json=as_json, as_lines=as_lines):
        return
    found = list(limited(rows, "changes"))
    if found:
        console().print(change_table(found, with_run=since is not None))
    else:
        console().print("Nothing changed.")


def findings(
    everything: Annotated[
        bool, typer.Option("--all", help="Also resolved and suppressed ones and false positives.")
    ] = False,
    as_json: Json = False,
    as_lines: JsonLines = False,
    estate: EstateFile = None,
) -> None:
    """List open findings, the riskiest first."""
    here = open_here(estate)
    rows = list_findings(here.database, here.policy, now(), Selection(everything=everything))
    if print_rows("findings", rows, as_json=as_json, as_lines=as_lines):
        return
    found = list(limited(rows, "findings"))
    if found:
        console().print(finding_table(found))
    else:
        console().print("No open findings.")


def assets(as_json: Json = False, as_lines: JsonLines = False, estate: EstateFile = None) -> None:
    """List the assets and what is seen on each now."""
    here = open_here(estate)
    rows = list_assets(here.database, here.policy)
    if print_rows("assets", rows, as_json=as_json, as_lines=as_lines):
        return
    console().print(asset_table(limited(rows, "assets")))


def history(
    asset: Annotated[str, typer.Argument(help="An asset: host:10.77.0.3, an address or a name.")],
    at: Annotated[str | None, typer.Option("--at", help="The moment asked for: 2026-03-03T12:00Z, 7d.")] = None,
    zone: Zone = None,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Say what was known of an asset at a time, on which proof, and where we were blind."""
    here = open_here(estate)
    asset_id, found = find_asset(here.database, asset, zone)
    told = asset_history(here.database, asset_id, found, read_moment(at, now(), "--at") if at else now())
    if as_json:
        head = {"asset": told["asset"], "zone": told["zone"], "at": told["at"]}
        print_object(head, {"history": iter(told["history"]), "blind": iter(told["blind"])})
        return
    out = console()
    out.print(safe(f"{told['asset']} (zone {told['zone']}) at {told['at']}"))
    for key in told["history"]:
        sure = "" if key["certain"] else ", not certain"
        out.print(safe(f"  {key['key']}: {key['state']}{sure} – {key['why']}", 300))
        for look in key["blind"]:
            out.print(safe(f"    blind at {look['looked_at']}: {look['reason']}", 200))
        for look in key["silent"]:
            out.print(safe(f"    silent at {look['looked_at']}: {look['reason']}", 200))
