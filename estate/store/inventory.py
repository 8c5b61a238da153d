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
        for kind, key, zone, number in rows:
            ids[Asset(kind, key, zone)] = number
    ids.update(ensure_assets(connection, [asset for asset in listed if asset not in ids]))
    return ids


def bind(connection: Connection, run: Run, kind: str, bindings: Mapping[str, tuple[str, ...]]) -> None:
    """Write down which addresses stood for which declared asset in this run; unchanged bindings write nothing."""
    if not bindings:
        return
    ids = asset_ids(connection, {Asset(kind, key, run.zone) for key in bindings})
    for asset, asset_id in sorted(ids.items()):
        rows = connection.execute(
            select(IDENTIFIER.c.id, IDENTIFIER.c.value).where(
                IDENTIFIER.c.asset_id == asset_id, IDENTIFIER.c.type == "address", IDENTIFIER.c.to_seq.is_(None)
            )
        ).all()
        wanted = set(bindings.get(asset.key, ()))
        ended = [row.id for row in rows if row.value not in wanted]
        begun = sorted(wanted - {row.value for row in rows})
        if ended:
            connection.execute(update(IDENTIFIER).where(IDENTIFIER.c.id.in_(ended)).values(to_seq=run.seq))
        for value in begun:
            connection.execute(
                insert(IDENTIFIER),
                {"asset_id": asset_id, "type": "address", "value": value, "zone": run.zone, "from_seq": run.seq},
            )
