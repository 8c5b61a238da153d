"""What was known of an asset at a time, on which proof, and when we were blind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Connection, select

from estate.assets import Asset
from estate.coverage import Keys, Verdict
from estate.diff import Certainty, Kind
from estate.store.assets import key_order
from estate.store.database import Database
from estate.store.documents import iso
from estate.store.history import PUBLISHED
from estate.store.maps import decode
from estate.store.rows import CHANGE, COVERAGE, FACT, MAP, RUN
from estate.store.scans import shown_aspect


class LookObject(TypedDict):
    """One run's verdict on a key."""

    run: str
    looked_at: str
    verdict: str
    reason: str


class KeyObject(TypedDict):
    """A key at the moment asked for.

    `state` is what the last proof before the moment said (or repeated silence after it): `present`, `absent` or
    `unknown`. `certain` is true only where the moment is that of a proof: between two of them anything may have come
    and gone, even where both say the same. `blind` lists the looks between those proofs that could not see, `silent`
    those that got no answer.
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


_Key = tuple[str, str, str]
_ANOMALY = "anomaly/"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class _Look:
    """One run's verdict on a key."""

    at: datetime
    run: str
    verdict: Verdict
    reason: str

    @property
    def is_proof(self) -> bool:
        return self.verdict in (Verdict.POSITIVE, Verdict.NEGATIVE)

    def to_object(self) -> LookObject:
        return {"run": self.run, "looked_at": iso(self.at), "verdict": self.verdict.word, "reason": self.reason}


def history(database: Database, asset_id: int, asset: Asset, at: datetime) -> HistoryObject:
    """What was known of the asset's keys at that moment, and what later proofs say about it."""
    with database.read() as connection:
        keys = _keys(connection, asset_id)
        lines, blind = _lines(connection, asset, keys)
        given_up = _given_up(connection, asset_id)
    return {
        "asset": str(asset),
        "zone": asset.zone,
        "at": iso(at),
        "history": [
            _at(key, lines.get(key, []), given_up.get(key, []), at)
            for key in sorted(keys, key=lambda item: (item[0], item[1], key_order(item[2])))
        ],
        "blind": [look.to_object() for look in blind if look.at <= at],
    }


def _keys(connection: Connection, asset_id: int) -> set[_Key]:
    query = (
        select(FACT.c.vantage, FACT.c.aspect, FACT.c.key)
        .join(RUN, RUN.c.seq == FACT.c.from_seq)
        .where(FACT.c.asset_id == asset_id, RUN.c.state.in_(PUBLISHED))
    )
    return {(row.vantage, row.aspect, row.key) for row in connection.execute(query)}


def _given_up(connection: Connection, asset_id: int) -> dict[_Key, list[_Look]]:
    """When repeated silence had a key count as gone, oldest first."""
    query = (
        select(RUN.c.looked_at, RUN.c.id, RUN.c.vantage, CHANGE.c.aspect, CHANGE.c.key, CHANGE.c.reason)
        .join(RUN, RUN.c.seq == CHANGE.c.run_seq)
        .where(
            CHANGE.c.asset_id == asset_id,
            CHANGE.c.kind == Kind.GONE.value,
            CHANGE.c.certainty == Certainty.CONFIRMED.value,
            RUN.c.state.in_(PUBLISHED),
        )
        .order_by(RUN.c.looked_at, RUN.c.seq)
    )
    found: dict[_Key, list[_Look]] = {}
    for looked_at, run_id, vantage, aspect, key, reason in connection.execute(query):
        found.setdefault((vantage, aspect, key), []).append(_Look(looked_at, run_id, Verdict.SILENT, reason))
    return found


