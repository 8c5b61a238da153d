"""Reading `estate.toml`: every mistake is named with its file, line and field, and with what was probably meant."""

import difflib
import re
import tomllib
import typing
from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel, ValidationError

from estate.assets import canonical_address
from estate.errors import BadInput
from estate.manifest.document import Manifest
from estate.manifest.lines import Path, line_numbers

_LARGEST = 32 << 20
_SHOWN = 20
_PLAINER = {
    "missing": "is missing",
    "tuple_type": "has to be a list, in [ … ] or as [[tables]]",
    "model_type": "has to be a table",
    "string_type": "has to be text, in quotes",
}
_SYNTAX = re.compile(r"(.*?) \((?:at line (\d+), column \d+|at end of document)\)\Z", re.DOTALL)


def load_manifest(text: str, source: str = "estate.toml") -> Manifest:
    """Read the file's text.

    Raises:
        BadInput: with every mistake on a line of its own, as `file, line N: field: what is wrong`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if len(text) > _LARGEST:
        raise BadInput(f"{source} has {len(text):,} characters, which is more than any estate needs ({_LARGEST:,})")
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise BadInput(f"{source} nests its brackets too deeply") from None
    except ValueError as error:
        raise BadInput(_syntax(str(error), source, text)) from None
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        problems = [_told(each["loc"], each["type"], each["msg"], data) for each in error.errors(include_url=False)]
        raise BadInput(_listed(problems, source, text)) from None
    contradictions = list(_contradictions(manifest))
    if contradictions:
        raise BadInput(_listed(contradictions, source, text))
    return manifest


def _syntax(message: str, source: str, text: str) -> str:
    matched = _SYNTAX.match(message)
    if matched is None:
        return f"{source}: {message[:200]}"
    line = matched[2] or str(text.count("\n") + 1)
    return f"{source}, line {line}: {matched[1][:200]}"


def _listed(problems: list[tuple[Path, str]], source: str, text: str) -> str:
    found = line_numbers(text)
    lines = []
    for path, message in problems:
        known = path
        while known and known not in found:
            known = known[:-1]
        lines.append((found.get(known, 1), f"{_spell(path)}: {message}" if path else message))
    lines.sort(key=lambda line: line[0])
    shown = [f"{source}, line {line}: {message}" for line, message in lines[:_SHOWN]]
    if len(lines) > _SHOWN:
        shown.append(f"… and {len(lines) - _SHOWN} more")
    return "\n".join(shown)


def _told(path: Path, kind: str, message: str, data: Mapping[str, object]) -> tuple[Path, str]:
    """One of pydantic's complaints in an operator's words."""
    if kind == "extra_forbidden":
        return path, _unknown(path)
    if kind in _PLAINER:
        return path, _PLAINER[kind]
    said = message.removeprefix("Value error, ")
    said = said[0].lower() + said[1:] if said.startswith("Input ") else said
    given = _given(path, data)
    return path, said if given is None or kind == "value_error" else f"{said} (it says {given})"


def _given(path: Path, data: object) -> str | None:
    """What the file says at this place, where it is short and can be no secret."""
    if path[:1] == ("database",):
        return None
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return repr(data)[:60] if isinstance(data, str | int | float) else None


def _unknown(path: Path) -> str:
    model: object = Manifest
    for part in path[:-1]:
        if isinstance(part, str) and isinstance(model, type) and issubclass(model, BaseModel):
            model = _model_in(model.model_fields[part].annotation)
    known = list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
    close = difflib.get_close_matches(str(path[-1]).lower(), known, 1, 0.6)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
    return f"there is no such setting; {hint}"


def _model_in(annotation: object) -> object:
    """The model inside `tuple[Model, ...]`, `Model | None` or an annotated type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part)) is not None), None)


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


def _spell(path: Path) -> str:
    spelled = ""
    for part in path:
        spelled += f"[{part}]" if isinstance(part, int) else f".{part}" if spelled else part
    return spelled
