"""Where TLS may be spoken: what the owners declare, and the open ports that the sweep found."""

from collections.abc import Iterator, Mapping

from sqlalchemy import select

from estate.assets import canonical_address
from estate.certificates.facts import FILES
from estate.diff import InSight
from estate.manifest import Manifest
from estate.store.database import Database
from estate.store.history import PUBLISHED
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FACT, RUN, value_of
from estate.tls.keys import ENDPOINT
from estate.tls.shard import Endpoint

IMPLICIT = frozenset({443, 465, 636, 853, 989, 990, 992, 993, 994, 995, 2376, 5061, 5671, 6443, 6697, 8443, 8883, 9443})
"""Ports whose usual service begins with TLS, by the service names registry of IANA and common practice."""
STARTTLS: Mapping[int, str] = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 21: "ftp", 389: "ldap"}
"""Ports whose usual service can switch to TLS; only those that answer are asked."""
_NEVER = frozenset(range(9100, 9108))
"""Printers put on paper whatever they are sent."""
_NO_GUESS = _NEVER | {
    22, 23, 53, 80, 102, 111, 135, 139, 445, 502, 513, 514, 789, 1911, 1962, 2049, 2222, 2404, 3389, 4911, 9600,
    18245, 20000, 20547, 34962, 34963, 34964, 44818, 47808,
}  # fmt: skip
"""Ports whose usual protocol is another one, and those of industrial controllers (as in nmap's scripts for them), some
of which stop when they hear what they do not expect."""
_UNKNOWN = frozenset({"unknown", "tcpwrapped"})
_TRUSTED = ("tls", "ports", "certificate")
_SWITCHING = frozenset(STARTTLS.values())
_SERVICES = frozenset({"https", "imaps", "pop3s", "smtps", "ldaps", "ftps", "ircs", "sip-tls"})


def declared_endpoints(manifest: Manifest, zone: str, addresses: Mapping[str, tuple[str, ...]]) -> Iterator[Endpoint]:
    """The endpoints of estate.toml at every address that their hosts have now; an address stands for itself alone."""
    for row in manifest.endpoints:
        asset = manifest.declared.asset_for(row.host, zone).key
        single = canonical_address(row.host)
        for address in addresses.get(asset, ()):
            if single in {None, address}:
                name = row.name or (None if single else row.host)
                yield Endpoint(asset, address, row.port, name, row.starttls)


def found_endpoints(
    database: Database, zone: str, vantage: str, addresses: Mapping[str, tuple[str, ...]], *, guess: bool = False
) -> Iterator[Endpoint]:
    """Open ports that speak TLS, as far as their services were probed or their numbers tell; printers never.

    Where TLS was once is asked until it is proved gone, also when the sweep finds the port closed.

    Args:
        database: where the sweep's facts are.
        zone: where the addresses mean something.
        vantage: from where it was looked.
        addresses: of the assets that may be asked.
        guess: whether open ports of which nobody knows what they speak are guesses.
    """
    found: dict[tuple[str, int, str | None], str | None] = {}
    guesses: set[tuple[str, int, str | None]] = set()
    # What was asked for its grade is known best; a certificate does not say how TLS began there.
    for asset, aspect, key, told in sorted(_present(database, zone, vantage), key=lambda row: _TRUSTED.index(row[1])):
        read = _swept(asset, key, told) if aspect == "ports" else _known(key, told)
        if read is not None:
            port, name, starttls = read
            found.setdefault((asset, port, name), starttls)
        elif guess and aspect == "ports" and _may_be_tls(key, told):
            guesses.add((asset, int(key.partition("/")[2]), None if canonical_address(asset) else asset))
    spoken = {(asset, port) for asset, port, _ in found}
    for (asset, port, name), starttls in found.items():
        for address in addresses.get(asset, ()):
            yield Endpoint(asset, address, port, name, starttls)
    for asset, port, name in sorted(guesses, key=lambda one: (one[0], one[1])):
        if (asset, port) not in spoken:
            for address in addresses.get(asset, ()):
                yield Endpoint(asset, address, port, name, guess=True)


