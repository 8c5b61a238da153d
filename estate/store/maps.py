"""Coverage maps: which subjects had which verdict for which reason on which keys, packed and named by content."""

import hashlib
import json
from collections.abc import Collection, Iterator
from functools import lru_cache

import zstandard

from estate.coverage import Keys

Groups = dict[tuple[str, str], list[str]]
"""(reason, keys as text) to the subjects they hold for: most of an estate shares a few groups."""


def encode(groups: Groups) -> tuple[str, bytes]:
    """Pack into (sha256, body); equal groups give equal bytes, whatever order they were collected in."""
    rows = [[reason, keys, sorted(set(subjects))] for (reason, keys), subjects in sorted(groups.items())]
    plain = json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(plain).hexdigest(), zstandard.ZstdCompressor(3).compress(plain)


@lru_cache(maxsize=4)
def _rows(body: bytes) -> list[tuple[str, str, list[str]]]:
    rows: list[tuple[str, str, list[str]]] = json.loads(zstandard.ZstdDecompressor().decompress(body))
    return rows


def decode(body: bytes, wanted: Collection[str] | None = None) -> Iterator[tuple[str, str, Keys]]:
    """Yield (subject, reason, keys), for the wanted subjects or all."""
    for reason, text, subjects in _rows(body):
        chosen = subjects if wanted is None else [subject for subject in subjects if subject in wanted]
        if chosen:
            keys = Keys.parse(text)
            for subject in chosen:
                yield subject, reason, keys
