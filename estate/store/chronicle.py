"""What was known of an asset at a time, on which proof, and when we were blind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Connection, select

from estate.assets import Asset
from estate.coverage import Verdict
from estate.store.assets import key_order
from estate.store.database import Database
from estate.store.documents import iso
from estate.store.history import PUBLISHED
from estate.store.maps import decode
from estate.store.rows import COVERAGE, FACT, MAP, RUN


class LookObject(TypedDict):
    """One run's verdict on a key."""

    run: str
    looked_at: str
    verdict: str
    reason: str


class KeyObject(TypedDict):
    """A key at the moment asked for.

    `state` is what the last proof before the moment said: `present`, `absent` or `unknown`. It holds for sure only at
    the moments of looks: `certain` is true where the next proof after the moment says the same, or the moment itself is
    one. `blind` lists the looks between those proofs that could not see, `silent` those that got no answer.
    """

    vantage: str
    aspect: str
    key: str
    state: str
    certain: bool
    why: str
    last_proof: LookObject | None
    next_proof: LookObject | None
    blind: list[LookObject]
    silent: list[LookObject]


class HistoryObject(TypedDict):
    """An asset's history up to a moment."""

    asset: str
    zone: str
    at: str
    history: list[KeyObject]
    blind: list[LookObject]


@dataclass(slots=True)
class _Line:
    """All looks at one key from one vantage, oldest first."""

    looks: list[tuple[datetime, str, Verdict, str]] = field(default_factory=list)


def history(database: Database, asset_id: int, asset: Asset, at: datetime) -> HistoryObject:
    """What was known of the asset's keys at that moment, and what later proofs say about it."""
    with database.read() as connection:
        keys = _keys(connection, asset_id)
        lines, blind = _lines(connection, asset, keys)
    return {
        "asset": str(asset),
        "zone": asset.zone,
        "at": iso(at),
        "history": [
            _at(vantage, aspect, key, lines.get((vantage, aspect, key), _Line()).looks, at)
            for vantage, aspect, key in sorted(keys, key=lambda item: (item[0], item[1], key_order(item[2])))
        ],
        "blind": [_look(*look) for look in blind if look[0] <= at],
    }


def _keys(connection: Connection, asset_id: int) -> set[tuple[str, str, str]]:
    query = (
        select(FACT.c.vantage, FACT.c.aspect, FACT.c.key)
        .join(RUN, RUN.c.seq == FACT.c.from_seq)
        .where(FACT.c.asset_id == asset_id, RUN.c.state.in_(PUBLISHED))
    )
    return {(row.vantage, row.aspect, row.key) for row in connection.execute(query)}


def _lines(
    connection: Connection, asset: Asset, keys: set[tuple[str, str, str]]
) -> tuple[Mapping[tuple[str, str, str], _Line], list[tuple[datetime, str, Verdict, str]]]:
    query = (
        select(RUN.c.id, RUN.c.looked_at, RUN.c.vantage, COVERAGE.c.aspect, COVERAGE.c.verdict, MAP.c.body)
        .join(COVERAGE, COVERAGE.c.run_seq == RUN.c.seq)
        .join(MAP, MAP.c.sha256 == COVERAGE.c.map)
        .where(RUN.c.zone == asset.zone, RUN.c.state.in_(PUBLISHED))
        .order_by(RUN.c.looked_at, RUN.c.seq)
    )
    lines: dict[tuple[str, str, str], _Line] = {}
    blind: dict[tuple[str, str], tuple[datetime, str, Verdict, str]] = {}
    for run_id, looked_at, vantage, aspect, number, body in connection.execute(query):
        verdict = Verdict(number)
        for _, reason, covered in decode(body, {asset.key}):
            if verdict is Verdict.BLIND:
                blind[run_id, reason] = (looked_at, run_id, verdict, reason)
            for one in keys:
                if one[:2] == (vantage, aspect) and one[2] in covered:
                    lines.setdefault(one, _Line()).looks.append((looked_at, run_id, verdict, reason))
    return lines, list(blind.values())


def _at(
    vantage: str, aspect: str, key: str, looks: Sequence[tuple[datetime, str, Verdict, str]], at: datetime
) -> KeyObject:
    proofs = [look for look in looks if look[2] in (Verdict.POSITIVE, Verdict.NEGATIVE)]
    before = next((look for look in reversed(proofs) if look[0] <= at), None)
    after = next((look for look in proofs if look[0] > at), None)
    since = before[0] if before else None
    until = after[0] if after else None
    between = [
        look
        for look in looks
        if (since is None or look[0] > since) and (until is None or look[0] < until) and look not in (before, after)
    ]
    certain = before is not None and (before[0] == at or (after is not None and after[2] is before[2] and not between))
    return {
        "vantage": vantage,
        "aspect": aspect,
        "key": key,
        "state": _word(before),
        "certain": certain,
        "why": _why(before, after, at, certain=certain),
        "last_proof": _look(*before) if before else None,
        "next_proof": _look(*after) if after else None,
        "blind": [_look(*look) for look in between if look[2] is Verdict.BLIND],
        "silent": [_look(*look) for look in between if look[2] is Verdict.SILENT],
    }


def _word(look: tuple[datetime, str, Verdict, str] | None) -> str:
    if look is None:
        return "unknown"
    return "present" if look[2] is Verdict.POSITIVE else "absent"


def _why(
    before: tuple[datetime, str, Verdict, str] | None,
    after: tuple[datetime, str, Verdict, str] | None,
    at: datetime,
    *,
    certain: bool,
) -> str:
    if before is None:
        return "nobody had looked yet" if after is None else f"first proof only at {iso(after[0])}"
    if before[0] == at:
        return "looked at in this very moment"
    if after is None:
        return f"last proof {iso(before[0])}; no evidence since"
    if certain:
        return f"proved {_word(before)} at {iso(before[0])} and again at {iso(after[0])}; no evidence in between"
    return f"proved {_word(before)} at {iso(before[0])}, {_word(after)} at {iso(after[0])}; no evidence in between"


def _look(looked_at: datetime, run_id: str, verdict: Verdict, reason: str) -> LookObject:
    return {"run": run_id, "looked_at": iso(looked_at), "verdict": verdict.word, "reason": reason}
