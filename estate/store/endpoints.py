"""Where TLS may be spoken: what the owners declare, and the open ports that the sweep found."""

from collections.abc import Iterator, Mapping

from sqlalchemy import select

from estate.assets import canonical_address
from estate.diff import InSight
from estate.manifest import Manifest
from estate.store.database import Database
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT, value_of
from estate.tls.shard import Endpoint

IMPLICIT = frozenset({443, 465, 636, 853, 989, 990, 992, 993, 994, 995, 2376, 5061, 5671, 6443, 6697, 8443, 8883, 9443})
"""Ports whose usual service begins with TLS, by the service names registry of IANA and common practice."""
STARTTLS: Mapping[int, str] = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 21: "ftp", 389: "ldap"}
"""Ports whose usual service can switch to TLS; only those that answer are asked."""
_NEVER = range(9100, 9108)
_SERVICES = frozenset({"https", "imaps", "pop3s", "smtps", "ldaps", "ftps", "ircs", "sip-tls"})


def declared_endpoints(manifest: Manifest, zone: str, addresses: Mapping[str, tuple[str, ...]]) -> Iterator[Endpoint]:
    """The endpoints of estate.toml at every address that their hosts have now."""
    for row in manifest.endpoints:
        asset = manifest.declared.asset_for(row.host, zone).key
        name = row.name or (None if canonical_address(row.host) else row.host)
        for address in addresses.get(row.host, addresses.get(asset, ())):
            yield Endpoint(asset, address, row.port, name, row.starttls)


def found_endpoints(
    database: Database, zone: str, vantage: str, addresses: Mapping[str, tuple[str, ...]]
) -> Iterator[Endpoint]:
    """Open ports that speak TLS, as far as their services were probed or their numbers tell; printers never."""
    with database.read() as connection:
        query = (
            select(ASSET.c.key, FACT.c.key.label("port"), FACT.c.value)
            .join(ASSET, ASSET.c.id == FACT.c.asset_id)
            .where(
                holds(FACT, hidden(connection)),
                FACT.c.present,
                FACT.c.sight == InSight.SEEN.value,
                FACT.c.aspect == "ports",
                FACT.c.vantage == vantage,
                ASSET.c.zone == zone,
            )
            .order_by(ASSET.c.key, FACT.c.key)
        )
        rows = connection.execute(query).all()
    for asset, key, value in rows:
        family, _, number = key.partition("/")
        if family != "tcp" or int(number) in _NEVER:
            continue
        port, told = int(number), dict(value_of(value))
        starttls = STARTTLS.get(port)
        speaks = told.get("tunnel") == "ssl" or told.get("service") in _SERVICES or port in IMPLICIT
        if not speaks and starttls is None:
            continue
        name = None if canonical_address(asset) else asset
        for address in addresses.get(asset, (asset,) if name is None else ()):
            yield Endpoint(asset, address, port, name, None if speaks else starttls)
