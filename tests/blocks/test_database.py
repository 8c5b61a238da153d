"""The database block: a URL by reference or itself, never shown by accident."""

import pytest
from pydantic import SecretStr, ValidationError

from blocks.database import DatabaseBlock, shown_database_url
from estate.errors import BadInput


def test_the_url_is_taken_from_the_environment() -> None:
    block = DatabaseBlock(url_env="ESTATE_DATABASE", url=None)
    assert block.resolve({"ESTATE_DATABASE": "postgresql://h/d"}) == "postgresql://h/d"
    with pytest.raises(BadInput, match="ESTATE_DATABASE is not set"):
        block.resolve({})


def test_a_url_of_its_own_is_not_printed() -> None:
    block = DatabaseBlock(url=SecretStr("postgresql://u:geheim@h/d"), url_env=None)
    assert "geheim" not in repr(block)
    assert block.resolve({}) == "postgresql://u:geheim@h/d"


@pytest.mark.parametrize("fields", [{}, {"url": "sqlite:///x", "url_env": "X"}, {"url_env": "not a name"}])
def test_exactly_one_of_both_is_needed(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DatabaseBlock.model_validate(fields)


@pytest.mark.usefixtures("prefect_api")
def test_a_saved_block_is_found_and_a_missing_one_is_none() -> None:
    assert shown_database_url({}, "nowhere") is None
    DatabaseBlock(url=SecretStr("postgresql://u:geheim@h/d"), url_env=None).save("default")
    assert shown_database_url({}) == "postgresql://u:geheim@h/d"
