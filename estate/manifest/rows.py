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


class DeclaredHost(Table):
    """A host that is audited from inside, and the way in: keys are named, never written here."""

    host: Annotated[str, BeforeValidator(told(read_host))] = Field(
        description="An asset's name, a name in a scope, or an address."
    )
    zone: Word = Field(DEFAULT_ZONE, description="The zone in which its addresses mean something.")
    via: Literal["ssh", "local", "docker"] = Field(
        "ssh", description="By ssh, on the machine that scans, or in one of its containers."
    )
    address: AddressText | None = Field(None, description="Where ssh connects to, if not to the host's own addresses.")
    port: int | None = Field(None, ge=1, le=65535, strict=True, description="The port of ssh.")
    user: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")] | None = Field(
        None, description="Who logs in; ssh's own configuration says it without this."
    )
    sudo: Literal["no", "pinned", "full"] = Field(
        "no", description="pinned: the collector that sudoers names by its digest; full: a root shell."
    )
    identity: str | None = Field(None, min_length=1, description="A file with a private key or a certificate's key.")
    known_hosts: str | None = Field(None, min_length=1, description="A file with host keys or host authorities.")
    config: str | None = Field(None, min_length=1, description="An ssh_config file: jump hosts and the like.")
    container: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$")] | None = Field(
        None, description="The container's name, with via = docker."
    )
    cloud: bool = Field(False, strict=True, description="See from there whether the metadata service needs no token.")

    @model_validator(mode="after")
    def _fits_the_way_in(self) -> "DeclaredHost":
        if (self.container is not None) is not (self.via == "docker"):
            raise ValueError('container and via = "docker" go together')
        of_ssh = ("address", "port", "user", "identity", "known_hosts", "config")
        if self.via != "ssh" and (given := [name for name in of_ssh if getattr(self, name) is not None]):
            raise ValueError(f"{', '.join(given)}: only ssh uses that, and via is {self.via!r}")
        return self


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
