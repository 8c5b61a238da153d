"""`import`: settle a report that was made elsewhere, month after month."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.options import (
    EstateFile,
    FailOn,
    FailOnOption,
    Json,
    Vantage,
    now,
    read_past,
    read_port_list,
)
from deployments.command.outcome import tell
from deployments.command.reports import File, Metadata, Tool, check_tool, naming, opened
from estate.assets import DEFAULT_ZONE, canonical_zone
from estate.errors import BadInput, BadTarget
from estate.store.importing import Import, import_report
from estate.store.runs import Profile
from estate.targets import LARGEST, Targets


class Canary(StrEnum):
    """Whether the endpoints whose state is known looked as they should."""

    OK = "ok"
    FAILED = "failed"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_)


def import_(
    tool: Tool,
    file: File,
    asked: Annotated[
        str, typer.Option("--asked", help="Who was asked: addresses, networks, ranges, names; with commas.")
    ],
    ports: Annotated[
        str | None,
        typer.Option("--ports", help="What was asked: 1-1024,8080 or tcp/1-1024 udp/53. Else what the report claims."),
    ] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="The zone the addresses belong to.")] = None,
    vantage: Vantage = "inside",
    at: Annotated[str | None, typer.Option("--at", help="When it was looked. Else when the report says.")] = None,
    canary: Annotated[
        Canary | None, typer.Option("--canary", help="Whether endpoints of known state looked as they should.")
    ] = None,
    metadata: Metadata = None,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Settle a report that was made elsewhere, in any order."""
    check_tool(tool, metadata)
    targets = Targets.parse(asked)
    if targets.size > LARGEST:
        raise BadTarget(f"--asked {asked[:60]}: more than {LARGEST:,} addresses; name the hosts or smaller networks")
    keys = None if ports is None else read_port_list(ports)
    moment = None if at is None else read_past(at, now(), "--at")
    if zone is not None:
        canonical_zone(zone)
    _check_vantage(vantage)
    here = open_here(estate)
    chosen = here.default_zone or DEFAULT_ZONE if zone is None else zone
    with _on_disk(file) as path, naming(path):
        told = Import(
            tool=tool,
            path=path,
            asked=targets,
            keys=keys,
            zone=chosen,
            vantage=vantage,
            at=moment,
            canary=canary.value if canary else "",
            metadata=metadata,
        )
        bindings = here.bindings(chosen)
        run = import_report(here.database, here.evidence, told, bindings, Profile(keys=""), here.policy.sha256, now())
        settled = here.settler(now).settle(run)
    return tell(here, settled.run, as_json=as_json, fail_on=fail_on)


def _check_vantage(vantage: str) -> None:
    try:
        canonical_zone(vantage)
    except BadTarget:
        raise BadInput(
            f"--vantage {vantage[:60]!r} is no name (lower-case letters, digits, '.', '_' and '-')"
        ) from None


@contextmanager
def _on_disk(file: Path) -> Iterator[Path]:
    """The report as a file, also where it comes through a pipe."""
    if file != Path("-") and not (file.exists() and stat.S_ISFIFO(file.stat().st_mode)):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="roundsman-") as folder:
        copy = Path(folder) / "standard-input"
        with opened(file) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        yield copy
