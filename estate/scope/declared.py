"""What may be scanned, by whose word, how fast and until when, and what is asked there."""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from estate.assets import DEFAULT_ZONE, Address, Network
from estate.coverage import Keys
from estate.errors import BadTarget
from estate.scope.admission import Admission
from estate.scope.profile import DEFAULT_PORTS, read_ports
from estate.scope.windows import Window
from estate.scope.words import (
    AddressText,
    Excluded,
    Moment,
    Names,
    Networks,
    Plain,
    Word,
    end_instant,
    first_instant,
    looks_like_network,
    read_network,
    told,
)


def _one_port(value: object) -> str:
    keys = read_ports(value)
    if len(keys) != 1:
        raise BadTarget(f"{keys} is more than one port")
    return str(keys)


def _windows_in_order(windows: tuple[Window, ...]) -> tuple[Window, ...]:
    return tuple(sorted(set(windows), key=lambda window: window.model_dump_json()))


class Canary(BaseModel):
    """An endpoint whose state is known: while it looks different, its zone's silence and refusals prove nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Canary")

    address: AddressText = Field(description="Its address, inside this scope's networks.")
    port: Annotated[str, BeforeValidator(told(_one_port))] = Field(description="One port, such as tcp/22.")
    expect: Literal["open", "closed"] = Field(
        description="open: it always answers. closed: it always refuses, so that a firewall that swallows is noticed."
    )


class Breaker(BaseModel):
    """The two limits beyond which nothing is closed without being asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Circuit breaker")

    share: float = Field(
        0.2, gt=0, le=1, strict=True, description="More than this share of what is known would close …"
    )
    at_least: int = Field(50, ge=1, strict=True, description="… and at least so many: both have to be true.")


class Declaration(BaseModel):
    """An authorisation to scan, and what is asked under it; `sha256` is its version."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Scope")

    name: Word = Field(description="How this scope is called: lower-case letters, digits, '.', '_' and '-'.")
    zone: Word = Field(
        DEFAULT_ZONE, description="Where its addresses mean something: 10.0.0.5 in two zones is two machines."
    )
    vantage: Word = Field("inside", description="From where we look, such as inside, dmz or internet.")
    networks: Networks = Field(
        min_length=1,
        description="What may be scanned: IPv4 and IPv6 networks, and single addresses. Loopback, link-local,"
        " multicast, broadcast and cloud metadata addresses count only where an entry names just them.",
    )
    names: Names = Field(
        (),
        description="Host names that may be asked; every address that one resolves to has to be in the networks too.",
    )
    exclude: Excluded = Field(
        (), description="Networks, addresses and names that are never touched, whatever else says they may be."
    )
    pace: int = Field(1000, ge=1, le=1_000_000, strict=True, description="Packets per second, at most.")
    windows: Annotated[tuple[Window, ...], AfterValidator(_windows_in_order)] = Field(
        (), description="When scanning may go on; at any time if there is none."
    )
    authorised_by: Plain = Field(description="Who signed this off: a name that people can ask.")
    valid_from: Moment | None = Field(
        None, description="A day (from its beginning, in UTC) or a time with its offset; before it nothing is scanned."
    )
    valid_until: Moment | None = Field(
        None, description="A day (up to its end, in UTC) or a time with its offset; after it nothing is scanned."
    )
    fragile: Networks = Field(
        (), description="Networks and addresses that are never asked for service versions: printers, controllers."
    )
    ports: Annotated[str, BeforeValidator(told(lambda value: str(read_ports(value))))] = Field(
        DEFAULT_PORTS, description="What is asked: tcp/1-1024,8080 udp/53,161. UDP is slow; name the ports that matter."
    )
    versions: bool = Field(True, strict=True, description="Ask open ports which service and version answers.")
    canaries: tuple[Canary, ...] = Field(
        (), description="Endpoints whose state is known, best one open and one closed."
    )
    floor: float = Field(
        0.5, ge=0, le=1, strict=True, description="The share of questions that must be answered, or the run has failed."
    )
    silences: int = Field(
        3, ge=1, le=30, strict=True, description="After so many silent looks in a row a port counts as gone."
    )
    breaker: Breaker = Field(
        Breaker(), description="When a run would close so much at once that a person is asked first."
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> "Declaration":
        if self.valid_from and self.valid_until and first_instant(self.valid_from) >= end_instant(self.valid_until):
            raise ValueError(f"valid_from ({self.valid_from}) is not before valid_until ({self.valid_until})")
        for canary in self.canaries:
            address = read_network(canary.address)[0]
            if address not in self.admission:
                raise ValueError(f"canary {canary.address} may not be asked: {self.admission.refusal(address)}")
        return self

    @cached_property
    def words(self) -> str:
        """All that authorises, in one spelling whatever the order and form in the file; `sha256` names it."""
        data = self.model_dump(
            mode="json",
            include={
                "name",
                "zone",
                "vantage",
                "networks",
                "names",
                "exclude",
                "pace",
                "windows",
                "authorised_by",
                "fragile",
            },
        )
        data["valid_from"] = first_instant(self.valid_from).isoformat() if self.valid_from else None
        data["valid_until"] = end_instant(self.valid_until).isoformat() if self.valid_until else None
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def sha256(self) -> str:
        """The version: what is asked, and how answers are judged, is not part of the authorisation."""
        return hashlib.sha256(self.words.encode()).hexdigest()

    @cached_property
    def admission(self) -> Admission:
        """Which addresses may be touched at all, leaving time aside."""
        return Admission(self.networks, self.excluded_networks)

    @property
    def excluded_networks(self) -> tuple[Network, ...]:
        """The exclusions that are addresses and networks."""
        return tuple(read_network(word) for word in self.exclude if looks_like_network(word))

    @property
    def excluded_names(self) -> tuple[str, ...]:
        """The exclusions that are names; they cover the names below them too."""
        return tuple(word for word in self.exclude if not looks_like_network(word))

    @property
    def asked(self) -> Keys:
        """The ports as keys."""
        return Keys.parse(self.ports)

    def is_fragile(self, address: Address) -> bool:
        """Whether the address may not be asked for versions."""
        return any(address in network for network in self.fragile)
