"""Adding accepted rows to `estate.toml` without touching what people wrote there."""

import json
from collections.abc import Iterable

from estate.manifest.reading import load_manifest
from estate.manifest.rows import Expectation


def append_expected(text: str, rows: Iterable[Expectation], source: str = "estate.toml") -> str:
    """The same text with these rows at its end; a row whose ports the file already expects there is left out.

    Raises:
        BadInput: the file cannot be read, or not any more with the new rows.
    """
    known = {_selected(row) for row in load_manifest(text, source).expected}
    added: list[str] = []
    for row in rows:
        if _selected(row) not in known:
            known.add(_selected(row))
            added.append("\n" + spell_expected(row))
    if not added:
        return text
    ending = "\r\n" if "\r\n" in text else "\n"
    whole = text if text.endswith("\n") or not text else text + ending
    whole += "".join(added).replace("\n", ending)
    load_manifest(whole, source)
    return whole


def spell_expected(row: Expectation) -> str:
    """One row as a TOML table."""
    values = {
        row.by: quoted(row.selects),
        "zone": quoted(row.zone) if row.zone else "",
        "ports": quoted(row.ports),
        "note": quoted(row.note) if row.note else "",
        "accepted_by": quoted(row.accepted_by) if row.accepted_by else "",
        "accepted_on": row.accepted_on.isoformat() if row.accepted_on else "",
    }
    return "[[expected]]\n" + "".join(f"{name} = {value}\n" for name, value in values.items() if value)


def quoted(text: str) -> str:
    """The text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _selected(row: Expectation) -> tuple[str, str, str | None, str]:
    return row.by, row.selects, row.zone, row.ports
