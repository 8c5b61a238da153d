"""Who asks SSL Labs: the registered address, as a Prefect block for those who keep it out of `estate.toml`."""

from typing import ClassVar

from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from pydantic import Field, ValidationError, field_validator

from estate.errors import BadInput
from estate.manifest.settings import SslLabsSettings, read_email

NAME = "default"


class SslLabsBlock(Block):
    """The e-mail address under which SSL Labs' API knows you."""

    _block_type_name: ClassVar[str] = "Roundsman SSL Labs"
    _block_type_slug: ClassVar[str] = "roundsman-ssllabs"
    _description: ClassVar[str] = "The e-mail address under which SSL Labs' API knows you."

    email: str = Field(
        title="E-mail address",
        description="An address of your organisation that was registered with SSL Labs' API; every request bears it.",
    )

    @field_validator("email")
    @classmethod
    def _is_one(cls, value: str) -> str:
        try:
            return read_email(value)
        except BadInput as error:
            raise ValueError(str(error)) from None


def registered_email(settings: SslLabsSettings) -> str:
    """The address of `[ssllabs] email`, or of the block.

    Raises:
        BadInput: neither has one.
    """
    if settings.email is not None:
        return settings.email
    try:
        block = SslLabsBlock.load(NAME)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadInput(f"the Prefect block roundsman-ssllabs/{NAME} cannot be used: {first['msg']}") from None
    except ValueError as error:
        if not isinstance(error.__cause__, ObjectNotFound):
            raise BadInput(f"the Prefect block roundsman-ssllabs/{NAME} cannot be read: {error}") from None
        block = None
    if not isinstance(block, SslLabsBlock):
        raise BadInput(
            "[ssllabs] is enabled and nobody is registered: write email there, "
            f"or into the Prefect block roundsman-ssllabs/{NAME}"
        )
    return block.email
