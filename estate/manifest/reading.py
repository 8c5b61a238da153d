"""Reading `estate.toml`: every mistake is named with its file, line and field, and with what was probably meant."""

import difflib
from collections.abc import Collection, Iterator

from estate.assets import canonical_address
from estate.manifest.document import Manifest
from estate.manifest.lines import Path
from estate.manifest.strictly import read_strictly


def load_manifest(text: str, source: str = "estate.toml") -> Manifest:
    """Read the file's text.

    Raises:
        BadInput: with every mistake on a line of its own, as `file, line N: field: what is wrong`.
    """
    return read_strictly(text, source, Manifest, _contradictions, hidden=("database",))


def _contradictions(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    """What is wrong only because of another table."""
    yield from _twice("scopes", ((scope.name, index) for index, scope in enumerate(manifest.scopes)), "scope")
    taken: dict[tuple[str, str], int] = {}
    for index, asset in enumerate(manifest.assets):
        for word in (asset.name, *asset.addresses):
            first = taken.setdefault((asset.zone, word), index)
            if first != index:
                other = manifest.assets[first].name
                yield ("assets", index), f"{word} already belongs to asset {other!r} in zone {asset.zone!r}"
    names = {asset.name for asset in manifest.assets} | {name for scope in manifest.scopes for name in scope.names}
    for index, row in enumerate(manifest.expected):
        if row.asset is not None and row.asset not in names and canonical_address(row.asset) is None:
            yield ("expected", index, "asset"), f"there is no asset {row.asset!r}; {_nearest(row.asset, names)}"
    places: set[tuple[str, int, str | None]] = set()
    for index, endpoint in enumerate(manifest.endpoints):
        if endpoint.host not in names and canonical_address(endpoint.host) is None:
            yield ("endpoints", index, "host"), f"there is no asset {endpoint.host!r}; {_nearest(endpoint.host, names)}"
        place = (endpoint.host, endpoint.port, endpoint.name)
        if place in places:
            yield ("endpoints", index), f"{endpoint.host}, port {endpoint.port} is declared twice under the same name"
        places.add(place)
    read: set[tuple[str, str, str]] = set()
    for index, files in enumerate(manifest.certificates):
        if files.host not in names and canonical_address(files.host) is None:
            yield ("certificates", index, "host"), f"there is no asset {files.host!r}; {_nearest(files.host, names)}"
        for path in files.paths:
            if (files.zone, files.host, path) in read:
                yield ("certificates", index, "paths"), f"{path} of {files.host} is declared twice"
            read.add((files.zone, files.host, path))
    visited: set[tuple[str, str]] = set()
    for index, way in enumerate(manifest.hosts):
        if way.via == "ssh" and way.address is None and way.host not in names and canonical_address(way.host) is None:
            yield ("hosts", index, "host"), f"there is no asset {way.host!r}; {_nearest(way.host, names)}"
        if (way.zone, way.host) in visited:
            yield ("hosts", index), f"{way.host} is declared twice"
        visited.add((way.zone, way.host))


def _nearest(word: str, names: Collection[str]) -> str:
    close = difflib.get_close_matches(word, names, 1)
    return f"did you mean {close[0]!r}?" if close else "declare it under [[assets]], or list it in a scope's names"


def _twice(table: str, named: Iterator[tuple[str, int]], what: str) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    for name, index in named:
        if name in seen:
            yield (table, index, "name"), f"there are two {what}s called {name!r}"
        seen.add(name)
