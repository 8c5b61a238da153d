"""A shard of a host audit: which hosts are visited and how, and what their evidence proves, host by host."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from estate.assets import canonical_address
from estate.errors import BadReport
from estate.evidence import Document, Notes, read_bounded
from estate.hosts.evidence import read_collected, read_visit
from estate.hosts.host import Host, Visit
from estate.hosts.reading import ASKED, host_reading
from estate.hosts.vulnerabilities import DOCUMENT
from estate.hosts.words import REASONS
from estate.intel.knowledge import MOST_BYTES
from estate.observations import Reading, Sight, merge
from estate.text import printable

_TOO_MUCH = f"a document of {DOCUMENT} has more than {MOST_BYTES:,} bytes"

Via = Literal["local", "ssh", "docker"]
Sudo = Literal["no", "pinned", "full"]
Level = Literal["standard", "cloud"]


@dataclass(frozen=True, slots=True)
class Target:
    """One host and the way in. Keys and passwords are never in it: files are named, agents are found.

    Args:
        asset: the key of the host's asset.
        via: `local`, `ssh` or `docker`.
        name: what ssh's configuration and known_hosts call it: a name, or an address where it has none.
        address: where ssh connects to, admitted by the scope; empty leaves it to the client's configuration.
        port: ssh's port; 0 leaves it to the client's configuration.
        user: who logs in; empty leaves it to the client's configuration.
        sudo: `no`, `pinned` (the collector that sudoers names by its digest) or `full` (a root shell).
        identity: a private key's file.
        known_hosts: a file of host keys and authorities.
        config: an ssh_config file.
        container: a container's name, for `docker`.
        level: `standard`, or `cloud` to see from there whether the metadata service answers without a token.
    """

    asset: str
    via: Via
    name: str = ""
    address: str = ""
    port: int = 0
    user: str = ""
    sudo: Sudo = "no"
    identity: str = ""
    known_hosts: str = ""
    config: str = ""
    container: str = ""
    level: Level = "standard"


@dataclass(frozen=True, slots=True)
class HostShard:
    """Hosts that one worker visits."""

    targets: tuple[Target, ...]
    addresses: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())
    """By asset, the addresses that stand for it."""

    def to_json(self) -> str:
        """The plan as it is stored with the run."""
        told = {"targets": [asdict(one) for one in self.targets], "addresses": self.addresses}
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "HostShard":
        """Read a stored plan."""
        plan = json.loads(text)
        addresses = tuple((asset, tuple(found)) for asset, found in plan["addresses"])
        return cls(tuple(Target(**one) for one in plan["targets"]), addresses)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def bindings(self) -> dict[str, tuple[str, ...]]:
        """The addresses of every asset that has a name."""
        return {asset: found for asset, found in self.addresses if found and canonical_address(asset) is None}


def sights(shard: HostShard, documents: Sequence[Document], notes: Notes) -> Iterator[Sight]:
    """Yield each host once, with everything the documents prove of it.

    Raises:
        BadReport: a document that cannot be read.
    """
    levels = {target.asset: target.level for target in shard.targets}
    assets = sorted(levels)
    readings: dict[str, list[Reading]] = {asset: [] for asset in assets}
    intel = {
        document.media: read_bounded(document.stream, MOST_BYTES, _TOO_MUCH)
        for document in documents
        if document.media == DOCUMENT
    }
    for document in documents:
        if document.media == DOCUMENT:
            continue
        if document.media != "host":
            raise BadReport(f"no reader for {document.media} among the evidence of hosts")
        visit = read_visit(document.stream)
        if visit.asset not in readings:
            notes.outside += 1
            continue
        if visit.error or visit.detail:
            notes.remarks.add(remark(visit))
        collected = read_collected(document.companion, visit.nonce)
        readings[visit.asset].append(host_reading(Host(visit, collected, intel), document.look))
    for asset in assets:
        yield merge(asset, ASKED[levels[asset]], readings[asset], "no-evidence")


def remark(visit: Visit) -> str:
    """What went otherwise than wished on the way in, for the operator."""
    words = (REASONS.get(visit.error, visit.error), printable(visit.detail, 300))
    return f"{visit.asset}: {': '.join(word for word in words if word)}"
