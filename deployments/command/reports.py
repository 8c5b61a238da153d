"""`read` and `import`: reports that were made elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from blocks.surroundings import open_here
from deployments.command.options import EstateFile, FailOn, FailOnOption, Json, now, read_moment, read_port_list
from deployments.command.outcome import tell
from deployments.command.printing import console, hint, print_object, safe
from estate.assets import DEFAULT_ZONE
from estate.coverage import Keys
from estate.errors import BadInput
from estate.observations import Reading
from estate.ports.nmap import NmapReader
from estate.ports.zmap import read_zmap
from estate.store.importing import TOOLS, Import, import_report
from estate.store.runs import Profile
from estate.targets import Targets

Tool = Annotated[str, typer.Argument(help=f"Whose report: {' or '.join(TOOLS)}.")]
File = Annotated[Path, typer.Argument(help="The report: nmap's -oX, or zmap's CSV.")]
Metadata = Annotated[
    Path | None, typer.Option("--metadata", help="zmap's metadata file (-m), without which its silence proves nothing.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("read")(read)
    app.command("import")(import_)


def read(tool: Tool, file: File, metadata: Metadata = None, as_json: Json = False) -> int:
    """Read a scanner's report: what was seen and what was looked at. Nothing is stored."""
    if tool not in TOOLS:
        raise BadInput(f"there is no reader for {tool!r}; there are: {', '.join(TOOLS)}")
    with _opened(file) as stream:
        if tool == "nmap":
            return _read_nmap(stream, file, as_json=as_json)
        if metadata is None:
            return _read_zmap(stream, None, file, as_json=as_json)
        with _opened(metadata) as companion:
            return _read_zmap(stream, companion, file, as_json=as_json)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None


def _read_nmap(stream: BinaryIO, file: Path, *, as_json: bool) -> int:
    reader = NmapReader(stream)
    observations: list[dict[str, Any]] = []
    coverage: list[dict[str, Any]] = []
    for reading in _named(reader, file):
        observations += _observations(reading)
        coverage += _coverage(reading)
    head, tail = reader.head, reader.tail
    told = {
        "tool": head.scanner,
        "version": head.version,
        "started": head.started.isoformat().replace("+00:00", "Z") if head.started else None,
        "asked": str(head.asked),
        "complete": tail.complete,
        "reason": tail.reason,
        "hosts": {"up": tail.hosts_up, "total": tail.hosts_total},
        "skipped": list(tail.skipped),
    }
    return _tell(told, observations, coverage, as_json=as_json)


def _read_zmap(stream: BinaryIO, metadata: BinaryIO | None, file: Path, *, as_json: bool) -> int:
    report = read_zmap(stream, metadata)
    observations: list[dict[str, Any]] = []
    coverage: list[dict[str, Any]] = []
    for reading in _named(report, file):
        observations += _observations(reading)
        coverage += _coverage(reading)
    verdict = "silent" if report.silence else "blind"
    coverage.append({"subject": "*", "verdict": verdict, "reason": report.reason, "keys": str(report.asked)})
    told = {"tool": "zmap", "asked": str(report.asked), "complete": bool(report.silence), "reason": report.reason}
    return _tell(told, observations, coverage, as_json=as_json)


def _named(readings: Any, file: Path) -> Iterator[Reading]:  # both readers iterate the same way
    try:
        yield from readings
    except BadInput as error:
        raise type(error)(f"{file}: {error}") from None


def _observations(reading: Reading) -> list[dict[str, Any]]:
    return [
        {"subject": reading.subject, "aspect": "ports", "key": key, "attributes": dict(value)}
        for key, value in reading.present.items()
    ]


def _coverage(reading: Reading) -> list[dict[str, Any]]:
    rows = []
    if reading.present:
        rows.append(
            {
                "subject": reading.subject,
                "verdict": "positive",
                "reason": "",
                "keys": str(Keys.of(reading.present)),
            }
        )
    rows += [
        {"subject": reading.subject, "verdict": look.verdict.word, "reason": look.reason, "keys": str(look.keys)}
        for look in reading.looks
    ]
    return rows


def _tell(
    told: dict[str, Any], observations: list[dict[str, Any]], coverage: list[dict[str, Any]], *, as_json: bool
) -> int:
    if as_json:
        print_object(told, {"observations": observations, "coverage": coverage})
        return 0
    out = console()
    state = "complete" if told["complete"] else f"not complete: {told['reason']}"
    out.print(safe(f"{told['tool']} {told.get('version', '')}, asked {told['asked'] or 'nothing'}; {state}", 300))
    for row in observations:
        value = " ".join(row["attributes"].values())
        out.print(safe(f"  {row['subject']} {row['key']} {value}", 160))
    for row in coverage:
        if row["verdict"] != "positive":
            out.print(safe(f"  {row['subject']} {row['verdict']} ({row['reason']}): {row['keys']}", 160), style="dim")
    return 0


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
    vantage: Annotated[str, typer.Option("--vantage", help="From where it was looked.")] = "inside",
    at: Annotated[str | None, typer.Option("--at", help="When it was looked. Else when the report says.")] = None,
    canary: Annotated[
        str | None, typer.Option("--canary", help="ok or failed: whether known endpoints looked as they should.")
    ] = None,
    metadata: Metadata = None,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Settle a report that was made elsewhere as a run: month after month, out of order if need be."""
    if canary not in (None, "ok", "failed"):
        raise BadInput(f"--canary is ok or failed, not {canary!r}")
    here = open_here(estate)
    chosen = zone or here.default_zone or DEFAULT_ZONE
    told = Import(
        tool=tool,
        path=file,
        asked=Targets.parse(asked),
        keys=None if ports is None else read_port_list(ports),
        zone=chosen,
        vantage=vantage,
        at=read_moment(at, now(), "--at") if at else None,
        canary=canary or "",
        metadata=metadata,
    )
    profile = Profile(keys="")
    run = import_report(here.database, here.evidence, told, here.bindings(chosen), profile, here.policy.sha256, now())
    settled = here.settler(now).settle(run)
    for warning in json.loads(settled.run.warnings):
        hint(warning)
    return tell(here, settled.run, as_json=as_json, fail_on=fail_on)
