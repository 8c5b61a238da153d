"""Where facts are kept, as a Prefect block for workers that have no `estate.toml` at hand."""

from collections.abc import Mapping
from typing import ClassVar

from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from pydantic import Field, SecretStr, ValidationError, model_validator

from estate.errors import BadInput
from estate.manifest.settings import DatabaseSettings


class DatabaseBlock(Block):
    """Where Roundsman keeps runs, facts and findings."""

    _block_type_name: ClassVar[str] = "Roundsman database"
    _block_type_slug: ClassVar[str] = "roundsman-database"
    _description: ClassVar[str] = "Where Roundsman keeps runs, facts and findings."

    url_env: str | None = Field(
        None,
        title="Environment variable",
        description="The environment variable, on every worker, that holds the database's URL. Prefer this one: "
        "whoever can call the Prefect API can read a URL that is stored here.",
    )
    url: SecretStr | None = Field(
        None, title="URL", description="The database's URL itself, such as postgresql://user:password@host/name."
    )

    @model_validator(mode="after")
    def _says_it_once(self) -> "DatabaseBlock":
        if (self.url is None) == (self.url_env is None):
            raise ValueError("needs exactly one of an environment variable and a URL")
        DatabaseSettings.model_validate({"url_env": self.url_env})
        return self

    def resolve(self, environment: Mapping[str, str]) -> str:
        """The URL.

        Raises:
            BadInput: the environment variable is not set here.
        """
        if self.url is not None:
            return self.url.get_secret_value()
        found = DatabaseSettings(url_env=self.url_env).resolve(environment)
        if found is None:
            raise BadInput("the Roundsman database block names no database")
        return found


def shown_database_url(environment: Mapping[str, str], name: str = "default") -> str | None:
    """The URL that the block of that name gives, or None where there is no such block.

    Raises:
        BadInput: the block is there, but what it names is not.
    """
    try:
        block = DatabaseBlock.load(name)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadInput(f"the Prefect block roundsman-database/{name} cannot be used: {first['msg']}") from None
    except ValueError as error:
        if isinstance(error.__cause__, ObjectNotFound):
            return None
        raise BadInput(f"the Prefect block roundsman-database/{name} cannot be read: {error}") from None
    return block.resolve(environment) if isinstance(block, DatabaseBlock) else None
