"""`read sslyze`: what a report of sslyze's command line shows of each of its servers."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import BinaryIO

from deployments.command.grades import grade_object
from deployments.command.printing import SHOWN, Rows, counted, hint, print_object, safe, show
from estate.certificates.facts import FOUND, split_problem
from estate.certificates.trust import TrustStore
from estate.coverage import Keys
from estate.observations import Reading
from estate.store.documents import iso
from estate.tls.sslyze.outline import SslyzeReport, read_sslyze
from estate.tls.sslyze.servers import ServerRead, read_server


def tell_sslyze(stream: BinaryIO, roots: TrustStore, *, as_json: bool) -> None:
    """Print what the report shows.

    Raises:
        BadReport: it cannot be read, with the server and the field; then nothing is printed.
    """
    report = read_sslyze(stream)
    servers = (read_server(server, report.started, roots) for server in report.servers())
    if as_json:
        _print(report, servers)
    else:
        _show(report, servers)


def _print(report: SslyzeReport, servers: Iterable[ServerRead]) -> None:
    with closing(Rows()) as observations, closing(Rows()) as coverage, closing(Rows()) as grades:
        seen, ports = 0, set()
        for server in servers:
            seen += server.seen
            ports.add(f"tcp/{server.evidence.asked.port}")
            grades.add({"subject": server.tls.subject, **grade_object(server.evidence, server.judged)})
            for reading, aspect in ((server.tls, "tls"), (server.certificates, "certificate")):
                for key, attributes in reading.present.items():
                    observations.add(
                        {"subject": reading.subject, "aspect": aspect, "key": key, "attributes": dict(attributes)}
                    )
                for verdict, reason, keys in _looks(reading):
                    coverage.add(
                        {
                            "subject": reading.subject,
                            "aspect": aspect,
                            "verdict": verdict,
                            "reason": reason,
                            "keys": str(keys),
                        }
                    )
        print_object(
            {
                "tool": "sslyze",
                "version": report.version,
                "started": iso(report.started),
                "asked": str(Keys.of(ports)),
                "complete": True,
                "reason": "",
                "hosts": {"up": seen, "total": len(report) + len(report.invalid)},
                "skipped": list(report.invalid),
            },
            {"observations": observations, "coverage": coverage, "grades": grades},
        )


def _looks(reading: Reading) -> Iterator[tuple[str, str, Keys]]:
    if reading.present:
        yield "positive", "", Keys.of(reading.present)
    for look in reading.looks:
        yield look.verdict.word, look.reason, look.keys


def _show(report: SslyzeReport, servers: Iterable[ServerRead]) -> None:
    lines: list[tuple[str, str]] = []
    seen = left = 0
    for server in servers:
        seen += server.seen
        if len(lines) < SHOWN:
            lines += _lines(server)
        else:
            left += 1
    for text, style in lines:
        show(safe(text, 300), style=style)
    for word in report.invalid[:SHOWN]:
        show(safe(f"no server, and not asked: {word}", 200), style="dim")
    servers_asked = f"{counted(len(report), 'server')}, {seen} of them answered"
    show(safe(f"sslyze {report.version} · started {iso(report.started)} · {servers_asked}", 300))
    if left:
        hint(f"{counted(left, 'server')} not shown; --json prints all")


def _lines(server: ServerRead) -> Iterator[tuple[str, str]]:
    asked, rating = server.evidence.asked, server.judged.rating
    where = f"[{asked.address}]:{asked.port}" if ":" in asked.address else f"{asked.address}:{asked.port}"
    name = f" as {asked.name}" if asked.name and asked.name != asked.address else ""
    aside = f", {rating.grade_trust_ignored or 'unknown'} if trust is ignored" if rating.grade in {"T", "M"} else ""
    yield f"{rating.grade or 'no grade'}{aside}  {where}{name}", "bold"
    if rating.not_gradable:
        yield f"  {rating.not_gradable}{f'; {rating.at_best} at best' if rating.at_best else ''}", ""
    for rule in rating.reasons:
        yield f"  {rule.effect}: {rule.evidence}  ({rule.rule})", ""
    for leaf in server.judged.leaves:
        yield f"  certificate: {leaf}, until {leaf.not_after:%Y-%m-%d}, by {leaf.issuer.shown}", ""
    for key, attributes in server.certificates.present.items():
        problem = split_problem(key)
        if problem is not None:
            yield f"  {problem[1]}: {dict(attributes).get(FOUND, '')}", ""
    for reading in (server.tls, server.certificates):
        for verdict, reason, keys in _looks(reading):
            if verdict == "blind":
                yield f"  blind: {counted(len(keys), 'key')} ({reason})", "dim"
