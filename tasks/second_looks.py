"""Which keys are asked again, and how they are grouped: a few questions instead of hundreds that start a tool each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from estate.coverage import NOTHING, Keys
from estate.diff import Change, doubtful
from estate.ports.shard import PortShard

MOST_DOUBTS = 5_000
"""More keys in doubt than this are no news but an upheaval: the circuit breaker and the next run judge it."""
_MOST_QUESTIONS = 20
_FEW = 16
"""Hosts with so few keys in doubt are asked all of each other's, which costs a little more and starts one tool."""

_Group = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Keys of one shard that are asked again at some addresses."""

    shard: int
    keys: Keys
    addresses: tuple[str, ...]


def doubts_of(changes: Iterable[Change], shards: Sequence[tuple[int, PortShard]]) -> Iterator[Doubt]:
    """What to ask again of what was asked; nothing where nearly everything would be."""
    groups: dict[_Group, list[str]] = {}
    count = 0
    for asset, found in doubtful(changes).items():
        number, places, asked = _place(asset.key, shards)
        keys = tuple(key for key in found if key in asked)
        count += len(keys)
        if keys:
            groups.setdefault((number, keys), []).extend(places)
    if count > MOST_DOUBTS:
        return
    if len(groups) > _MOST_QUESTIONS:
        groups = _merged(groups)
    for (number, keys), addresses in sorted(groups.items()):
        yield Doubt(number, Keys.of(keys), tuple(dict.fromkeys(addresses)))


def _merged(groups: Mapping[_Group, list[str]]) -> dict[_Group, list[str]]:
    keys: dict[int, set[str]] = {}
    addresses: dict[int, list[str]] = {}
    merged: dict[_Group, list[str]] = {}
    for (number, found), members in groups.items():
        if len(found) > _FEW:
            merged[number, found] = members
            continue
        keys.setdefault(number, set()).update(found)
        addresses.setdefault(number, []).extend(members)
    for number, found_keys in keys.items():
        merged.setdefault((number, tuple(sorted(found_keys))), []).extend(addresses[number])
    return merged


def _place(asset: str, shards: Sequence[tuple[int, PortShard]]) -> tuple[int, tuple[str, ...], Keys]:
    """The shard that asks an asset, the addresses it asks it at, and what it asks."""
    for number, shard in shards:
        if asset in shard.bindings:
            return number, shard.bindings[asset], shard.keys
        if asset in shard.targets:
            return number, (asset,), shard.keys
    return -1, (), NOTHING
