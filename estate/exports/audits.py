"""A host audit as Markdown: who can get in now and could not before, what fails, what changed, and what nobody saw."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from estate.exports.markdown import ChangeRow, bounded, cell, summary
from estate.hosts.words import FAMILIES, counted, families, place, unseen

MOST = 300
_MOST_BLIND = 60


def render_audit(
    head: Mapping[str, object],
    changes: Iterable[ChangeRow],
    findings: Iterable[Mapping[str, object]],
    blind: Iterable[tuple[str, str, Sequence[str]]],
    still: int,
) -> str:
    """A page.

    Args:
        head: the run.
        changes: what changed; what was seen for the first time is only counted.
        findings: what is wrong now, the worst first.
        blind: by asset and reason, what could not be looked at.
        still: how many findings are open in the whole estate.
    """
    first: list[str] = []
    told: list[ChangeRow] = []
    left = 0
    for change in changes:
        if change["kind"] == "first_observed":
            first.append(str(change["key"]))
        elif len(told) < MOST:
            told.append(change)
        else:
            left += 1
    lines = (*summary(head, still), *_changed(told, left, first), *_failed(findings), *_unseen(blind))
    page, whole = bounded(lines)
    return page if whole else f"{page}\nNot everything fits here; `roundsman changes` and `findings` have all of it.\n"


def _changed(told: Sequence[ChangeRow], left: int, first: Sequence[str]) -> Iterator[str]:
    if first:
        words = ", ".join(counted(family, number) for family, number in families(first))
        yield f"**Seen for the first time:** {words or 'nothing but failed checks'}."
        yield ""
    if not told:
        if not first:
            yield "**Nothing changed.**"
            yield ""
        return
    yield "### What changed"
    yield ""
    yield "| change | host | what | which | before → after | how sure |"
    yield "|---|---|---|---|---|---|"
    for change in sorted(told, key=lambda row: (place(_family(row)), str(row["asset"]), str(row["key"]))):
        family, _, name = str(change["key"]).partition("/")
        row = (
            str(change["kind"]).replace("_", " "),
            str(change["asset"]).removeprefix("host:"),
            FAMILIES.get(family, family),
            name,
            change["reason"] if change["kind"] == "changed" else "",
            change["certainty"],
        )
        yield "| " + " | ".join(cell(word) for word in row) + " |"
    if left:
        yield ""
        yield f"And {left:,} more."
    yield ""


def _failed(findings: Iterable[Mapping[str, object]]) -> Iterator[str]:
    shown = [
        (found["severity"], str(found["subject"]), found["evidence"], found["rule"])
        for number, found in enumerate(findings)
        if number < MOST
    ]
    if not shown:
        return
    yield f"### What is wrong ({len(shown)}{' or more' if len(shown) == MOST else ''})"
    yield ""
    yield "| severity | what | seen | check |"
    yield "|---|---|---|---|"
    yield from ("| " + " | ".join(cell(word) for word in row) + " |" for row in shown)
    yield ""


def _unseen(blind: Iterable[tuple[str, str, Sequence[str]]]) -> Iterator[str]:
    rows = list(blind)
    if not rows:
        return
    yield "### What nobody could see"
    yield ""
    for asset, reason, keys in rows[:_MOST_BLIND]:
        yield f"- {cell(asset)}: {cell(unseen(reason, keys), 600)}"
    if len(rows) > _MOST_BLIND:
        yield f"- and {len(rows) - _MOST_BLIND:,} more hosts"
    yield ""


def _family(change: ChangeRow) -> str:
    return str(change["key"]).partition("/")[0]
