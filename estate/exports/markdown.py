"""A run's outcome as Markdown for the Prefect UI: every foreign word escaped, and never too big for a page."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from estate.text import escape_markdown_cell, printable

MOST_ROWS = 1_000
MOST_BYTES = 200_000
"""The UI's list page loads every artifact whole (measured), so a page has an end; the database has all."""

State = Mapping[str, str] | None
ChangeRow = Mapping[str, object]

_HEADINGS = {
    "gone": "Gone",
    "appeared": "Appeared",
    "reappeared": "Back again",
    "changed": "Changed",
    "flapping": "Flapping",
    "suspected_gone": "Suspected gone: silent, not proved",
    "lost_sight": "Out of sight: we could not look",
    "sight_regained": "In sight again",
    "rescoped_out": "No longer in scope",
    "first_observed": "Seen for the first time",
}
_VERDICTS = {"positive": "open", "negative": "closed", "silent": "silent", "blind": "not looked at"}
_SEEN = {**_VERDICTS, "positive": "there", "negative": "not there"}
"""The same of what is no port."""
_USUAL_CAUSE = "estate"
_SPARE = 200
_ACTIVE = re.compile(r"[\\`*_\[\]!~|$^@]|:(?=//)|(?<=www)\.|^[#+=-]", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s)")
_MOST_WARNINGS = 20


def render_run(head: Mapping[str, object], changes: Iterable[ChangeRow], findings: int) -> str:
    """A page: how much we could see, then what changed, the surest and most alarming kinds first."""
    shown = list(islice(changes, MOST_ROWS + 1))
    body = _changes(shown[:MOST_ROWS], of_ports=_of_ports(head)) if shown else iter(("**Nothing changed.**", ""))
    page, whole = bounded((*summary(head, findings), *body))
    if len(shown) > MOST_ROWS or not whole:
        page += f"\nNot everything fits here; `roundsman changes --run {_run(head)}` has all of it.\n"
    return page


def _run(head: Mapping[str, object]) -> str:
    """The beginning of the run's id, which is enough for the command."""
    return "".join(character for character in str(head["id"]) if character.isalnum())[:12]


def _of_ports(head: Mapping[str, object]) -> bool:
    return head.get("scan", "ports") == "ports"


def bounded(lines: Iterable[str]) -> tuple[str, bool]:
    """As many lines as fit, and whether that is all of them."""
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > MOST_BYTES - _SPARE:
            return "\n".join(kept), False
        kept.append(line)
    return "\n".join(kept), True


def summary(head: Mapping[str, object], findings: int) -> Iterator[str]:
    """How much of a run could be seen, in lines."""
    asked, answered = _count(head["asked"]), _count(head["answered"])
    yield f"## {cell(head['scope'])}: {cell(head['state'])}"
    yield ""
    yield f"Run {_run(head)} looked at {_moment(head['looked_at'])} with {cell(head['engine'])}."
    yield f"{cell(head['choice'])}."
    yield ""
    if head["message"]:
        yield f"> {cell(head['message'], 600)}"
        yield ""
    yield from _coverage(head["coverage"], asked, answered, _VERDICTS if _of_ports(head) else _SEEN)
    if head["canary"]:
        yield f"Canaries: {cell(head['canary'], 400)}"
        yield ""
    yield from _warnings(head["warnings"])
    yield f"{findings:,} {'finding is' if findings == 1 else 'findings are'} open in this estate."
    yield ""


def _coverage(coverage: object, asked: int, answered: int, words: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(coverage, Mapping):
        return
    # Cut, not rounded: one question without an answer is not 100 %.
    share = f"{1000 * answered // asked / 10} %" if asked else "none"
    yield f"| asked | answered | {' | '.join(words.values())} |"
    yield "|---:" * (2 + len(words)) + "|"
    counts = " | ".join(f"{_count(coverage[verdict]):,}" for verdict in words)
    yield f"| {asked:,} | {answered:,} ({share}) | {counts} |"
    yield ""


def _warnings(warnings: object) -> Iterator[str]:
    if isinstance(warnings, Sequence) and warnings:
        yield from (f"- {cell(warning, 400)}" for warning in warnings[:_MOST_WARNINGS])
        yield ""


def _changes(changes: Sequence[ChangeRow], *, of_ports: bool) -> Iterator[str]:
    for kind, heading in _HEADINGS.items():
        rows = [change for change in changes if change["kind"] == kind]
        if not rows:
            continue
        yield f"### {heading} ({len(rows)})"
        yield ""
        columns = _columns(of_ports=of_ports, news=kind != "first_observed")
        yield f"| {' | '.join(columns)} |"
        yield "|---" * len(columns) + "|"
        for change in rows:
            cells = (_CELLS[column](change) for column in columns)
            yield f"| {' | '.join(map(cell, cells))} |"
        yield ""


def _columns(*, of_ports: bool, news: bool) -> tuple[str, ...]:
    """What was never looked at before is news only by being there; the UI wraps no cell, so long keys come last."""
    if of_ports:
        return ("where", "what", *(("how sure", "why") if news else ()), "answers")
    return ("where", *(("why", "how sure") if news else ()), "what")


def service(change: ChangeRow) -> str:
    """What answers or answered, as far as it was probed, and what did before where that is another."""
    before, after = _spell(change["before"]), _spell(change["after"])
    both = change["kind"] == "changed" and before and before != after
    return printable(f"{before} → {after}" if both else after or before, 200)


def _spell(state: object) -> str:
    if not isinstance(state, Mapping):
        return ""
    return " ".join(str(state[name]) for name in ("tunnel", "service", "product", "version") if name in state)


def _why(change: ChangeRow) -> str:
    cause = str(change["cause"])
    return f"{change['reason']}" + (f" (cause: {cause})" if cause != _USUAL_CAUSE else "")


_CELLS: Mapping[str, Callable[[ChangeRow], object]] = {
    "where": lambda change: change["asset"],
    "what": lambda change: change["key"],
    "how sure": lambda change: change["certainty"],
    "why": _why,
    "answers": service,
}


def cell(value: object, limit: int = 200) -> str:
    """Foreign text for a table's cell."""
    return escape_markdown_cell(printable(str(value), limit))


def _still(value: object) -> str:
    """Text in which nothing acts, wherever it is read as Markdown."""
    text = printable(str(value), 200).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _NUMBERED.sub(r"\1\\\2", _ACTIVE.sub(lambda match: "\\" + match[0], text))


def _moment(value: object) -> str:
    """A time to the second."""
    return cell(str(value)[:19].replace("T", " ")) + " UTC"


def _count(value: object) -> int:
    return int(str(value))


def table_of(changes: Iterable[ChangeRow]) -> list[dict[str, str]]:
    """Flat rows for a table artifact, as many as fit.

    One of Prefect's two UIs reads cells as Markdown and HTML, the other as text (tried with 3.8.8): only what would
    act in the first one is escaped, so that usual words look right in both.
    """
    rows: list[dict[str, str]] = []
    size = 0
    for change in islice(changes, MOST_ROWS):
        row = {
            "change": str(change["kind"]).replace("_", " "),
            "where": _still(change["asset"]),
            "what": _still(change["key"]),
            "how sure": str(change["certainty"]),
            "cause": str(change["cause"]),
            "why": _still(change["reason"]),
            "answers": _still(service(change)),
        }
        size += len(json.dumps(row)) + 2
        if size > MOST_BYTES:
            break
        rows.append(row)
    return rows
