"""The certificates of an estate as a timeline in Markdown: the first to end on top."""

from collections.abc import Iterable, Mapping

from estate.text import escape_markdown_cell, printable

MOST = 500


def render_expiries(rows: Iterable[Mapping[str, str]]) -> str:
    """A table of places; `rows` have until, asset, place, names and issuer."""
    listed = sorted(rows, key=lambda row: (row["until"], row["asset"], row["place"]))
    lines = ["### Which end when", "", "| until | where | place | names | issuer |", "|---|---|---|---|---|"]
    for row in listed[:MOST]:
        cells = (row["until"][:10], row["asset"], row["place"], row["names"], row["issuer"])
        lines.append("| " + " | ".join(escape_markdown_cell(printable(cell, 120)) for cell in cells) + " |")
    if len(listed) > MOST:
        lines.append(f"\nAnd {len(listed) - MOST:,} more.")
    return "\n".join(lines) + "\n"
