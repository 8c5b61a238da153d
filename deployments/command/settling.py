"""`settle`, `baseline`, `suppress`: decide about what was found."""

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.options import EstateFile, FailOn, FailOnOption, Json, is_span, now, read_moment
from deployments.command.outcome import tell
from deployments.command.printing import counted, hint, print_object, safe, show
from deployments.command.tables import plain_table
from estate.assets import parse_asset
from estate.errors import BadInput, NotFound
from estate.store.acceptance import accept_baseline, tags_of
from estate.store.baselines import Proposal, propose_baseline
from estate.store.documents import iso
from estate.store.problems import Selection, finding_named, list_findings
from estate.store.runs import run_named
from estate.store.suppressions import Accepted, parse_selector
from estate.store.suppressions import suppress as suppress_findings
from estate.store.surroundings import Surroundings


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
    """Settle a run again from its evidence, or answer a quarantine."""
    if accept and discard:
        raise BadInput("choose --accept or --discard, not both")
    here = open_here(estate)
    chosen = run_named(here.database, run)
    settler = here.settler(now)
    settled = settler.discard(chosen) if discard else settler.settle(chosen, accept=accept)
    if settled.message and settled.message != settled.run.message:
        hint(settled.message)
    code = tell(here, settled.run, as_json=as_json, fail_on=fail_on)
    return 0 if discard else code


def baseline(
    run: Annotated[str, typer.Argument(help="The run to propose from.")] = "latest",
    accept: Annotated[
        bool, typer.Option("--accept", help="Write the rows into estate.toml; findings get a clock from now on.")
    ] = False,
    accepted_by: Annotated[str | None, typer.Option("--by", help="Who accepts; the rows bear this name.")] = None,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Propose what to expect, grouped by tag and network."""
    if accepted_by is not None and not accept:
        raise BadInput("--by says who accepts: give it with --accept")
    here = open_here(estate)
    chosen = here.latest_published() if run == "latest" else run_named(here.database, run)
    if chosen is None:
        raise NotFound("there is no settled run yet: `roundsman scan` makes one, `roundsman import` settles a report")
    rows = propose_baseline(here.database, chosen, here.policy, tags_of(here, chosen.zone))
    who = _name(accepted_by)
    if accept:
        accept_baseline(here, chosen, rows, who, now())
    if as_json:
        objects = [row.to_object() for row in rows]
        head = {"run": chosen.id, "accepted": accept, "accepted_by": who if accept else None}
        print_object(head, {"baseline": objects})
    else:
        _show_baseline(here, rows, who if accept else "")


def _name(said: str | None) -> str:
    """Who accepts."""
    who = getpass.getuser() if said is None else said.strip()
    if not who:
        raise BadInput("--by is empty: accepted rows bear the name of a person")
    return who


def _show_baseline(here: Surroundings, rows: list[Proposal], accepted_by: str) -> None:
    if not rows:
        show("Everything that answers is expected already.")
        return
    table = plain_table((), ("where", "ports"), ("seen on",))
    for row in rows:
        table.add_row(
            safe(row.where), safe(row.ports.replace(",", ", "), 400), f"{row.seen} of {counted(row.assets, 'asset')}"
        )
    show(table)
    if accepted_by:
        written = f"Written to {here.path} in the name of {accepted_by}; the clocks of open findings start now."
        show(safe(written, 400))
        hint("the next scan resolves the findings that these rows expect")
    else:
        hint("`roundsman baseline --accept` writes these rows into estate.toml, in your name")


def suppress(
    selector: Annotated[
        str, typer.Argument(help="A fingerprint, or pairs: 'rule=unexpected-port asset=host:10.0.0.* locator=tcp/22'.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why the risk is accepted.")],
    until: Annotated[str, typer.Option("--until", help="When the acceptance ends: 2027-03-31, or 90d from now.")],
    requested_by: Annotated[str, typer.Option("--requested-by", help="Who asks for it.")],
    approved_by: Annotated[
        str | None, typer.Option("--approved-by", help="Who approves: another person. Without it, it is pending.")
    ] = None,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Accept a risk for a time; it comes back when the time ends."""
    ends = _end(until)
    parse_selector(selector)
    here = open_here(estate)
    if selector.startswith("f1:"):
        # Whoever approves may spell out more or less of it than who asked.
        selector = finding_named(here.database, here.policy, now(), selector)["fingerprint"]
    state = suppress_findings(
        here.database,
        selector,
        reason=reason,
        until=ends,
        requested_by=requested_by,
        approved_by=approved_by,
        now=now(),
    )
    meant = _count_meant(here, selector)
    if as_json:
        print_object({"selector": selector, "state": state, "until": iso(ends), "findings": meant}, {})
    else:
        ending = f"{counted(meant, 'known finding')}, until {ends:%Y-%m-%d %H:%M} UTC"
        show(f"Pending, nothing is suppressed yet: {ending}." if state == "pending" else f"Suppressed: {ending}.")
        if state == "pending":
            hint("another person approves by the same command with --approved-by")
    if not meant:
        hint("no finding that is known matches this selector; see `roundsman findings --all`")


def _end(until: str) -> datetime:
    """The moment said, or the end of the day that is so far from now: whoever approves later today means the same."""
    moment = read_moment(until, now(), "--until", ahead=True)
    if not is_span(until):
        return moment
    return datetime.combine(moment.date() + timedelta(days=1), time(), UTC)


@dataclass(slots=True)
class _Known:
    """What a selector looks at."""

    fingerprint: str
    rule: str
    locator: str


def _count_meant(here: Surroundings, selector: str) -> int:
    """How many known findings a selector means, open or not."""
    risk = Accepted(selector, "")
    return sum(
        risk.matches(
            _Known(found["fingerprint"], found["rule"], found["locator"]),
            parse_asset(found["asset"], found["zone"]),
            here.policy,
        )
        for found in list_findings(here.database, here.policy, now(), Selection(everything=True))
    )
