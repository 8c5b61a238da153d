"""`settle`, `baseline`, `suppress`: decide about what was found."""

import getpass
from typing import Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.options import EstateFile, FailOn, FailOnOption, Json, now, read_moment
from deployments.command.outcome import tell
from deployments.command.printing import console, hint, print_object, safe
from estate.errors import BadInput
from estate.store.acceptance import accept_baseline, tags_of
from estate.store.baselines import propose_baseline
from estate.store.runs import run_named
from estate.store.suppressions import suppress as suppress_findings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(settle)
    app.command()(baseline)
    app.command()(suppress)


def settle(
    run: Annotated[str, typer.Argument(help="A run's id, the beginning of it, or latest.")],
    accept: Annotated[bool, typer.Option("--accept", help="Publish what the circuit breaker holds back.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Keep the evidence, but let it change nothing.")] = False,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Settle a run again from its stored evidence, or answer a quarantine."""
    if accept and discard:
        raise BadInput("choose --accept or --discard, not both")
    here = open_here(estate)
    chosen = run_named(here.database, run)
    settler = here.settler(now)
    settled = settler.discard(chosen) if discard else settler.settle(chosen, accept=accept)
    if settled.message and not as_json:
        hint(settled.message)
    return tell(here, settled.run, as_json=as_json, fail_on=fail_on)


def baseline(
    run: Annotated[str, typer.Argument(help="The run to propose from.")] = "latest",
    accept: Annotated[
        bool, typer.Option("--accept", help="Write the rows into estate.toml; findings get a clock from now on.")
    ] = False,
    accepted_by: Annotated[str | None, typer.Option("--by", help="Who accepts; the rows bear this name.")] = None,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Propose what is expected from what is there, grouped by tag and network: a list to walk through."""
    here = open_here(estate)
    chosen = here.latest_published() if run == "latest" else run_named(here.database, run)
    if chosen is None:
        raise BadInput("there is no settled run yet: `roundsman scan ports` makes one")
    rows = propose_baseline(here.database, chosen, here.policy, tags_of(here, chosen.zone))
    if accept:
        accept_baseline(here, chosen, rows, accepted_by or getpass.getuser(), now())
    if as_json:
        objects = [row.to_object() for row in rows]
        print_object({"run": chosen.id, "accepted": accept}, {"baseline": objects})
        return
    out = console()
    if not rows:
        out.print("Everything that answers is expected already.")
    for row in rows:
        out.print(safe(f"{row.where} {row.ports}  ({row.seen} of {row.assets} assets)", 300))
    if rows and accept:
        out.print(safe(f"Written to {here.path}; the clocks of open findings start now."))
    elif rows:
        hint("`roundsman baseline --accept` writes these rows into estate.toml, in your name")


def suppress(
    selector: Annotated[
        str, typer.Argument(help="A fingerprint, or pairs: 'rule=unexpected-port asset=host:10.0.0.* locator=tcp/22'.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why the risk is accepted.")],
    until: Annotated[str, typer.Option("--until", help="When the acceptance ends: 2027-03-31. There is no for ever.")],
    requested_by: Annotated[str, typer.Option("--requested-by", help="Who asks for it.")],
    approved_by: Annotated[
        str | None, typer.Option("--approved-by", help="Who approves: another person. Without it, it is pending.")
    ] = None,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Accept a risk for a time; what is suppressed keeps its life and comes back when the time ends."""
    here = open_here(estate)
    ends = read_moment(until, now(), "--until")
    state = suppress_findings(
        here.database,
        selector,
        reason=reason,
        until=ends,
        requested_by=requested_by,
        approved_by=approved_by,
        now=now(),
    )
    if as_json:
        print_object({"selector": selector, "state": state, "until": ends.isoformat()}, {})
    elif state == "pending":
        console().print("Pending: another person approves by the same command with --approved-by.")
    else:
        console().print(safe(f"Suppressed until {ends:%Y-%m-%d %H:%M} UTC."))
