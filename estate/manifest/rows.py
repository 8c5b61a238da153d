"""Declared assets, and the ports that are expected of them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from estate.assets import DEFAULT_ZONE
from estate.coverage import Keys
from estate.scope import read_ports
from estate.scope.words import AddressText, NetworkText, Plain, Word, looks_like_network, read_address, read_name, told


def read_host(value: object) -> str:
    """An address or a declared name.

    Raises:
        BadTarget: anything else.
    """
    return read_address(value) if isinstance(value, str) and looks_like_network(value) else read_name(value)


class Table(BaseModel):
    """A table of the file: unknown settings are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeclaredAsset(Table):
    """A thing with a name of its own, which stays when its addresses change."""

    name: Annotated[str, BeforeValidator(told(read_name))] = Field(description="Its name, which is its key for ever.")
    zone: Word = Field(DEFAULT_ZONE, description="The zone in which its addresses mean something.")
    addresses: tuple[AddressText, ...] = Field((), description="Its addresses; without any, the name is resolved.")
    tags: tuple[Word, ...] = Field((), description="What it is, for expected ports and for grouping.")
    owner: Plain | None = Field(None, description="Who looks after it.")
    criticality: Literal["low", "normal", "high", "critical"] = Field("normal", description="What its loss would mean.")
    fragile: bool = Field(False, strict=True, description="Never ask it for service versions.")


class DeclaredEndpoint(Table):
    """A place where TLS is spoken, which the port sweep may not know of."""

    host: Annotated[str, BeforeValidator(told(read_host))] = Field(
        description="An asset's name, a name in a scope, or an address."
    )
    port: int = Field(443, ge=1, le=65535, strict=True, description="Its port.")
    name: Annotated[str, BeforeValidator(told(read_name))] | None = Field(
        None, description="The server name to ask for; the host's, if it has one, without it."
    )
    starttls: (
        Literal["smtp", "imap", "pop3", "ftp", "ldap", "xmpp", "xmpp-server", "rdp", "postgres", "mysql"] | None
    ) = Field(None, description="The plaintext protocol in which TLS is asked for.")


class Expectation(Table):
    """Ports that may answer on an asset, on everything with a tag, or in a network."""

    asset: Annotated[str, BeforeValidator(told(read_host))] | None = Field(
        None, description="The name or address of one asset."
    )
    tag: Word | None = Field(None, description="All assets with this tag.")
    network: NetworkText | None = Field(None, description="All addresses in this network.")
    zone: Word | None = Field(None, description="Only in this zone; in every zone without it.")
    ports: Annotated[str, BeforeValidator(told(lambda value: str(read_ports(value))))] = Field(
        description="What may answer there, such as tcp/22,443."
    )
    note: Plain | None = Field(None, description="Why.")
    accepted_by: Plain | None = Field(None, description="Who accepted it.")
    accepted_on: date | None = Field(None, description="On which day.")

    @model_validator(mode="after")
    def _selects_once(self) -> "Expectation":
        if sum(each is not None for each in (self.asset, self.tag, self.network)) != 1:
            raise ValueError("needs exactly one of asset, tag and network, to say where the ports are expected")
        if self.accepted_on is not None and self.accepted_by is None:
            raise ValueError("accepted_on without accepted_by: who accepted it?")
        return self

    @property
    def by(self) -> Literal["asset", "tag", "network"]:
        """How it selects: an asset is more specific than a tag, and a tag than a network."""
        return "asset" if self.asset is not None else "tag" if self.tag is not None else "network"

    @property
    def selects(self) -> str:
        """What it selects, as text."""
        return str(self.asset or self.tag or self.network)

    @property
    def keys(self) -> Keys:
        """The ports as keys."""
        return Keys.parse(self.ports)
