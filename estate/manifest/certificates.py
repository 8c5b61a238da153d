"""Certificates that lie on disks, as their owners declare them."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from estate.assets import DEFAULT_ZONE
from estate.manifest.rows import Table, read_host
from estate.manifest.settings import read_variable
from estate.scope.words import Word, told


class DeclaredCertificates(Table):
    """Files and folders on the machine that scans which hold an asset's certificates."""

    host: Annotated[str, BeforeValidator(told(read_host))] = Field(
        description="Whose certificates these are: an asset's name, a name in a scope, or an address."
    )
    zone: Word = Field(DEFAULT_ZONE, description="The zone in which its addresses mean something.")
    paths: tuple[Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")], ...] = Field(
        min_length=1, description="Files, and folders that are searched to their bottom: PEM, DER, PKCS#7 or PKCS#12."
    )
    password_env: Annotated[str, BeforeValidator(told(read_variable))] | None = Field(
        None, description="The environment variable that holds the password of keystores (PKCS#12)."
    )
    password_file: str | None = Field(
        None, min_length=1, description="A file whose first line is the password of keystores (PKCS#12)."
    )

    @model_validator(mode="after")
    def _says_it_once(self) -> "DeclaredCertificates":
        if self.password_env and self.password_file:
            raise ValueError("has both password_env and password_file: keep one of them")
        return self
