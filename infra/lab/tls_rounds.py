"""Rounds of TLS in a small estate: what endpoints that do not exist would have said, settled like any run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, DNSName

from estate.evidence import Document
from estate.store.runs import Stored, add_evidence, end_shard, open_run
from estate.store.settlement import Settled
from estate.tls.evidence import Profile
from estate.tls.shard import Endpoint, TlsShard
from infra.lab.small_estate import SmallEstate
from infra.lab.tls.authority import Authority, Issuer, Key, ec_key, leaf
from infra.lab.tls_documents import GONE, document

Said = Mapping[str, object]
DARK = ("protocols", "checks", "modern", "hsts", "certificates", "curves", "client_certificate")
"""What nobody knows of an endpoint that spoke no TLS."""
_NAMES = count()


@cache
def authority() -> Authority:
    """Whom these endpoints have their certificates from."""
    return Authority()


def roots() -> str:
    """PEM of the root."""
    return pem(authority().root.certificate)


def pem(certificate: Certificate) -> str:
    """As documents spell it."""
    return certificate.public_bytes(Encoding.PEM).decode()


def chain(name: str, key: Key | None = None, by: Issuer | None = None, **more: Any) -> list[str]:
    """A leaf for the name with the intermediate above it, leaf first."""
    issuer = by or authority().intermediate
    made = leaf(issuer, [DNSName(name)], key or ec_key(), **more)
    return [pem(made), pem(issuer.certificate)]


def silence(outcome: str = "silent") -> Said:
    """The changes that make an endpoint one which spoke no TLS."""
    return {**dict.fromkeys(DARK, GONE), "hello": {"outcome": outcome}}


def shown(served: Sequence[str], *more: Sequence[str]) -> Said:
    """The changes that make it show these chains."""
    deployments = [{"with_sni": True, "chain": list(each)} for each in (served, *more)]
    return {"certificates": {"state": "known", "deployments": deployments}}


def spoken(endpoint: Endpoint, at: datetime, said: Said, profile: Profile = "full") -> dict[str, object]:
    """The document of an endpoint."""
    asked = {
        "address": endpoint.address,
        "port": endpoint.port,
        "name": endpoint.name,
        "starttls": endpoint.starttls,
        "profile": profile,
    }
    written = document({"asked": asked, "started": at.astimezone(UTC).isoformat().replace("+00:00", "Z"), **said})
    certificates: Any = written.get("certificates", {})
    for deployment in certificates.get("deployments", ()):
        deployment["with_sni"] = endpoint.name is not None
    return written


def told_by(endpoint: Endpoint, at: datetime, said: Said, profile: Profile = "full", look: int = 0) -> Document:
    """The same as settlement hands it to a reader."""
    return Document("tls", look, BytesIO(json.dumps(spoken(endpoint, at, said, profile)).encode()))


def settle_tls(
    estate: SmallEstate,
    at: datetime,
    told: Mapping[Endpoint, Said | None],
    *looks: Mapping[Endpoint, Said],
    scan: str = "tls",
    profile: Profile = "full",
) -> Settled:
    """Settle a run with one shard: what each endpoint said at the first look, and at others; None said nothing."""
    shard = TlsShard(tuple(told), "certificate" if scan == "certificates" else profile, roots())
    number = next(_NAMES)
    more: dict[str, Any] = {
        "scan": scan,
        "looked_at": at,
        "profile": replace(estate.profile, keys=f"tls/{shard.profile}"),
        "engine": "sslyze 6.3.1",
    }
    run = open_run(estate.database, estate.new_run(f"tls-{number}", shards=(shard.to_json(),), **more), estate.now)
    for look, said in enumerate((told, *looks)):
        for nth, (endpoint, each) in enumerate(said.items()):
            if each is not None:
                path = estate.path / f"tls-{number}-{look}-{nth}.json"
                path.write_text(json.dumps(spoken(endpoint, at, each, shard.profile)))
                add_evidence(
                    estate.database, run.seq or 0, [Stored(0, look, "tls", estate.folder.put(path))], estate.now
                )
    end_shard(estate.database, run.seq or 0, 0)
    return estate.settler().settle(run)
