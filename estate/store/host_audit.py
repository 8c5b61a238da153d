"""What settlement must know of host audits."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from estate.assets import Asset
from estate.diff import Change, Fact, Kind
from estate.evidence import Document, Notes
from estate.findings import Ruling
from estate.hosts import findings
from estate.hosts.shard import HostShard, sights
from estate.observations import Sight
from estate.policy import Policy
from estate.store.detections import detection_of
from estate.store.quiet_scan import QuietScan

_NEW = {Kind.APPEARED, Kind.REAPPEARED}


class HostAudit(QuietScan):
    """Hosts: what they run, who can get in, and who can become root."""

    name = "hosts"
    kind = "host"
    aspect = "host"

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:  # noqa: ARG002  # nothing is listed twice
        """See `estate.hosts.shard.sights`."""
        return sights(HostShard.from_json(plan), documents, notes)

    def bindings(self, plan: str) -> Mapping[str, tuple[str, ...]]:
        """As planned."""
        return HostShard.from_json(plan).bindings

    def unmoved(self, key: str, facts: Mapping[str, Fact], sight: Sight) -> bool:
        """A known vulnerability rests on its package, which is as before, and on what the world knows."""
        family, _, item = key.partition("/")
        before = {known: fact.value for known, fact in facts.items() if fact.present}
        return family in findings.RATED and findings.same_packages(item.partition(":")[0], before, sight.present)

    def moved(self, change: Change) -> list[Ruling]:
        """Access that was not there when it was last proved."""
        if change.after is None or not (change.kind in _NEW or change.kind is Kind.CHANGED):
            return []
        before = change.before.value if change.before and change.before.present else ()
        return list(findings.drift(change.asset, change.key, before, change.after.value))

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """A failed check is a finding as long as it fails; new access, as long as it is there."""
        ruling = findings.finding(asset, key, fact.value, detection_of(fact))
        return [ruling] if ruling else []
