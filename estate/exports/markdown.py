"""A run's outcome as Markdown for the Prefect UI: every foreign word escaped, and never too big for a page."""

from collections.abc import Iterable, Mapping, Sequence
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


def render_run(head: Mapping[str, object], changes: Iterable[ChangeRow], findings: int) -> str:
    """A page: how much we could see, then what changed, the surest and most alarming kinds first."""
    shown = list(islice(changes, MOST_ROWS + 1))
    parts = [*_coverage(head), *_changes(shown[:MOST_ROWS])]
    if not shown:
        parts.append("**Nothing changed.**\n")
    parts.append(f"{findings:,} findings are open in this estate.\n")
    page = _bounded(parts)
    if len(shown) > MOST_ROWS or page.cut:
        run = _cell(str(head["id"])[:12])
        page.text += f"\nNot everything fits here; `roundsman changes --run {run}` has all of it.\n"
    return page.text


class _Page:
    def __init__(self) -> None:
        self.text = ""
        self.cut = False


def _bounded(parts: Sequence[str]) -> _Page:
    page = _Page()
    size = 0
    for part in parts:
        size += len(part.encode())
        if size > MOST_BYTES:
            page.cut = True
            break
        page.text += part + "\n"
    return page


def _coverage(head: Mapping[str, object]) -> list[str]:
    asked, answered = int(str(head["asked"])), int(str(head["answered"]))
    share = f"{100 * answered / asked:.1f} %" if asked else "none"
    lines = [
        f"## {_cell(head['scope'])}: {_cell(head['state'])}\n",
        f"{asked:,} questions asked, {share} answered · {_cell(head['engine'])} · {_cell(head['choice'])}\n",
    ]
    if head["message"]:
        lines.append(f"> {_cell(head['message'])}\n")
    return lines


def _changes(changes: Sequence[ChangeRow]) -> list[str]:
    parts: list[str] = []
    for kind, heading in _HEADINGS.items():
        rows = [change for change in changes if change["kind"] == kind]
        if not rows:
            continue
        parts.append(f"### {heading} ({len(rows)})\n")
        table = ["| what | where | how sure | cause | why |", "|---|---|---|---|---|"]
        parts.append("\n".join(table))
        parts.extend(_row(change) for change in rows)
        parts.append("")
    return parts


def _row(change: ChangeRow) -> str:
    cells = (
        f"{_cell(change['key'])} {_cell(service(change))}".strip(),
        _cell(change["asset"]),
        _cell(change["certainty"]),
        _cell(change["cause"]),
        _cell(change["reason"]),
    )
    return "| " + " | ".join(cells) + " |"


def service(change: ChangeRow) -> str:
    """What answers or answered, as far as it was probed."""
    state = change["after"] or change["before"]
    if not isinstance(state, Mapping):
        return ""
    words = [str(state[name]) for name in ("tunnel", "service", "product", "version") if name in state]
    return printable(" ".join(words), 120)


def _cell(value: object) -> str:
    return escape_markdown_cell(printable(str(value), 200))


def table_rows(changes: Iterable[ChangeRow]) -> list[dict[str, str]]:
    """Flat rows for a table artifact: the UI shows nothing but text in a cell."""
    return [
        {
            "change": str(change["kind"]).replace("_", " "),
            "what": str(change["key"]),
            "service": service(change),
            "where": printable(str(change["asset"]), 120),
            "how sure": str(change["certainty"]),
            "cause": str(change["cause"]),
            "why": printable(str(change["reason"]), 120),
        }
        for change in islice(changes, MOST_ROWS)
    ]


def table_of(changes: Iterable[ChangeRow]) -> list[dict[str, str]]:
    """As many rows as fit."""
    rows = table_rows(changes)
    size = 0
    for index, row in enumerate(rows):
        size += sum(len(name) + len(value.encode()) + 8 for name, value in row.items())
        if size > MOST_BYTES:
            return rows[:index]
    return rows
