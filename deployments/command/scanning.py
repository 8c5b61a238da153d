"""`scan` and `verify`: run the flow here, show how far it is, and print what came of it."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from blocks.surroundings import open_here
from blocks.sweep import Sweep
from deployments.command.options import EstateFile, FailOn, FailOnOption, Json, Zone, now, read_port_list
from deployments.command.outcome import tell
from estate.errors import BadInput, NotFound
from estate.store.assets import find_asset
from estate.store.database import home
from estate.store.problems import finding_named
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings, find_estate

SCANS = ("ports", "all")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(scan)
    app.command()(verify)


def scan(
    what: Annotated[str, typer.Argument(help=f"What to look at: {' or '.join(SCANS)}.")] = "all",
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
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")] = False,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Look at the scope now and print what changed since the last look."""
    if what not in SCANS:
        raise BadInput(f"there is no scan {what!r}; there are: {', '.join(SCANS)}")
    here = _settle_surroundings(estate)
    sweep = Sweep(
        scope=here.manifest.scope_named(scope).name,
        only=tuple(word for each in only or () for word in each.split(",") if word.strip()),
        ports=str(read_port_list(ports)) if ports else None,
        versions=versions,
    )
    return _sweep(here, sweep, as_json=as_json, fail_on=fail_on, verbose=verbose)


def verify(
    what: Annotated[str, typer.Argument(help="A finding's fingerprint (f1:…, or the beginning of it) or an asset.")],
    zone: Zone = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")] = False,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Look again now at one finding or asset, so that a fix is seen today."""
    here = _settle_surroundings(estate)
    asset, keys, zone = _meant(here, what, zone)
    scopes = [scope for scope in here.manifest.scopes if scope.zone == zone]
    if not scopes:
        raise NotFound(f"no scope covers zone {zone!r}, in which {what} lies")
    chosen = next((scope for scope in scopes if _covers(here, scope.name, asset)), scopes[0])
    sweep = Sweep(scope=chosen.name, only=(asset,), ports=keys, trigger="confirm")
    return _sweep(here, sweep, as_json=as_json, fail_on=fail_on, verbose=verbose)


def _meant(here: Surroundings, what: str, zone: str | None) -> tuple[str, str | None, str]:
    """The asset, the port where only one is meant, and the zone."""
    if what.startswith("f1:"):
        finding = finding_named(here.database, here.policy, now(), what)
        asset = finding["asset"].partition(":")[2]
        key = finding["locator"] if finding["locator"].startswith(("tcp/", "udp/")) else None
        return asset, key, finding["zone"]
    _, found = find_asset(here.database, what, zone)
    return found.key, None, found.zone


def _covers(here: Surroundings, scope: str, asset: str) -> bool:
    declared = here.manifest.scope_named(scope)
    words = here.bindings(declared.zone).get(asset, (asset,))
    try:
        return bool(declared.targets(now(), words))
    except Exception:  # noqa: BLE001
        return False


def _settle_surroundings(estate: Path | None) -> Surroundings:
    """Open the surroundings, and let the flow find the same ones."""
    path = find_estate(estate)
    if path is not None:
        os.environ["ROUNDSMAN_ESTATE"] = str(path)
    return open_here(path)


def _sweep(here: Surroundings, sweep: Sweep, *, as_json: bool, fail_on: FailOn, verbose: bool) -> int:
    here.manifest.scope_named(sweep.scope).targets(
        now(), []
    )  # an authorisation that ended is said before anything starts
    _prepare_prefect(verbose=verbose)
    with _shown(quiet=as_json or verbose) as say:
        say("starting Prefect (about 20 s without a server) …")
        from flows.port_sweep import port_sweep  # Prefect costs seconds that reading must not pay
        from tasks import rounds

        state = port_sweep(sweep, return_state=True)
    run_id = rounds.last_opened()
    if run_id is None or state.is_crashed():
        state.result(raise_on_failure=True)
    run = run_named(here.database, run_id or "latest")
    if run.state not in {"complete", "partial", "failed", "quarantined"}:
        state.result(raise_on_failure=True)
    return tell(here, run, as_json=as_json, fail_on=fail_on)


def _prepare_prefect(*, verbose: bool) -> None:
    """Settings for a run on this machine; what the operator has set stays."""
    defaults = {
        "PREFECT_LOGGING_LEVEL": "INFO" if verbose else "ERROR",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
    }
    if not (Path.home() / ".prefect" / "profiles.toml").exists():
        defaults["PREFECT_HOME"] = str(home() / "prefect")
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


@contextmanager
def _shown(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A bar with rate and time left, where somebody looks at it."""
    console = Console(stderr=True)
    if quiet or not sys.stderr.isatty():
        yield lambda _words: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        shown = bar.add_task("…", total=1.0)
        ended = threading.Event()

        def follow() -> None:
            while not ended.wait(0.3):
                progress = sys.modules.get("tasks.progress")
                runs = progress.running() if progress else {}
                for share in runs.values():
                    bar.update(shown, completed=share, description="asking")

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield lambda words: bar.update(shown, description=words)
        finally:
            ended.set()
            thread.join()
