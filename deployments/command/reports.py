"""`read`: what is in a scanner's report, without an estate or a database."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, TypedDict

import typer

from deployments.command.grading import read_roots
from deployments.command.options import Json
from deployments.command.printing import SHOWN, Rows, counted, hint, print_object, safe, show
from deployments.command.tables import service_of
from estate.coverage import Keys
from estate.errors import BadInput, BadReport
from estate.observations import Reading
from estate.ports.nmap import NmapReader
from estate.ports.zmap import ZmapReport, read_zmap
from estate.store.documents import iso
from estate.store.importing import TOOLS

READERS = (*TOOLS, "sslyze")
Tool = Annotated[str, typer.Argument(help=f"Whose report: {' or '.join(TOOLS)}.", autocompletion=lambda: TOOLS)]
Reader = Annotated[str, typer.Argument(help=f"Whose report: {' or '.join(READERS)}.", autocompletion=lambda: READERS)]
File = Annotated[Path, typer.Argument(help="The report: nmap's -oX, or zmap's CSV; - is standard input.")]
Report = Annotated[
    Path, typer.Argument(help="The report: nmap's -oX, zmap's CSV, or sslyze's --json_out; - is standard input.")
]
Metadata = Annotated[
    Path | None, typer.Option("--metadata", help="zmap's metadata file (-m), without which its silence proves nothing.")
]

Port = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="Which port was asked, where a plain list of zmap's does not say."),
]


class ReportObject(TypedDict):
    """What a report says of itself, and whether it is whole."""

    tool: str
    version: str
    started: str | None
    asked: str
    complete: bool
    reason: str
    hosts: dict[str, int] | None
    skipped: list[str]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("read")(read)


def check_tool(tool: str, metadata: Path | None, known: Sequence[str] = TOOLS) -> None:
    """Refuse what has no reader, and metadata where there can be none.

    Raises:
        BadInput: so it is.
    """
    if tool not in known:
        raise BadInput(f"there is no reader for {tool!r}; there are: {', '.join(known)}")
    if metadata is not None and tool != "zmap":
        raise BadInput(f"--metadata is zmap's; {tool}'s report says by itself whether it is whole")


def read(
    tool: Reader,
    file: Report,
    metadata: Metadata = None,
    port: Port = None,
    roots: Annotated[
        Path | None, typer.Option("--roots", help="sslyze: your own root certificates (PEM), beside Mozilla's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a scanner's report shows; nothing is stored."""
    check_tool(tool, metadata, READERS)
    if port is not None and tool != "zmap":
        raise BadInput(f"--port is for zmap's plain lists of addresses; {tool}'s report says by itself what was asked")
    if roots is not None and tool != "sslyze":
        raise BadInput(f"--roots is for sslyze's certificates; {tool}'s report has none")
    if tool == "sslyze":
        from deployments.command.tls_reports import tell_sslyze  # what judges certificates is loaded only for them

        trusted = read_roots(roots)
        with opened(file) as stream, naming(file):
            tell_sslyze(stream, trusted, as_json=as_json)
        return
    with opened(file) as stream:
        if tool == "nmap":
            if file.is_file() and not file.stat().st_size:
                raise BadInput(f"{file} is empty: nmap wrote nothing, or was ended before it could")
            with naming(file):
                _tell(_Nmap(NmapReader(stream)), file, as_json=as_json)
        elif metadata is None:
            _tell(_Zmap(read_zmap(stream, port=port)), file, as_json=as_json)
        else:
            with opened(metadata) as companion, naming(metadata):
                report = read_zmap(stream, companion, port=port)
            _tell(_Zmap(report), file, as_json=as_json)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, or standard input for `-`.

    Raises:
        BadInput: it cannot be opened.
    """
    if path == Path("-"):
        if sys.stdin is None:
            raise BadInput("standard input is closed")
        yield sys.stdin.buffer
        return
    try:
        stream = path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    with stream:
        yield stream


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Say of which file a reader complains."""
    try:
        yield
    except BadReport as error:
        text = str(error)
        raise (error if text.startswith(f"{file}:") else BadReport(f"{file}: {text}")) from None


