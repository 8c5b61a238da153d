"""How results look: one JSON object for programs, tables and sentences for people."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from estate.store.documents import AssetObject, ChangeObject, FindingObject, RunObject
from estate.text import printable

SHOWN = 200
"""Rows of a table for people; programs get all of them with --json."""

_MARKS = {
    "first_observed": ("·", "cyan"),
    "appeared": ("+", "bold green"),
    "reappeared": ("+", "green"),
    "changed": ("~", "yellow"),
    "suspected_gone": ("?", "magenta"),
    "gone": ("-", "bold red"),
    "lost_sight": ("!", "bold magenta"),
    "sight_regained": ("o", "blue"),
    "rescoped_out": ("x", "dim"),
    "flapping": ("≈", "bold yellow"),
}
_SEVERITIES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


def console() -> Console:
    """Standard output; without colours and without a fixed width where it is no terminal."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, no_color=True, width=160, soft_wrap=False)


def complain(message: str) -> None:
    """One line to standard error, so that standard output stays what was asked for."""
    Console(stderr=True, highlight=False).print(f"[bold red]roundsman:[/] {escape(printable(message, 2000))}")


def hint(message: str) -> None:
    """A remark to standard error."""
    Console(stderr=True, highlight=False).print(f"[dim]{escape(printable(message, 2000))}[/]")


def print_object(head: Mapping[str, Any], lists: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """One JSON object whose lists are written row by row, so that memory does not grow with them."""
    out = sys.stdout
    out.write("{")
    separator = ""
    for name, value in head.items():
        out.write(f"{separator}{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
        separator = ", "
    for name, rows in lists.items():
        out.write(f"{separator}{json.dumps(name)}: [")
        comma = "\n"
        for row in rows:
            out.write(comma + json.dumps(row, ensure_ascii=False))
            comma = ",\n"
        out.write("]")
        separator = ", "
    out.write("}\n")


def print_rows(name: str, rows: Iterable[Mapping[str, Any]], *, as_json: bool, as_lines: bool) -> bool:
    """Print for a program, if that was asked for."""
    if as_lines:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return True
    if as_json:
        print_object({}, {name: rows})
        return True
    return False


def safe(value: object, limit: int = 80) -> Text:
    """Foreign text: no control characters, no markup."""
    return Text(printable(str(value), limit))


def service_of(change: ChangeObject) -> str:
    """What answers, as far as it was probed."""
    state = change["after"] or change["before"] or {}
    words = [state.get(name, "") for name in ("tunnel", "service", "product", "version", "extrainfo")]
    return " ".join(word for word in words if word)


def change_table(changes: Iterable[ChangeObject], *, with_run: bool = False) -> Table:
    """What changed, one line each."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    table.add_column("", width=1)
    for name in ("change", "what", "where", "sure", "cause", "why", *(["when"] if with_run else [])):
        table.add_column(name, overflow="fold")
    for change in changes:
        mark, style = _MARKS[change["kind"]]
        what = Text.assemble((change["key"], "bold"), " ", safe(service_of(change), 60))
        row: list[Text | str] = [
            Text(mark, style),
            Text(change["kind"].replace("_", " "), style),
            what,
            safe(change["asset"]),
            change["certainty"],
            change["cause"],
            safe(_why(change), 80),
        ]
        table.add_row(*row, *([change["looked_at"][:19]] if with_run else []))
    return table


def _why(change: ChangeObject) -> str:
    if change["kind"] != "changed":
        return change["reason"]
    before, after = change["before"] or {}, change["after"] or {}
    names = [name for name in change["reason"].split(", ") if name in before and name in after]
    return "; ".join(f"{name}: {before[name]} → {after[name]}" for name in names)


def finding_table(findings: Iterable[FindingObject]) -> Table:
    """Findings, one line each."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("severity", "rule", "what", "evidence", "detection", "since", "fingerprint"):
        table.add_column(name, overflow="fold", no_wrap=name in {"fingerprint", "severity"})
    for finding in findings:
        state = finding["detection"] + (" (accepted)" if finding["suppressed"] else "")
        table.add_row(
            Text(finding["severity"], _SEVERITIES[finding["severity"]]),
            finding["rule"],
            safe(finding["subject"]),
            safe(finding["evidence"], 60),
            state.replace("_", " "),
            finding["first_seen"][:10],
            finding["fingerprint"][:15],
        )
    return table


def run_table(runs: Iterable[RunObject]) -> Table:
    """Runs, one line each."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("run", "scan", "scope", "looked at", "state", "asked", "answered", "open", "by"):
        table.add_column(name, justify="right" if name in {"asked", "answered", "open"} else "left", overflow="fold")
    for run in runs:
        table.add_row(
            run["id"][:12],
            run["scan"],
            safe(run["scope"]),
            run["looked_at"][:19],
            Text(run["state"], "green" if run["state"] == "complete" else "yellow"),
            f"{run['asked']:,}",
            f"{run['answered']:,}",
            f"{run['coverage']['positive']:,}",
            run["trigger"],
        )
    return table


def asset_table(assets: Iterable[AssetObject]) -> Table:
    """Assets, one line each."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("asset", "zone", "seen", "out of sight", "findings", "owner"):
        table.add_column(name, overflow="fold", justify="right" if name == "findings" else "left")
    for asset in assets:
        table.add_row(
            safe(asset["asset"]),
            safe(asset["zone"]),
            safe(", ".join(asset["keys"]) or "–", 200),
            safe(", ".join(asset["unseen"]), 200),
            str(asset["findings"]),
            safe(asset["owner"]),
        )
    return table


def limited(rows: Iterable[Any], name: str) -> Iterator[Any]:
    """The first rows, with a remark on what is left out."""
    count = 0
    for row in rows:
        count += 1
        if count <= SHOWN:
            yield row
    if count > SHOWN:
        hint(f"{count - SHOWN:,} more {name} are not shown; --json prints all of them")
