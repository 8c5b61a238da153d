"""`scan` and `verify`: run the flow here, and print what came of it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blocks.audit import Audit
from blocks.containers import Containers
from blocks.grading import Certificates, Grading
from blocks.surroundings import open_here
from blocks.sweep import Sweep
from deployments.command.bar import shown
from deployments.command.engine import prepare_prefect
from deployments.command.leaving import leaving_at_once
from deployments.command.options import EstateFile, FailOn, FailOnOption, Json, Zone, now, read_port_list
from deployments.command.outcome import tell, tell_all, tell_nothing
from estate.certificates.facts import FILES
from estate.errors import BadInput, CouldNotLook, NothingToAsk, OutOfScope, RoundsmanError
from estate.hosts.findings import DRIFTS
from estate.scope import Scope, read_ports
from estate.store.assets import find_asset
from estate.store.problems import finding_named
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings, find_estate
from estate.store.tables import Run

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

SCANS = ("ports", "tls", "certificates", "hosts", "containers", "all")
_OF_TLS = {"tls": Grading, "certificate": Certificates, FILES: Certificates}
"""What looks at a finding again, by the family of its locator."""
Asked = Sweep | Grading | Certificates | Audit | Containers
_SETTLED = {"complete", "partial", "failed", "quarantined"}

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log instead of a bar.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(scan)
    app.command()(verify)


def scan(
    what: Annotated[
        str, typer.Argument(help=f"What to look at: {' or '.join(SCANS)}.", autocompletion=lambda: SCANS)
    ] = "all",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this address, network, name or asset inside the scope; repeat for more."),
    ] = None,
    scope: Annotated[str | None, typer.Option("--scope", help="The scope; needed where there are several.")] = None,
    ports: Annotated[
        str | None, typer.Option("--ports", help="Ask these instead of the scope's: tcp/1-1024,8080 udp/53.")
    ] = None,
    versions: Annotated[
        bool | None, typer.Option("--versions/--no-versions", help="Ask open ports which service answers.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="TLS: ask only what grades need, for frequent rounds.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Containers: bring Trivy's database up to date first.")
    ] = False,
    verbose: Verbose = False,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Look at the scope now, and print what changed."""
    if what not in SCANS:
        raise BadInput(f"there is no scan {what[:40]!r}; there are: {', '.join(SCANS)}")
    words = tuple(word.strip() for each in only or () for word in each.split(","))
    if not all(words):
        raise BadInput("--only is empty: without it all of the scope is asked")
    keys = None if ports is None else str(read_port_list(ports))
    here = _open(estate)
    if what == "containers":
        found = _look_all(here, Containers(only=words, refresh=refresh), quiet=as_json, verbose=verbose)
        return tell_all(here, found, as_json=as_json, fail_on=fail_on)
    if what == "hosts":
        return tell(here, _audit(here, scope, words, quiet=as_json, verbose=verbose), as_json=as_json, fail_on=fail_on)
    chosen = here.manifest.scope_named(scope)
    runs = []
    if what in {"ports", "all"}:
        sweep = Sweep(scope=chosen.name, only=words, ports=keys, versions=versions)
        runs.append(_sweep(here, sweep, _admitted(here, chosen, words), quiet=as_json, verbose=verbose))
    rounds: dict[str, Grading | Certificates] = {
        "tls": Grading(scope=chosen.name, only=words, profile="watch" if watch else "full"),
        "certificates": Certificates(scope=chosen.name, only=words),
    }
    for name, asked in rounds.items():
        if what in {name, "all"}:
            nothing = _why_nothing(here, asked, whole=what == "all")
            if nothing and what == name:
                return tell_nothing(nothing, chosen.floor, as_json=as_json)
            if not nothing:
                runs.append(_look(here, asked, quiet=as_json, verbose=verbose))
    if what == "all" and _has_hosts(here, chosen, words):
        runs.append(_audit(here, chosen.name, words, quiet=as_json, verbose=verbose))
    if what == "all" and not words and here.manifest.containers.engine:
        runs += _look_all(here, Containers(), quiet=as_json, verbose=verbose)
    return tell_all(here, runs, as_json=as_json, fail_on=fail_on)


