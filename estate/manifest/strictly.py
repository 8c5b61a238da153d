"""Read a TOML file into its model: every mistake has its file, line and field, and what was probably meant."""

import difflib
import re
import tomllib
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from estate.errors import BadInput
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
Model = TypeVar("Model", bound=BaseModel)


def read_strictly(
    text: str,
    source: str,
    model: type[Model],
    contradictions: Callable[[Model], Iterable[tuple[Path, str]]] = lambda _: (),
    hidden: Collection[str] = (),
) -> Model:
    """Read a file's text.

    Args:
        text: all of it.
        source: how messages call the file.
        model: what it is to be.
        contradictions: finds what is wrong only because of another table.
        hidden: tables whose values are never repeated, since they may be secrets.

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
        found = model.model_validate(data)
    except ValidationError as error:
        problems = [
            _told(each["loc"], each["type"], each["msg"], data, model, hidden)
            for each in error.errors(include_url=False)
        ]
        raise BadInput(_listed(problems, source, text)) from None
    wrong = list(contradictions(found))
    if wrong:
        raise BadInput(_listed(wrong, source, text))
    return found


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


def _told(
    path: Path, kind: str, message: str, data: Mapping[str, object], model: type[BaseModel], hidden: Collection[str]
) -> tuple[Path, str]:
    """One of pydantic's complaints in an operator's words."""
    if kind == "extra_forbidden":
        return path, _unknown(path, model)
    if kind in _PLAINER:
        return path, _PLAINER[kind]
    said = message.removeprefix("Value error, ")
    said = said[0].lower() + said[1:] if said.startswith("Input ") else said
    given = None if path[:1] and path[0] in hidden else _given(path, data)
    return path, said if given is None or kind == "value_error" else f"{said} (it says {given})"


def _given(path: Path, data: object) -> str | None:
    """What the file says at this place, where it is short and can be no secret."""
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return repr(data)[:60] if isinstance(data, str | int | float) else None


def _unknown(path: Path, whole: type[BaseModel]) -> str:
    model: object = whole
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


def _spell(path: Path) -> str:
    spelled = ""
    for part in path:
        spelled += f"[{part}]" if isinstance(part, int) else f".{part}" if spelled else part
    return spelled
