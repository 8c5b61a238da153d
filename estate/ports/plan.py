"""Cut a sweep into shards: few enough that orchestration costs little, small enough that a lost one costs little."""

from collections.abc import Iterator, Mapping
from typing import Literal

from estate.coverage import Keys
from estate.ports.shard import PortShard
from estate.targets import Targets

Engine = Literal["nmap-connect", "nmap-syn", "zmap+nmap"]

_NATURAL = 256
_MOST_SHARDS = 150
_SWEEP = 65_536
_QUESTIONS = 4_000_000


def plan_shards(
    targets: Targets,
    keys: Keys,
    bindings: Mapping[str, tuple[str, ...]],
    unsent: Mapping[str, str],
    engine: Engine,
) -> tuple[PortShard, ...]:
    """Shards in address order; declared assets come first, whole, since their addresses are judged together.

    A /24 is the natural unit of nmap; about 150 shards a run keep Prefect's share small (34 ms of server time each,
    measured), so wide scopes get larger ones, and scattered addresses share one. A zmap sweep takes up to 65,536
    addresses at once, since each of its runs ends with a cool-down.
    """
    size = _SWEEP if engine == "zmap+nmap" else _size(len(targets) + len(bindings), len(keys))
    silent = (PortShard(Targets(), keys, {}, dict(unsent)),) if unsent else ()
    return (*_bound(bindings, keys, size), *(PortShard(part, keys) for part in _packed(targets, size)), *silent)


def _size(assets: int, keys: int) -> int:
    """The smallest power of two from a /24 on that leaves few shards; less where each host is asked a lot."""
    size = _NATURAL
    while assets / size > _MOST_SHARDS:
        size *= 2
    while size > 1 and size * keys > _QUESTIONS and assets * 2 / size <= _MOST_SHARDS:
        size //= 2
    return size


def _bound(bindings: Mapping[str, tuple[str, ...]], keys: Keys, size: int) -> Iterator[PortShard]:
    ordered = sorted(bindings.items())
    for start in range(0, len(ordered), size):
        yield PortShard(Targets(), keys, dict(ordered[start : start + size]))


def _packed(targets: Targets, size: int) -> Iterator[Targets]:
    """Aligned blocks of that size, the small ones of scattered scopes together; IP versions and names never mix."""
    words: list[str] = []
    held, held_kind = 0, (False, False)
    for block in targets.chunks(size):
        found = block.words()
        kind = bool(block.names), ":" in found[0]
        if words and (kind != held_kind or held + len(block) > size):
            yield Targets.parse(words)
            words, held = [], 0
        words += found
        held, held_kind = held + len(block), kind
    if words:
        yield Targets.parse(words)
