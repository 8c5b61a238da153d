"""A run's outcome as Markdown for the Prefect UI: every foreign word escaped, and never too big for a page."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_USUAL_CAUSE = "estate"
_SPARE = 200
_ACTIVE = re.compile(r"[\\`*_\[\]!~|$^@]|:(?=//)|(?<=www)\.|^[#+=-]", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s)")
_MOST_WARNINGS = 20


def render_run(head: Mapping[str, object], changes: Iterable[ChangeRow], findings: int) -> str:
    """A page: how much we could see, then what changed, the surest and most alarming kinds first."""
    shown = list(islice(changes, MOST_ROWS + 1))
    body = _changes(shown[:MOST_ROWS]) if shown else iter(("**Nothing changed.**", ""))
    page, whole = bounded((*summary(head, findings), *body))
    if len(shown) > MOST_ROWS or not whole:
        page += f"\nNot everything fits here; `roundsman changes --run {_run(head)}` has all of it.\n"
    return page


def _run(head: Mapping[str, object]) -> str:
    """The beginning of the run's id, which is enough for the command."""
    return "".join(character for character in str(head["id"]) if character.isalnum())[:12]


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
    yield from _coverage(head["coverage"], asked, answered)
    if head["canary"]:
        yield f"Canaries: {cell(head['canary'], 400)}"
        yield ""
    yield from _warnings(head["warnings"])
    yield f"{findings:,} {'finding is' if findings == 1 else 'findings are'} open in this estate."
    yield ""


def _coverage(coverage: object, asked: int, answered: int) -> Iterator[str]:
    if not isinstance(coverage, Mapping):
        return
    # Cut, not rounded: one question without an answer is not 100 %.
    share = f"{1000 * answered // asked / 10} %" if asked else "none"
    yield f"| asked | answered | {' | '.join(_VERDICTS.values())} |"
    yield "|---:" * (2 + len(_VERDICTS)) + "|"
    counts = " | ".join(f"{_count(coverage[verdict]):,}" for verdict in _VERDICTS)
    yield f"| {asked:,} | {answered:,} ({share}) | {counts} |"
    yield ""


def _warnings(warnings: object) -> Iterator[str]:
    if isinstance(warnings, Sequence) and warnings:
        yield from (f"- {cell(warning, 400)}" for warning in warnings[:_MOST_WARNINGS])
        yield ""


def _changes(changes: Sequence[ChangeRow]) -> Iterator[str]:
    for kind, heading in _HEADINGS.items():
        rows = [change for change in changes if change["kind"] == kind]
        if not rows:
            continue
        yield f"### {heading} ({len(rows)})"
        yield ""
        # What was never looked at before is news only by being there.
        news = () if kind == "first_observed" else ("how sure", "why")
        columns = ("where", "what", *news, "answers")
        yield f"| {' | '.join(columns)} |"
        yield "|---" * len(columns) + "|"
        for change in rows:
            told = (change["certainty"], _why(change)) if news else ()
            cells = (change["asset"], change["key"], *told, service(change))
            yield f"| {' | '.join(map(cell, cells))} |"
        yield ""


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
