"""A shard of a TLS round: which endpoints are asked, and what their evidence proves, asset by asset."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import cast

from estate.certificates.reading import read_certificates
from estate.certificates.sources import Source
from estate.certificates.trust import TrustStore
from estate.coverage import NOTHING, Keys
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.observations import Reading, Sight, merge
from estate.tls.evidence import Profile, TlsEvidence, read_tls
from estate.tls.facts import Second, endpoint_reading, guess_reading, join_endpoints, speaks_tls
from estate.tls.judging import judge_endpoint
from estate.tls.keys import ENDPOINT, asked_keys, key_of
from estate.tls.ssllabs import MEDIA, PORT, Opinion, read_ssllabs


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Where TLS is or should be: an asset's address and port, the name to ask for, and the protocol around it.

    A `guess` is an open port of which nobody knows what it speaks: one that speaks no TLS leaves nothing to tell.
    """

    asset: str
    address: str
    port: int
    name: str | None = None
    starttls: str | None = None
    guess: bool = False


@dataclass(frozen=True, slots=True)
class TlsShard:
    """Endpoints, how much is asked of each, and the operator's own roots (PEM): evidence is judged alike later.

    Of the names in `second` SSL Labs is asked as well.
    A round of certificates also reads files, which have shards of their own: there are `sources`, and no endpoints.
    """

    endpoints: tuple[Endpoint, ...]
    profile: Profile
    roots: str = ""
    second: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    def to_json(self) -> str:
        """The plan as it is stored with the run."""
        plan: dict[str, object] = {
            "endpoints": [asdict(one) for one in self.endpoints],
            "profile": self.profile,
            "roots": self.roots,
        }
        if self.second:
            plan["second"] = self.second
        if self.sources:
            plan["sources"] = [asdict(one) for one in self.sources]
        return json.dumps(plan, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "TlsShard":
        """Read a stored plan."""
        plan = json.loads(text)
        endpoints = tuple(Endpoint(**one) for one in plan["endpoints"])
        sources = tuple(
            Source(**{**one, "paths": tuple(one["paths"]), "known": tuple(one["known"])})
            for one in plan.get("sources", ())
        )
        return cls(endpoints, cast("Profile", plan["profile"]), plan["roots"], tuple(plan.get("second", ())), sources)

    def __len__(self) -> int:
        return len(self.endpoints) + len(self.sources)

    def at(self, evidence: TlsEvidence) -> Endpoint | None:
        """The endpoint that a document speaks of."""
        asked = evidence.asked
        told = (asked.address, asked.port, asked.name, asked.starttls)
        return next((one for one in self.endpoints if (one.address, one.port, one.name, one.starttls) == told), None)

    def is_asked_twice(self, endpoint: Endpoint) -> bool:
        """Whether SSL Labs is asked about it too."""
        return endpoint.name in self.second and endpoint.port == PORT and endpoint.starttls is None


@lru_cache(maxsize=8)
def trust_store(roots: str) -> TrustStore:
    """Mozilla's roots and these."""
    return TrustStore.of(read_certificates(roots.encode()) if roots else ())


def sights(shard: TlsShard, documents: Sequence[Document], notes: Notes) -> Iterator[Sight]:
    """Yield each asset once, with everything the documents prove of its endpoints.

    Raises:
        BadReport: a document that cannot be read.
    """
    roots = trust_store(shard.roots)
    readings: dict[tuple[str, str], list[Reading]] = {}
    spoken: set[Endpoint] = set()
    second = [read_ssllabs(document.stream) for document in documents if document.media == MEDIA]
    opinions = {opinion.name: opinion for opinion in second}
    for document in documents:
        if document.media == MEDIA:
            continue
        if document.media != "tls":
            raise BadReport(f"no reader for {document.media} among TLS evidence")
        evidence = read_tls(document.stream)
        endpoint = shard.at(evidence)
        if endpoint is None:
            notes.outside += 1
            continue
        if endpoint.guess and not speaks_tls(evidence):
            reading = guess_reading(endpoint.asset, evidence, document.look)
            readings.setdefault((endpoint.asset, endpoint.address), []).append(reading)
            continue
        spoken.add(endpoint)
        rating = judge_endpoint(evidence, roots, evidence.started).rating
        opinion = _opinion(opinions, endpoint) if shard.is_asked_twice(endpoint) else None
        reading = endpoint_reading(endpoint.asset, evidence, rating, document.look, opinion)
        readings.setdefault((endpoint.asset, endpoint.address), []).append(reading)
    for asset in sorted({one.asset for one in shard.endpoints}):
        mine = [one for one in shard.endpoints if one.asset == asset]
        parts = [
            merge(asset, _asked(found, shard, spoken), readings.get((asset, address), ()), "no-evidence")
            for address, found in by_address(mine)
        ]
        yield join_endpoints(asset, _asked(mine, shard, spoken), parts)


def by_address(endpoints: Iterable[Endpoint]) -> list[tuple[str, list[Endpoint]]]:
    """The endpoints of each address, by address."""
    found: dict[str, list[Endpoint]] = {}
    for one in endpoints:
        found.setdefault(one.address, []).append(one)
    return sorted(found.items())


def _asked(endpoints: Iterable[Endpoint], shard: TlsShard, spoken: Collection[Endpoint]) -> Keys:
    """Of a guess that was wrong nothing was asked but whether TLS is spoken at all."""
    union = NOTHING
    for one in endpoints:
        if one.guess and one not in spoken:
            union |= Keys.of((key_of(one.port, one.name, ENDPOINT),))
            continue
        union |= asked_keys(one.port, one.name, shard.profile, twice=shard.is_asked_twice(one))
    return union


def _opinion(opinions: Mapping[str, Opinion], endpoint: Endpoint) -> Second:
    found = opinions.get(endpoint.name or "")
    return found.at(endpoint.address) if found else "was not asked"
