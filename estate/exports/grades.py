"""A round of TLS grades as Markdown: every endpoint with its grade and the rules that made it, the worst first."""

from collections.abc import Iterable, Mapping

from estate.text import escape_markdown_cell, printable
from estate.tls.caps import BY_RULE, GRADES

MOST = 500


def render_grades(rows: Iterable[Mapping[str, str]]) -> str:
    """A table of endpoints; `rows` have asset, endpoint, grade, trust-ignored and reasons, and some have ssllabs."""
    listed = sorted(rows, key=lambda row: (-_badness(row["grade"]), row["asset"], row["endpoint"]))
    theirs = any(row.get("ssllabs") for row in listed)
    heads = ("grade (trust ignored)", *(("SSL Labs",) if theirs else ()), "where", "endpoint", "what caps it")
    lines = ["### Grades", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in listed[:MOST]:
        second = (row.get("ssllabs", ""),) if theirs else ()
        aside = f" ({row['trust-ignored']})" if row["trust-ignored"] not in {"", row["grade"]} else ""
        cells = (f"{row['grade']}{aside}", *second, row["asset"], row["endpoint"], _titles(row["reasons"]))
        lines.append("| " + " | ".join(escape_markdown_cell(printable(cell, 160)) for cell in cells) + " |")
    if len(listed) > MOST:
        lines.append(f"\nAnd {len(listed) - MOST:,} more.")
    return "\n".join(lines) + "\n"


def _titles(rules: str) -> str:
    """The rules as people read them."""
    return "; ".join(BY_RULE[rule].title if rule in BY_RULE else rule for rule in rules.split())


def _badness(grade: str) -> int:
    return GRADES.index(grade) if grade in GRADES else len(GRADES)
