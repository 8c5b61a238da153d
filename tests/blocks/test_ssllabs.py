"""Who asks SSL Labs: the file's word before the block's, and never nobody's."""

import pytest
from pydantic import ValidationError

from blocks.ssllabs import SslLabsBlock, registered_email
from estate.errors import BadInput
from estate.manifest.settings import SslLabsSettings


def test_the_file_goes_before_the_block() -> None:
    assert registered_email(SslLabsSettings(email="ada@roundsman.dev")) == "ada@roundsman.dev"


@pytest.mark.parametrize("email", ["", "ada", "ada@gmail.com", "ada@roundsman.dev\r\nX: y", "Ada <ada@roundsman.dev>"])
def test_an_address_that_could_not_be_registered_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        SslLabsBlock(email=email)


@pytest.mark.usefixtures("prefect_api")
def test_a_saved_block_is_found_and_a_missing_one_is_said() -> None:
    with pytest.raises(BadInput, match=r"nobody is registered.*roundsman-ssllabs/default"):
        registered_email(SslLabsSettings())
    SslLabsBlock(email="eve@roundsman.dev").save("default")
    assert registered_email(SslLabsSettings()) == "eve@roundsman.dev"