def _lines(connection: Connection, asset: Asset, keys: set[_Key]) -> tuple[Mapping[_Key, list[_Look]], list[_Look]]:
    """All looks at each key, oldest first, and all looks that were blind somewhere; each stored map is read once."""
    query = (
        select(RUN.c.seq, RUN.c.id, RUN.c.looked_at, RUN.c.vantage, COVERAGE.c.aspect, COVERAGE.c.verdict)
        .add_columns(COVERAGE.c.map)
        .join(COVERAGE, COVERAGE.c.run_seq == RUN.c.seq)
        .where(RUN.c.zone == asset.zone, RUN.c.state.in_(PUBLISHED))
        .order_by(RUN.c.looked_at, RUN.c.seq, COVERAGE.c.verdict.desc())
    )
    rows = connection.execute(query).all()
    covered = _covered(connection, asset.key, sorted({row.map for row in rows}))
    lines: dict[_Key, list[_Look]] = {}
    blind: dict[tuple[int, str], _Look] = {}
    for seq, run_id, looked_at, vantage, aspect, number, name in rows:
        for reason, covers in covered.get(name, ()):
            look = _Look(looked_at, run_id, Verdict(number), reason)
            if look.verdict is Verdict.BLIND:
                blind[seq, reason] = look
            for key in keys:
                line = lines.setdefault(key, [])
                # An anomaly is a word on the whole subject: whoever answers like a host shows none.
                about = key[2] in covers or (key[2].startswith(_ANOMALY) and look.verdict is not Verdict.POSITIVE)
                # The strongest verdict comes first, and is the run's.
                if key[:2] == (vantage, aspect) and about and (not line or line[-1].run != run_id):
                    line.append(look)
    return lines, list(blind.values())


def _covered(connection: Connection, subject: str, names: Sequence[str]) -> dict[str, list[tuple[str, Keys]]]:
    """What these maps say of one subject."""
    found: dict[str, list[tuple[str, Keys]]] = {}
    for start in range(0, len(names), _BATCH):
        chosen = select(MAP.c.sha256, MAP.c.body).where(MAP.c.sha256.in_(names[start : start + _BATCH]))
        for name, body in connection.execute(chosen):
            told = [(reason, keys) for _, reason, keys in decode(body, {subject})]
            if told:
                found[name] = told
    return found


def _at(key: _Key, looks: Sequence[_Look], given_up: Sequence[_Look], at: datetime) -> KeyObject:
    proofs = [look for look in looks if look.is_proof]
    before = next((look for look in reversed(proofs) if look.at <= at), None)
    after = next((look for look in proofs if look.at > at), None)
    between = [
        look
        for look in looks
        if not look.is_proof and (before is None or look.at > before.at) and (after is None or look.at < after.at)
    ]
    silence = next((look for look in reversed(given_up) if look.at <= at), None)
    if silence is not None and before is not None and silence.at <= before.at:
        silence = None
    vantage, aspect, name = key
    return {
        "vantage": vantage,
        "aspect": shown_aspect(aspect, name),
        "key": name,
        "state": "absent" if silence else _word(before),
        "certain": before is not None and before.at == at,
        "why": _why(before, after, silence, at),
        "last_proof": before.to_object() if before else None,
        "next_proof": after.to_object() if after else None,
        "blind": [look.to_object() for look in between if look.verdict is Verdict.BLIND],
        "silent": [look.to_object() for look in between if look.verdict is Verdict.SILENT],
    }


def _word(look: _Look | None) -> str:
    if look is None:
        return "unknown"
    return "present" if look.verdict is Verdict.POSITIVE else "absent"


def _why(before: _Look | None, after: _Look | None, silence: _Look | None, at: datetime) -> str:
    if before is None:
        return "nobody had looked yet" if after is None else f"first proof only at {iso(after.at)}"
    if before.at == at:
        return "looked at in this very moment"
    proved = f"proved {_word(before)} at {iso(before.at)}"
    if silence is not None:
        proved += f", then {silence.reason} by {iso(silence.at)}, which is no proof"
    if after is None:
        return f"{proved}; no evidence since" if silence is None else proved
    if silence is None and after.verdict is before.verdict:
        return f"{proved} and again at {iso(after.at)}; no evidence in between"
    return f"{proved}, {_word(after)} at {iso(after.at)}; no evidence in between"