class _Nmap:
    """nmap's report as both kinds are told."""

    def __init__(self, reader: NmapReader) -> None:
        self._reader = reader

    def readings(self) -> Iterator[Reading]:
        yield from self._reader

    def rest(self) -> tuple[tuple[str, str], ...]:
        """What is to be concluded of whom the report does not mention: nothing."""
        return ()

    def told(self) -> ReportObject:
        head, tail = self._reader.head, self._reader.tail
        return {
            "tool": head.scanner,
            "version": head.version,
            "started": iso(head.started) if head.started else None,
            "asked": str(head.asked),
            "complete": tail.complete,
            "reason": tail.reason,
            "hosts": {"up": tail.hosts_up, "total": tail.hosts_total},
            "skipped": list(tail.skipped),
        }


class _Zmap:
    """zmap's results as both kinds are told."""

    def __init__(self, report: ZmapReport) -> None:
        self._report = report

    def readings(self) -> Iterator[Reading]:
        yield from self._report

    def rest(self) -> tuple[tuple[str, str], ...]:
        """What is to be concluded of every address that the results do not mention."""
        return (("silent" if self._report.silence else "blind", self._report.reason),)

    def told(self) -> ReportObject:
        report = self._report
        whole = report.silence is not None
        return {
            "tool": "zmap",
            "version": "",
            "started": iso(report.started) if report.started else None,
            "asked": str(report.asked),
            "complete": whole,
            "reason": "" if whole else report.reason,
            "hosts": None,
            "skipped": [],
        }


def _tell(report: _Nmap | _Zmap, file: Path, *, as_json: bool) -> None:
    with naming(file):
        if as_json:
            _print(report)
        else:
            _show(report)


def _print(report: _Nmap | _Zmap) -> None:
    with closing(Rows()) as observations, closing(Rows()) as coverage:
        for reading in report.readings():
            for key, attributes in reading.present.items():
                observations.add(
                    {"subject": reading.subject, "aspect": "ports", "key": key, "attributes": dict(attributes)}
                )
            for verdict, reason, keys in _looks(reading):
                coverage.add(_coverage(reading.subject, verdict, reason, keys))
        told = report.told()
        for verdict, reason in report.rest():
            coverage.add(_coverage("*", verdict, reason, told["asked"]))
        print_object(dict(told), {"observations": observations, "coverage": coverage})


def _coverage(subject: str, verdict: str, reason: str, keys: str) -> dict[str, object]:
    return {"subject": subject, "aspect": "ports", "verdict": verdict, "reason": reason, "keys": keys}


def _looks(reading: Reading) -> Iterator[tuple[str, str, str]]:
    if reading.present:
        yield "positive", "", str(Keys.of(reading.present))
    for look in reading.looks:
        yield look.verdict.word, look.reason, str(look.keys)


def _show(report: _Nmap | _Zmap) -> None:
    subject, lines, hosts = None, 0, 0
    for reading in report.readings():
        hosts += reading.subject != subject
        if lines > SHOWN:
            subject = reading.subject
            continue
        if reading.subject != subject:
            show(safe(reading.subject), style="bold")
            subject = reading.subject
        for key, attributes in reading.present.items():
            lines += 1
            show(safe(f"  open      {key}  {service_of(dict(attributes))}".rstrip(), 200))
        for verdict, reason, keys in _looks(reading):
            if verdict != "positive":
                lines += 1
                show(safe(f"  {verdict:<8}  {keys}  ({reason})", 200), style="dim")
    for verdict, reason in report.rest():
        show(safe(f"all others that were asked: {verdict} ({reason})", 200), style="dim")
    told = report.told()
    whole = "complete" if told["complete"] else f"not complete: {told['reason']}"
    started = f"started {told['started']}" if told["started"] else ""
    name = f"{told['tool']} {told['version']}".strip()
    words = (name, started, f"asked {told['asked'] or 'no ports'}", counted(hosts, "host"), whole)
    show(safe(" · ".join(word for word in words if word), 400))
    if lines > SHOWN:
        hint("not all of it is shown; --json prints all")
