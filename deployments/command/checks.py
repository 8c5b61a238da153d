"""What `doctor` looks at: tools, rights, database, evidence, scopes, and drift of settings."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypedDict

from blocks.surroundings import open_here
from deployments.command.options import now
from estate.errors import RoundsmanError, ToolNotAllowed
from estate.store.database import schema_of
from estate.store.surroundings import Surroundings, find_estate
from tasks.ports import nmap_engine, nmap_rights, zmap_engine, zmap_rights


class CheckObject(TypedDict):
    """One check as JSON prints it."""

    name: str
    ok: bool
    needed: bool
    told: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `needed` ones keep Roundsman from working when they fail."""

    name: str
    ok: bool
    told: str
    needed: bool = True

    def to_object(self) -> CheckObject:
        """As JSON prints it."""
        return {"name": self.name, "ok": self.ok, "needed": self.needed, "told": self.told}


def check_everything(estate: Path | None) -> list[Check]:
    """Look at everything; a check that breaks is a failed check, not the end of the others."""
    found = [_try("nmap", _nmap), _try("zmap", _zmap, needed=False), _try("rights", _rights, needed=False)]
    path = find_estate(estate)
    told = str(path) if path else "none: `roundsman init` writes one"
    found.append(Check("estate", path is not None, told))
    try:
        here = open_here(path)
    except RoundsmanError as error:
        return [*found, Check("settings", False, str(error))]
    found += [_try("database", lambda: _database(here)), _try("evidence", lambda: _evidence(here))]
    found += _scopes(here)
    found += _prefect(here)
    return found


def _try(name: str, look: Callable[[], str], *, needed: bool = True) -> Check:
    try:
        return Check(name, True, look(), needed)
    except (RoundsmanError, OSError) as error:
        return Check(name, False, str(error), needed)


def _database(here: Surroundings) -> str:
    with here.database.read() as connection:
        schema = schema_of(connection)
    url = here.database.engine.url.render_as_string(hide_password=True)
    return f"{url}, schema {schema}"


def _evidence(here: Surroundings) -> str:
    root = getattr(here.evidence, "root", None)
    if root is None:
        return f"Prefect block {here.manifest.evidence.block}"
    root.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=root):
        free = shutil.disk_usage(root).free
    return f"{root}, {free // 2**20:,} MiB free"


def _scopes(here: Surroundings) -> Iterator[Check]:
    for scope in here.manifest.scopes:
        name = f"scope {scope.name}"
        try:
            targets = scope.targets(now())
        except RoundsmanError as error:
            yield Check(name, False, str(error))
            continue
        wide = f"; too wide to walk through: {', '.join(map(str, scope.wide))}" if scope.wide else ""
        yield Check(
            name,
            True,
            f"{len(targets):,} targets, {scope.pace:,} packets/s, authorised by {scope.authorised_by}{wide}",
        )


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
        yield Check("prefect", False, f"{url} cannot be asked: {type(error).__name__}", needed=False)
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