def was_swept(database: Database, zone: str, vantage: str) -> bool:
    """Whether anybody ever looked which ports are open there."""
    query = select(RUN.c.seq).where(
        RUN.c.scan == "ports", RUN.c.zone == zone, RUN.c.vantage == vantage, RUN.c.state.in_(PUBLISHED)
    )
    with database.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def _present(database: Database, zone: str, vantage: str) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Asset, aspect, key and attributes of what is open, and of what spoke TLS."""
    seen_open = (FACT.c.aspect == "ports") & (FACT.c.sight == InSight.SEEN.value)
    with database.read() as connection:
        query = (
            select(ASSET.c.key, FACT.c.aspect, FACT.c.key.label("item"), FACT.c.value)
            .join(ASSET, ASSET.c.id == FACT.c.asset_id)
            .where(
                holds(FACT, hidden(connection)),
                FACT.c.present,
                seen_open | FACT.c.aspect.in_(_TRUSTED[::2]),
                FACT.c.vantage == vantage,
                ASSET.c.zone == zone,
            )
            .order_by(ASSET.c.key, FACT.c.key)
        )
        rows = connection.execute(query).all()
    for asset, aspect, key, value in rows:
        yield asset, aspect, key, dict(value_of(value))


def known_files(database: Database, zone: str, vantage: str) -> Mapping[str, tuple[str, ...]]:
    """By asset: the keys of its certificate files that are there as far as anybody knows."""
    found: dict[str, list[str]] = {}
    with database.read() as connection:
        query = (
            select(ASSET.c.key, FACT.c.key.label("item"))
            .join(ASSET, ASSET.c.id == FACT.c.asset_id)
            .where(
                holds(FACT, hidden(connection)),
                FACT.c.present,
                FACT.c.aspect == "certificate",
                FACT.c.key.startswith(f"{FILES}/"),
                FACT.c.vantage == vantage,
                ASSET.c.zone == zone,
            )
            .order_by(ASSET.c.key, FACT.c.key)
        )
        for asset, key in connection.execute(query):
            found.setdefault(asset, []).append(key)
    return {asset: tuple(keys) for asset, keys in found.items()}


def _swept(asset: str, key: str, told: Mapping[str, str]) -> tuple[int, str | None, str | None] | None:
    """Port, name and protocol around TLS of an open port, or None where no TLS is to be expected."""
    family, _, number = key.partition("/")
    if family != "tcp" or int(number) in _NEVER:
        return None
    port = int(number)
    speaks = told.get("tunnel") == "ssl" or told.get("service") in _SERVICES or port in IMPLICIT
    starttls = told["service"] if told.get("service") in _SWITCHING else STARTTLS.get(port)
    if not speaks and starttls is None:
        return None
    return port, None if canonical_address(asset) else asset, None if speaks else starttls


def _may_be_tls(key: str, told: Mapping[str, str]) -> bool:
    """Whether nothing says what an open port speaks."""
    family, _, number = key.partition("/")
    return family == "tcp" and int(number) not in _NO_GUESS and told.get("service", "unknown") in _UNKNOWN


def _known(key: str, told: Mapping[str, str]) -> tuple[int, str | None, str | None] | None:
    """The same of a fact of TLS: that there is an endpoint, or that it shows a certificate."""
    parts = key.split("/")
    family, item = parts[0], parts[3:]
    if (family, item) == ("tls", [ENDPOINT]):
        starttls = told.get("starttls")
    elif (family, item) == ("certificate", []) and len(parts) == 3 and not key.endswith("+other"):
        starttls = STARTTLS.get(int(parts[1]))
    else:
        return None
    return int(parts[1]), None if parts[2] == "-" else parts[2], starttls
