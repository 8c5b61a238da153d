"""Scopes as blocks: the same settings, saved and loaded, and where the UI and the file differ."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from pydantic import ValidationError

from blocks.scope import ScopeBlock, block_names, differences, drift, register
from estate.errors import BadInput
from estate.manifest import Manifest, load_manifest
from estate.scope import Scope

EXAMPLE = load_manifest((Path(__file__).parents[2] / "estate.example.toml").read_text())
OFFICE = EXAMPLE.scope_named("office")


@pytest.fixture
def no_blocks(prefect_api: None) -> Iterator[None]:
    yield
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents():
            client.delete_block_document(document.id)


def saved(name: str) -> Scope:
    block = ScopeBlock.load(name)
    assert isinstance(block, ScopeBlock)
    return block.to_scope()


def test_a_block_has_the_settings_of_a_scope_with_their_descriptions() -> None:
    properties = ScopeBlock.model_json_schema()["properties"]
    assert list(properties) == list(Scope.model_fields)
    assert all(properties[name]["description"] == field.description for name, field in Scope.model_fields.items())
    assert properties["networks"]["items"] == {"type": "string"}


def test_a_scope_survives_the_way_into_a_block_and_back() -> None:
    assert ScopeBlock.of(OFFICE).to_scope() == OFFICE
    assert ScopeBlock.of(OFFICE).sha256 == OFFICE.sha256


@pytest.mark.parametrize("networks", [["10.0.0.1/24"], ["-iL /etc/passwd"], []])
def test_a_block_refuses_what_a_scope_refuses(networks: list[str]) -> None:
    with pytest.raises(ValidationError):
        ScopeBlock.model_validate({"name": "lab", "authorised_by": "Ada", "networks": networks})


def test_a_block_refuses_settings_that_do_not_exist() -> None:
    with pytest.raises(ValidationError, match="not permitted"):
        ScopeBlock.model_validate({"name": "lab", "authorised_by": "Ada", "networks": ["10.0.0.0/24"], "colour": "red"})


@pytest.mark.usefixtures("no_blocks")
def test_registering_twice_writes_once() -> None:
    assert register(EXAMPLE) == ("office", "from-outside")
    assert saved("office") == OFFICE
    assert register(EXAMPLE) == ()
    assert drift(EXAMPLE) == ()


@pytest.mark.usefixtures("no_blocks")
def test_what_was_edited_in_the_ui_is_drift_until_the_file_is_registered_again() -> None:
    register(EXAMPLE)
    ScopeBlock.of(OFFICE.model_copy(update={"pace": 9999})).save("office", overwrite=True)
    ScopeBlock.of(OFFICE.model_copy(update={"name": "secret"})).save("secret")
    assert [str(each) for each in drift(EXAMPLE)] == [
        "scope 'office', pace: estate.toml says 2000, the Prefect UI 9999",
        "scope 'secret' is in the Prefect UI, but not in estate.toml, which decides",
    ]
    assert register(EXAMPLE) == ("office",)
    assert saved("office") == OFFICE


@pytest.mark.usefixtures("no_blocks")
def test_a_scope_that_was_never_registered_is_drift() -> None:
    assert [str(each) for each in drift(EXAMPLE)] == [
        "scope 'office' is in estate.toml, but not in the Prefect UI",
        "scope 'from-outside' is in estate.toml, but not in the Prefect UI",
    ]


@pytest.mark.usefixtures("no_blocks")
def test_a_block_that_was_made_unusable_is_drift_and_is_mended() -> None:
    register(EXAMPLE)
    with get_client(sync_client=True) as client:
        document = next(each for each in client.read_block_documents() if each.name == "office")
        broken = {**document.data, "networks": ["10.0.0.1/24"]}
        client._client.patch(f"/block_documents/{document.id}", json={"data": broken, "merge_existing_data": False})
    found = drift(EXAMPLE)
    assert [each.field for each in found] == ["networks.0"]
    assert "what cannot be used" in str(found[0])
    assert register(EXAMPLE) == ("office",)
    assert drift(EXAMPLE) == ()


def test_a_difference_names_the_setting_and_both_values() -> None:
    changed = OFFICE.model_copy(update={"floor": 0.9})
    found = differences(OFFICE, ScopeBlock.of(changed).model_dump(include=set(Scope.model_fields)))
    assert [(each.field, each.declared, each.shown) for each in found] == [("floor", "0.7", "0.9")]


def test_two_scopes_never_share_a_block() -> None:
    alike = Manifest(scopes=(OFFICE.model_copy(update={"name": "a.b"}), OFFICE.model_copy(update={"name": "a_b"})))
    with pytest.raises(BadInput, match="rename one of them"):
        block_names(alike)
    assert block_names(EXAMPLE) == {"office": "office", "from-outside": "from-outside"}
