"""Coverage maps: which subjects had which verdict for which reason on which keys, packed and named by content."""

import hashlib
import json
from collections.abc import Iterator, Set
from functools import lru_cache
from json.encoder import encode_basestring

import zstandard

from estate.coverage import Keys

Groups = dict[str, dict[str, list[str]]]
"""Reason, and keys as text, to the subjects they hold for: most of an estate shares a few groups."""


def put(groups: Groups, reason: str, keys: Keys, subject: str) -> None:
    """Add a subject."""
    by_keys = groups.get(reason)
    if by_keys is None:
        by_keys = groups[reason] = {}
    text = str(keys)
    subjects = by_keys.get(text)
    if subjects is None:
        by_keys[text] = [subject]
    else:
        subjects.append(subject)


def encode(groups: Groups) -> tuple[str, bytes]:
    """Pack into (sha256, body); equal groups give equal bytes, whatever order they were collected in."""
    # JSON by hand: where each host has words of its own, there are as many rows as hosts.
    rows = []
    for reason, by_keys in sorted(groups.items()):
        quoted = encode_basestring(reason)
        for keys in sorted(by_keys):
            subjects = by_keys[keys]
            if len(subjects) == 1:
                listed = encode_basestring(subjects[0])
            else:
                listed = ",".join(map(encode_basestring, sorted(set(subjects))))
            rows.append(f"[{quoted},{encode_basestring(keys)},[{listed}]]")
    plain = f"[{','.join(rows)}]".encode()
    return hashlib.sha256(plain).hexdigest(), zstandard.ZstdCompressor(3).compress(plain)


@lru_cache(maxsize=4)
def _rows(body: bytes) -> list[tuple[str, str, list[str]]]:
    rows: list[tuple[str, str, list[str]]] = json.loads(zstandard.ZstdDecompressor().decompress(body))
    return rows


def decode(body: bytes, wanted: Set[str] | None = None) -> Iterator[tuple[str, str, Keys]]:
    """Yield (subject, reason, keys), for the wanted subjects or all."""
    for reason, text, subjects in _rows(body):
        if wanted is None or not wanted.isdisjoint(subjects):
            keys = Keys.parse(text)
            for subject in subjects:
                if wanted is None or subject in wanted:
                    yield subject, reason, keys
