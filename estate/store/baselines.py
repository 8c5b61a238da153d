"""Propose what is expected from what is there: by tag where a tag shares it, by network, else asset by asset."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import select

from estate.assets import Asset, canonical_address
from estate.coverage import Keys
from estate.policy import Policy
from estate.store.assets import key_order
from estate.store.database import Database
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT
from estate.store.tables import Run

_SHARED = 0.5


class BaselineObject(TypedDict):
    """A proposed row of [[expected]]."""

    by: str
    value: str
    zone: str
    ports: str
    seen: int
    assets: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """`by` is tag, network or asset; `seen` of the `assets` it speaks of show every one of its ports."""

    by: str
    value: str
    zone: str
    ports: str
    seen: int
    assets: int

    @property
    def where(self) -> str:
        """The group in words."""
        return f"{self.by} {self.value}"

    def to_object(self) -> BaselineObject:
        """As JSON prints it."""
        return {
            "by": self.by,
            "value": self.value,
            "zone": self.zone,
            "ports": self.ports,
            "seen": self.seen,
            "assets": self.assets,
        }


def propose_baseline(
    database: Database, run: Run, policy: Policy, tags: Mapping[str, frozenset[str]]
) -> list[Proposal]:
    """Rows that would expect everything that answers in the run's zone and is not expected yet.

    Args:
        tags: the tags of declared assets, by asset key.
    """
    with database.read() as connection:
        query = (
            select(ASSET.c.kind, ASSET.c.key, ASSET.c.zone, FACT.c.key.label("port"))
            .join(ASSET, ASSET.c.id == FACT.c.asset_id)
            .where(
                holds(FACT, hidden(connection)),
                FACT.c.present,
                FACT.c.aspect == "ports",
                FACT.c.vantage == run.vantage,
                ASSET.c.zone == run.zone,
            )
        )
        open_ports: dict[Asset, set[str]] = {}
        for kind, key, zone, port in connection.execute(query):
            open_ports.setdefault(Asset(kind, key, zone), set())
            if not port.startswith("anomaly/"):
                open_ports[Asset(kind, key, zone)].add(port)
    left = {
        (asset, port) for asset, ports in open_ports.items() for port in ports if port not in policy.expected(asset)
    }
    members: dict[tuple[str, str], set[Asset]] = {}
    for asset in open_ports:
        for tag in tags.get(asset.key, ()):
            members.setdefault(("tag", tag), set()).add(asset)
    for asset in open_ports:
        network = _network(asset)
        if network:
            members.setdefault(("network", network), set()).add(asset)
    proposals = []
    for (by, value), assets in sorted(members.items(), key=lambda item: (item[0][0] != "tag", item[0])):
        shared = [port for port in _ports(left, assets) if _share(left, assets, port) >= _SHARED]
        if len(assets) < 2 or not shared:
            continue
        proposals.append(_proposal(by, value, run.zone, shared, assets, open_ports))
        left -= {(asset, port) for asset in assets for port in shared}
    by_asset: dict[Asset, set[str]] = {}
    for asset, port in left:
        by_asset.setdefault(asset, set()).add(port)
    proposals += [
        Proposal("asset", asset.key, run.zone, str(Keys.of(ports)), 1, 1) for asset, ports in sorted(by_asset.items())
    ]
    return proposals


def _ports(left: Iterable[tuple[Asset, str]], assets: set[Asset]) -> list[str]:
    return sorted({port for asset, port in left if asset in assets}, key=key_order)


def _share(left: set[tuple[Asset, str]], assets: set[Asset], port: str) -> float:
    return sum((asset, port) in left for asset in assets) / len(assets)


def _proposal(
    by: str, value: str, zone: str, ports: list[str], assets: set[Asset], open_ports: Mapping[Asset, set[str]]
) -> Proposal:
    seen = sum(set(ports) <= open_ports[asset] for asset in assets)
    return Proposal(by, value, zone, str(Keys.of(ports)), seen, len(assets))


def _network(asset: Asset) -> str | None:
    """The /24 or /64 around an address."""
    text = canonical_address(asset.key)
    if text is None:
        return None
    address = ipaddress.ip_address(text)
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))
