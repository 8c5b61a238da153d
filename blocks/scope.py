"""Scopes as Prefect blocks, so that the UI shows and explains what `estate.toml` authorises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import ConfigDict, ValidationError

from estate.errors import BadInput
from estate.manifest import Manifest
from estate.scope import Scope
from estate.scope.declared import Declaration


class ScopeBlock(Block, Declaration):
    """What may be scanned, by whose word, how fast and until when.

    `estate.toml` goes before what is edited here; `roundsman doctor` shows where the two differ.
    """

    _block_type_name: ClassVar[str] = "Roundsman scope"
    _block_type_slug: ClassVar[str] = "roundsman-scope"
    _description: ClassVar[str] = "What Roundsman may scan, by whose word, how fast and until when."

    # Prefect fills in a block's own ids after it was made, and what it does not know it must not drop unseen.
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=False, extra="forbid")

    @classmethod
    def of(cls, scope: Scope) -> "ScopeBlock":
        """The block that says the same."""
        return cls.model_validate(scope.model_dump())

    def to_scope(self) -> Scope:
        """The scope that says the same."""
        return Scope.model_validate(self.model_dump(include=set(Scope.model_fields)))


@dataclass(frozen=True, slots=True)
class Drift:
    """What the UI shows otherwise than the file declares; None where one of them does not have it at all."""

    scope: str
    field: str
    declared: str | None
    shown: str | None

    def __str__(self) -> str:
        if self.shown is None:
            return f"scope {self.scope!r} is in estate.toml, but not in the Prefect UI"
        if self.declared is None:
            return f"scope {self.scope!r} is in the Prefect UI, but not in estate.toml, which decides"
        return f"scope {self.scope!r}, {self.field}: estate.toml says {self.declared}, the Prefect UI {self.shown}"


def register(manifest: Manifest) -> tuple[str, ...]:
    """Make the blocks say what the manifest says, and name the scopes whose blocks were written.

    Raises:
        BadInput: two scopes would have the same block.
    """
    names = block_names(manifest)
    ScopeBlock.register_type_and_schema()
    shown = _stored()
    written = []
    for scope in manifest.scopes:
        name = names[scope.name]
        if name not in shown or differences(scope, shown[name]):
            ScopeBlock.of(scope).save(name, overwrite=True)
            written.append(scope.name)
    return tuple(written)


def drift(manifest: Manifest) -> tuple[Drift, ...]:
    """Where the blocks differ from the manifest, scope by scope and setting by setting."""
    shown = _stored()
    names = block_names(manifest)
    found: list[Drift] = []
    for scope in manifest.scopes:
        block = shown.pop(names[scope.name], None)
        if block is None:
            found.append(Drift(scope.name, "", "declared", None))
        else:
            found.extend(differences(scope, block))
    found.extend(Drift(name, "", None, "shown") for name in sorted(shown))
    return tuple(found)


def differences(scope: Scope, data: Mapping[str, object]) -> tuple[Drift, ...]:
    """The settings that a stored block has otherwise than the scope."""
    try:
        block = ScopeBlock.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "all of it"
        return (Drift(scope.name, place, "a valid scope", f"what cannot be used: {first['msg']}"),)
    declared, shown = scope.model_dump(mode="json"), block.to_scope().model_dump(mode="json")
    return tuple(
        Drift(scope.name, field, str(declared[field]), str(shown[field]))
        for field in Scope.model_fields
        if declared[field] != shown[field]
    )


def block_names(manifest: Manifest) -> dict[str, str]:
    """The block's name for each scope: Prefect allows letters, digits and dashes only.

    Raises:
        BadInput: two scopes would have the same one.
    """
    names = {scope.name: re.sub(r"[._]", "-", scope.name) for scope in manifest.scopes}
    taken: dict[str, str] = {}
    for scope, name in names.items():
        other = taken.setdefault(name, scope)
        if other != scope:
            raise BadInput(f"scopes {other!r} and {scope!r} would both be the block {name!r}: rename one of them")
    return names


def _stored() -> dict[str, Mapping[str, object]]:
    with get_client(sync_client=True) as client:
        try:
            documents = client.read_block_documents_by_type(ScopeBlock.get_block_type_slug())
        except ObjectNotFound:
            return {}
    return {document.name: document.data for document in documents if document.name}
