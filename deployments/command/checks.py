"""What `doctor` looks at: tools, rights, settings, storage, scopes, runs that wait for somebody, and drift."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from blocks.surroundings import open_here
from deployments.command.host_checks import check_hosts
from deployments.command.looked import Check
from deployments.command.options import now
from deployments.command.printing import counted
from estate.errors import CouldNotLook, RoundsmanError, ScopeNotValid, StoreError, ToolNotAllowed
from estate.scope import Scope
from estate.scope.words import end_instant
from estate.store.database import schema_of
from estate.store.reading import list_runs
from estate.store.resuming import abandoned
from estate.store.surroundings import Surroundings, find_estate, read_estate
from tasks.ports import nmap_engine, nmap_rights, zmap_engine, zmap_rights

_SOON = timedelta(days=30)


def check_everything(estate: Path | None) -> list[Check]:
    """Look at everything; a check that breaks is a failed check, not the end of the others."""
    path = find_estate(estate)
    told = str(path) if path else "none: `roundsman init` writes one; reading and importing work without"
    found = [
        _try("nmap", _nmap),
        _try("zmap", _zmap, needed=False),
        _try("rights", _rights, needed=False),
        Check("estate", path is not None, told),
    ]
    try:
        if path is not None:
            read_estate(path)
        here = open_here(path)
    except RoundsmanError as error:
        return [*found, _failed("database" if isinstance(error, StoreError) else "settings", error)]
    found += [_try("database", lambda: _database(here)), _try("evidence", lambda: _evidence(here))]
    for scope in here.manifest.scopes:
        found += _scope(scope, now())
    found += check_hosts(here)
    found += _runs(here)
    found += _prefect(here)
    return found


def _try(name: str, look: Callable[[], str], *, needed: bool = True) -> Check:
    try:
        return Check(name, True, look(), needed)
    except (RoundsmanError, OSError) as error:
        return _failed(name, error, needed=needed)


def _failed(name: str, error: RoundsmanError | OSError, *, needed: bool = True) -> Check:
    code = error.exit_code if isinstance(error, RoundsmanError) else CouldNotLook.exit_code
    return Check(name, False, str(error), needed, code)


def _database(here: Surroundings) -> str:
    with here.database.read() as connection:
        schema = schema_of(connection)
    url = here.database.engine.url.render_as_string(hide_password=True)
    return f"{url}, schema {schema}"


def _evidence(here: Surroundings) -> str:
    root = getattr(here.evidence, "root", None)
    if root is None:
        return f"Prefect block {here.manifest.evidence.block}"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=root):
        free = shutil.disk_usage(root).free
    return f"{root}, {free // 2**20:,} MiB free"


def _scope(scope: Scope, moment: datetime) -> Iterator[Check]:
    name = f"scope {scope.name}"
    try:
        scope.check_valid(moment)
    except ScopeNotValid as error:
        # Outside its hours a scope is as it should be; one that expired needs somebody.
        hours = scope.windows and "windows" in str(error)
        yield Check(name, False, str(error), needed=not hours, code=error.exit_code)
        return
    try:
        targets = len(scope.targets(moment))
    except RoundsmanError as error:
        yield _failed(name, error)
        return
    wide = f"; too wide to walk through: {', '.join(map(str, scope.wide))}" if scope.wide else ""
    words = (counted(targets, "target"), counted(scope.pace, "packet") + "/s", f"authorised by {scope.authorised_by}")
    yield Check(name, True, ", ".join(words) + wide)
    ending = end_instant(scope.valid_until) if scope.valid_until else None
    if ending is not None and ending - moment < _SOON:
        told = f"expires at {ending:%Y-%m-%d %H:%M} UTC: have {scope.authorised_by} sign it off again in time"
        yield Check(name, False, told, needed=False)


def _runs(here: Surroundings) -> Iterator[Check]:
    """Runs that nobody will end by himself."""
    for run in list_runs(here.database):
        if run["state"] == "quarantined":
            yield Check(f"run {run['id'][:12]}", False, f"waits for an answer: {run['message']}", needed=False)
    for left in abandoned(here.database, now()):
        told = f"{left.state} since {left.looked_at:%Y-%m-%d %H:%M} UTC, and nobody is at it"
        advice = f"the next scan goes on with it, or `roundsman settle {left.id[:12]}` settles what was asked"
        yield Check(f"run {left.id[:12]}", False, left.message or f"{told}: {advice}", needed=False)


def _prefect(here: Surroundings) -> Iterator[Check]:
    """Where flows run, and whether somebody changed a scope in the UI behind the file's back."""
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        yield Check("prefect", True, "no PREFECT_API_URL: scans start a server of their own", needed=False)
        return
    try:
        from blocks.scope import drift  # Prefect is loaded only to compare with it

        found = drift(here.manifest)
    except Exception as error:  # noqa: BLE001  # Prefect raises all sorts; any of them means that it cannot be asked
        told = f"{url} cannot be asked ({type(error).__name__}): is the server up? Without it no scan starts"
        yield Check("prefect", False, told)
        return
    yield Check("prefect", True, url, needed=False)
    for one in found:
        yield Check("drift", False, str(one), needed=False)


def _nmap() -> str:
    tool, version = nmap_engine()
    return f"{tool} {version}"


def _zmap() -> str:
    rights = zmap_rights()
    found = zmap_engine()
    if found is None:
        raise ToolNotAllowed(
            f"{rights.why}: wide scopes are asked by nmap, which is slower; to allow it: {rights.grant}"
        )
    return " ".join(found)


def _rights() -> str:
    rights = nmap_rights()
    if not rights.raw:
        raise ToolNotAllowed(f"{rights.why}, so neither SYN scans nor UDP nor sweeps; to allow it: {rights.grant}")
    return f"{rights.why}: SYN scans, UDP and sweeps are possible"
