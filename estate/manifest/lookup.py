"""Which declared asset stands behind an address, and what is expected there: fast for 10,000 rows and 250,000 hosts."""

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from estate.assets import Address, Asset, Network, host
from estate.coverage import NOTHING, Keys
from estate.manifest.rows import DeclaredAsset, Expectation

_REMEMBERED = 16384


class Declared:
    """The declared assets and expectations, indexed; it is the policy by which facts become findings."""

    def __init__(self, assets: tuple[DeclaredAsset, ...], rows: tuple[Expectation, ...]) -> None:
        self.rows = rows
        self._assets = {(each.zone, word): each for each in assets for word in (each.name, *each.addresses)}
        self._by_asset: dict[str, list[int]] = {}
        self._by_tag: dict[str, list[int]] = {}
        self._by_network: dict[tuple[int, int], dict[int, list[int]]] = {}
        for index, row in enumerate(rows):
            if row.network is not None:
                _file(self._by_network, row.network, index)
            else:
                (self._by_asset if row.by == "asset" else self._by_tag).setdefault(row.selects, []).append(index)
        # The longest prefix first, so that the closest network owns a port.
        self._prefixes = sorted(self._by_network, reverse=True)
        self._matching = lru_cache(_REMEMBERED)(self._match)
        self._union = lru_cache(_REMEMBERED)(self._unite)
        self.sha256 = _version(assets, rows) if assets or rows else ""

    def asset_for(self, address: str, zone: str) -> Asset:
        """The declared asset that this address or name belongs to in that zone, or else the address itself."""
        found = self._assets.get((zone, address))
        return host(found.name if found else address, zone)

    def declaration(self, asset: Asset) -> DeclaredAsset | None:
        """What is declared of this asset."""
        return self._assets.get((asset.zone, asset.key)) if asset.kind == "host" else None

    def expected(self, asset: Asset) -> Keys:
        """All ports that may answer on this asset."""
        return self._union(self._matching(asset))

    def required(self, asset: Asset) -> Keys:
        """The ports that were declared for this very asset, and so should answer."""
        return self._union(tuple(index for index in self._matching(asset) if self.rows[index].by == "asset"))

    def expectation(self, asset: Asset, key: str) -> Expectation | None:
        """The row to which this port belongs: the most specific one, and of equals the first in the file."""
        return next((self.rows[index] for index in self._matching(asset) if key in self.rows[index].keys), None)

    def owner(self, asset: Asset) -> str:
        """Who looks after it, or an empty string."""
        found = self.declaration(asset)
        return (found.owner or "") if found else ""

    def criticality(self, asset: Asset) -> str:
        """What its loss would mean."""
        found = self.declaration(asset)
        return found.criticality if found else "normal"

    def tags(self, asset: Asset) -> tuple[str, ...]:
        """What it is."""
        found = self.declaration(asset)
        return found.tags if found else ()

    def is_fragile(self, asset: Asset) -> bool:
        """Whether it may not be asked for service versions."""
        found = self.declaration(asset)
        return found is not None and found.fragile

    def _match(self, asset: Asset) -> tuple[int, ...]:
        """The rows that apply, the most specific first."""
        if asset.kind != "host":
            return ()
        found = self.declaration(asset)
        words = (found.name, *found.addresses) if found else (asset.key,)
        rows = sorted(index for word in words for index in self._by_asset.get(word, ()))
        if found:
            rows += sorted(index for tag in found.tags for index in self._by_tag.get(tag, ()))
        if self._prefixes:
            rows += self._around([address for word in words if (address := _address(word)) is not None])
        if len(rows) > 1:
            rows = list(dict.fromkeys(rows))
        return tuple(index for index in rows if self.rows[index].zone in {None, asset.zone})

    def _around(self, addresses: Sequence[Address]) -> Iterator[int]:
        """The rows of the networks that hold one of the addresses, the narrowest network first."""
        for version, prefix in self._prefixes:
            held = self._by_network[version, prefix]
            for address in addresses:
                if address.version == version:
                    yield from held.get(int(address) >> (address.max_prefixlen - prefix), ())

    def _unite(self, rows: tuple[int, ...]) -> Keys:
        union = NOTHING
        for index in rows:
            union |= self.rows[index].keys
        return union


def _address(word: str) -> Address | None:
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        return None


def _file(networks: dict[tuple[int, int], dict[int, list[int]]], network: Network, index: int) -> None:
    number = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
    networks.setdefault((network.version, network.prefixlen), {}).setdefault(number, []).append(index)


def _version(assets: Iterable[DeclaredAsset], rows: Iterable[Expectation]) -> str:
    """The sha256 of all that decides whether a fact is a finding; who accepted it and why does not."""
    spelled = json.dumps(
        sorted({*_spell_rows(rows), *_spell_assets(assets)}), separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(spelled.encode()).hexdigest()


def _spell_rows(rows: Iterable[Expectation]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield "expected", row.by, row.selects, row.zone or "*", row.ports


def _spell_assets(assets: Iterable[DeclaredAsset]) -> Iterator[tuple[str, ...]]:
    for each in assets:
        yield "asset", each.zone, each.name, *sorted(each.addresses), "tags", *sorted(each.tags), each.criticality
