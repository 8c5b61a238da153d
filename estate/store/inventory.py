"""Rows of assets; they are made while settling, whose lease makes the numbering safe."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, insert, select, update

from estate.assets import Asset
from estate.store.rows import ASSET, IDENTIFIER
from estate.store.tables import Run

_BATCH = 5_000


def ensure_assets(connection: Connection, assets: Sequence[Asset]) -> dict[Asset, int]:
    """Rows for assets that have none; the settlement lease makes the numbering safe."""
    if not assets:
        return {}
    number = (connection.execute(select(func.max(ASSET.c.id))).scalar() or 0) + 1
    created = {asset: number + index for index, asset in enumerate(dict.fromkeys(assets))}
    connection.execute(
        insert(ASSET),
        [{"id": row, "kind": asset.kind, "key": asset.key, "zone": asset.zone} for asset, row in created.items()],
    )
    return created


def asset_ids(connection: Connection, assets: set[Asset]) -> dict[Asset, int]:
    """The rows of these assets; an asset that is known by a finding alone gets one."""
    ids: dict[Asset, int] = {}
    listed = sorted(assets)
    for start in range(0, len(listed), _BATCH):
        keys = {asset.key for asset in listed[start : start + _BATCH]}
        rows = connection.execute(
            select(ASSET.c.kind, ASSET.c.key, ASSET.c.zone, ASSET.c.id).where(ASSET.c.key.in_(keys))
        )
        found = {Asset(kind, key, zone): number for kind, key, zone, number in rows}
        ids.update((asset, number) for asset, number in found.items() if asset in assets)
    ids.update(ensure_assets(connection, [asset for asset in listed if asset not in ids]))
    return ids


def bind(
    connection: Connection, run: Run, kind: str, bindings: Mapping[str, tuple[str, ...]], *, late: bool = False
) -> None:
    """Write down which addresses stood for which declared asset in this run; unchanged bindings write nothing.

    A late run speaks only of assets of which nobody knows an address: what a newer run found there stands.
    """
    if not bindings:
        return
    ids = asset_ids(connection, {Asset(kind, key, run.zone) for key in bindings})
    held: dict[int, dict[str, int]] = {}
    numbers = sorted(ids.values())
    for start in range(0, len(numbers), _BATCH):
        query = select(IDENTIFIER.c.asset_id, IDENTIFIER.c.value, IDENTIFIER.c.id).where(
            IDENTIFIER.c.asset_id.in_(numbers[start : start + _BATCH]),
            IDENTIFIER.c.type == "address",
            IDENTIFIER.c.to_seq.is_(None),
        )
        for asset_id, value, row in connection.execute(query):
            held.setdefault(asset_id, {})[value] = row
    ended: list[int] = []
    begun: list[dict[str, object]] = []
    for asset, asset_id in sorted(ids.items()):
        known = held.get(asset_id, {})
        if known and late:
            continue
        wanted = set(bindings.get(asset.key, ()))
        ended += [row for value, row in sorted(known.items()) if value not in wanted]
        columns = {"asset_id": asset_id, "type": "address", "zone": run.zone, "from_seq": run.seq}
        begun += [{**columns, "value": value} for value in sorted(wanted - known.keys())]
    for start in range(0, len(ended), _BATCH):
        chosen = IDENTIFIER.c.id.in_(ended[start : start + _BATCH])
        connection.execute(update(IDENTIFIER).where(chosen).values(to_seq=run.seq))
    if begun:
        connection.execute(insert(IDENTIFIER), begun)
