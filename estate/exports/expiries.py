"""The certificates of an estate as a timeline in Markdown: the first to end on top."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from estate.certificates.ladder import spell_left
from estate.text import escape_markdown_cell, printable

MOST = 500
_STEP = timedelta(days=30)
_LONGEST = 12
"""Steps of a bar: a year. What ends later is no trouble of this year."""


def render_expiries(rows: Iterable[Mapping[str, str]], now: datetime) -> str:
    """A table of places; `rows` have until, asset, place, names and issuer, and `now` is when they were looked at."""
    listed = sorted(rows, key=lambda row: (row["until"], row["asset"], row["place"]))
    lines = ["### Which end when", "", "| until | left | a block is 30 days | where | place | names | issuer |"]
    lines.append("|---|---:|---|---|---|---|---|")
    for row in listed[:MOST]:
        left = _left(row["until"], now)
        spelled, bar = (spell_left(left), _bar(left)) if left is not None else ("?", "")
        names = "" if row["place"].endswith(f" {row['names']}") else row["names"]
        cells = (row["until"][:10], spelled, bar, row["asset"], row["place"], names, row["issuer"])
        lines.append("| " + " | ".join(escape_markdown_cell(printable(cell, 120)) for cell in cells) + " |")
    if len(listed) > MOST:
        lines.append(f"\nAnd {len(listed) - MOST:,} more.")
    return "\n".join(lines) + "\n"


def _left(until: str, now: datetime) -> timedelta | None:
    try:
        return datetime.fromisoformat(until) - now
    except (ValueError, TypeError):
        return None


def _bar(left: timedelta) -> str:
    if left < timedelta(0):
        return "over"
    steps = left // _STEP + 1
    return "█" * min(steps, _LONGEST) + ("…" if steps > _LONGEST else "")