def verify(
    what: Annotated[str, typer.Argument(help="A finding's fingerprint (f1:…, or the beginning of it) or an asset.")],
    zone: Zone = None,
    verbose: Verbose = False,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Look again now, only at one finding or asset."""
    here = _open(estate)
    asset, locator, zone = _meant(here, what, zone)
    family = locator.partition("/")[0]
    if family.startswith("HOST-") or family in DRIFTS:
        run = _look(here, _audit_of(here, asset, zone), quiet=as_json, verbose=verbose)
        return tell(here, run, as_json=as_json, fail_on=fail_on)
    if family == FILES:
        # They lie on this machine, whether or not a scope covers the host whose they are.
        chosen, assets = next((one for one in here.manifest.scopes if one.zone == zone), here.manifest.scope_named()), 1
    else:
        chosen, assets = _scope_of(here, asset, zone)
    if family in _OF_TLS:
        run = _look(
            here, _OF_TLS[family](scope=chosen.name, only=(asset,), trigger="confirm"), quiet=as_json, verbose=verbose
        )
        return tell(here, run, as_json=as_json, fail_on=fail_on)
    keys = locator if locator.startswith(("tcp/", "udp/")) else None
    sweep = Sweep(scope=chosen.name, only=(asset,), ports=keys, trigger="confirm")
    run = _sweep(here, sweep, assets, quiet=as_json, verbose=verbose)
    return tell(here, run, as_json=as_json, fail_on=fail_on)


def _open(estate: Path | None) -> Surroundings:
    """Open the surroundings, and let the flow find the same ones."""
    path = find_estate(estate)
    if path is not None:
        os.environ["ROUNDSMAN_ESTATE"] = str(path)
    return open_here(path)


def _admitted(here: Surroundings, scope: Scope, only: tuple[str, ...]) -> int:
    """How many assets would be asked; what may not be asked is said before anything starts."""
    from tasks.wanted import admit, without_excluded  # what asks is loaded only by what asks

    bindings = here.bindings(scope.zone)
    wanted = admit(without_excluded(scope, bindings), bindings, only, now())
    return len(wanted.targets) + len(wanted.bindings)


def _meant(here: Surroundings, what: str, zone: str | None) -> tuple[str, str, str]:
    """The asset, the finding's locator where only one is meant, and the zone."""
    if what.startswith("f1:"):
        finding = finding_named(here.database, here.policy, now(), what)
        asset = finding["asset"].partition(":")[2]
        return asset, finding["locator"], finding["zone"]
    _, found = find_asset(here.database, what, zone)
    return found.key, "", found.zone


def _scope_of(here: Surroundings, asset: str, zone: str) -> tuple[Scope, int]:
    """The scope that lets the asset be asked now, and how many assets that is.

    Raises:
        OutOfScope: none does, with every reason.
    """
    refusals = []
    for scope in here.manifest.scopes:
        if scope.zone != zone:
            continue
        try:
            return scope, _admitted(here, scope, (asset,))
        except OutOfScope as error:
            refusals.append(str(error))
    raise OutOfScope("\n".join(refusals) or f"{asset} lies in zone {zone!r}, in which there is no scope")


def _sweep(here: Surroundings, sweep: Sweep, assets: int, *, quiet: bool, verbose: bool) -> Run:
    keys = read_ports(sweep.ports) if sweep.ports else here.manifest.scope_named(sweep.scope).asked
    return _look(here, sweep, assets * len(keys), quiet=quiet, verbose=verbose)


def _look(here: Surroundings, asked: Asked, questions: int = 0, *, quiet: bool, verbose: bool) -> Run:
    """Run the flow that asks this; without a number of questions the bar only says that it goes on."""
    prepare_prefect(verbose=verbose)
    with leaving_at_once(), shown(questions, quiet=quiet or verbose):
        return run_named(here.database, _run_flow(asked)[-1])


def _look_all(here: Surroundings, asked: Asked, *, quiet: bool, verbose: bool) -> list[Run]:
    """The same, with every run that the flow makes."""
    prepare_prefect(verbose=verbose)
    with leaving_at_once(), shown(0, quiet=quiet or verbose):
        return [run_named(here.database, run) for run in _run_flow(asked)]


def _audit(here: Surroundings, scope: str | None, only: tuple[str, ...], *, quiet: bool, verbose: bool) -> Run:
    """Audit hosts; what may not be touched, or does not exist, is said before anything starts."""
    from tasks.hosts.rounds import find_ways  # what asks is loaded only by what asks

    asked = Audit(scope=scope or "", only=only)
    find_ways(here, asked, now())
    return _look(here, asked, quiet=quiet, verbose=verbose)


def _audit_of(here: Surroundings, asset: str, zone: str) -> Audit:
    """The audit that looks again at one host."""
    scopes = [scope.name for scope in here.manifest.scopes if scope.zone == zone]
    declared = bool(here.manifest.hosts)
    return Audit(scope=scopes[0] if scopes else "", only=(asset,) if declared else (), trigger="confirm")


def _has_hosts(here: Surroundings, scope: Scope, only: tuple[str, ...]) -> bool:
    """Whether a scan of everything looks into hosts too: into those that are declared, else into this machine."""
    from tasks.hosts.rounds import find_ways

    if not here.manifest.hosts:
        return not only
    try:
        return bool(find_ways(here, Audit(scope=scope.name, only=only), now())[1].targets)
    except (BadInput, OutOfScope):
        return False


def _why_nothing(here: Surroundings, asked: Grading | Certificates, *, whole: bool) -> str:
    """Why there is nothing to ask, if there is not: known before an engine is started for it.

    Args:
        here: the surroundings.
        asked: the round.
        whole: one of several scans, which goes without this one where nobody could look for endpoints yet.

    Raises:
        CouldNotLook: nobody ever looked for endpoints.
    """
    from tasks.tls.rounds import planned  # what asks is loaded only by what asks

    try:
        planned(here, asked, asked.profile if isinstance(asked, Grading) else "certificate", now())
    except NothingToAsk as error:
        return str(error)
    except CouldNotLook as error:
        if not whole:
            raise
        return str(error)
    return ""


def _run_flow(asked: Asked) -> tuple[str, ...]:
    """Run the flow that asks this in this process, and give the ids of its runs.

    Raises:
        RoundsmanError: what ended it before there was anything to settle.
        CouldNotLook: Prefect did not run it.
    """
    try:
        from tasks import rounds

        before = len(rounds.opened_yet())
        state = _start(asked)
    except RoundsmanError:
        raise
    except Exception as error:  # Prefect raises all sorts
        where = os.environ.get("PREFECT_API_URL") or "its own temporary server"
        reason = (str(error).splitlines() or [""])[0]
        raise CouldNotLook(f"Prefect could not run the flow with {where}: {type(error).__name__}: {reason}") from error
    opened = rounds.opened_yet()[before:]
    if not opened or any(_state_of(run) not in _SETTLED for run in opened):
        state.result(raise_on_failure=True)
        if state.is_completed() and state.message:
            raise NothingToAsk(state.message)
    if not opened:
        raise CouldNotLook("Prefect ended the flow before it opened a run; --verbose shows its log")
    return opened


def _start(asked: Asked) -> "State[State[object]]":
    """Prefect costs seconds that reading must not pay, and each flow what it asks with."""
    if isinstance(asked, Sweep):
        from flows.port_sweep import port_sweep

        return port_sweep(asked, return_state=True)
    if isinstance(asked, Grading):
        from flows.tls_grade import tls_grade

        return tls_grade(asked, return_state=True)
    if isinstance(asked, Containers):
        from flows.container_scan import container_scan

        return container_scan(asked, return_state=True)
    if isinstance(asked, Audit):
        from flows.host_audit import host_audit

        return host_audit(asked, return_state=True)
    from flows.certificate_expiry import certificate_expiry

    return certificate_expiry(asked, return_state=True)


def _state_of(run_id: str) -> str:
    return run_named(open_here().database, run_id).state
