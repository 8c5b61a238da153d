"""What settlement must know of running containers."""

from collections.abc import Collection, Iterator, Sequence

from estate.assets import Asset
from estate.containers.runtime.reading import EngineShard, finding, sights
from estate.diff import Fact
from estate.evidence import Document, Notes
from estate.findings import Ruling
from estate.observations import Sight
from estate.policy import Policy
from estate.store.detections import detection_of
from estate.store.quiet_scan import QuietScan


class ContainerScan(QuietScan):
    """Containers of an engine, and how each of them is run."""

    name = "containers"
    kind = "container"
    aspect = "runtime"

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:  # noqa: ARG002  # nothing is listed twice
        """See `estate.containers.runtime.reading.sights`."""
        return sights(EngineShard.from_json(plan), documents, notes)

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """A failed check is a finding as long as it fails."""
        ruling = finding(asset, key, fact.value, detection_of(fact))
        return [ruling] if ruling else []
