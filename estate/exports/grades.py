"""A round of TLS grades as Markdown: every endpoint with its grade and the rules that made it, the worst first."""

from collections.abc import Iterable, Mapping

from estate.text import escape_markdown_cell, printable
from estate.tls.caps import GRADES

MOST = 500


def render_grades(rows: Iterable[Mapping[str, str]]) -> str:
    """A table of endpoints; `rows` have asset, endpoint, grade, trust-ignored and reasons."""
    listed = sorted(rows, key=lambda row: (-_badness(row["grade"]), row["asset"], row["endpoint"]))
    lines = ["### Grades", "", "| grade | trust ignored | where | endpoint | rules |", "|---|---|---|---|---|"]
    for row in listed[:MOST]:
        cells = (row["grade"], row["trust-ignored"], row["asset"], row["endpoint"], row["reasons"])
        lines.append("| " + " | ".join(escape_markdown_cell(printable(cell, 160)) for cell in cells) + " |")
    if len(listed) > MOST:
        lines.append(f"\nAnd {len(listed) - MOST:,} more.")
    return "\n".join(lines) + "\n"


def _badness(grade: str) -> int:
    return GRADES.index(grade) if grade in GRADES else len(GRADES)
