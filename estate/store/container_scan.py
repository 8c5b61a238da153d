"""What settlement must know of running containers."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from estate.assets import Asset
from estate.containers.runtime.reading import EngineShard, finding, sights
from estate.diff import Change, Fact, Kind
from estate.evidence import Document, Notes
from estate.findings import Ruling
from estate.observations import Sight
from estate.policy import Policy
from estate.store.detections import detection_of


class ContainerScan:
    """Containers of an engine, and how each of them is run."""

    name = "containers"
    kind = "container"
    aspect = "runtime"

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:  # noqa: ARG002  # nothing is listed twice
        """See `estate.containers.runtime.reading.sights`."""
        return sights(EngineShard.from_json(plan), documents, notes)

    def bindings(self, plan: str) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002  # the protocol's signature
        """A container is known by its name alone."""
        return {}

    def fold(self, sight: Sight, facts: Mapping[str, Fact]) -> Sight:  # noqa: ARG002  # the protocol's signature
        """There is no noise."""
        return sight

    def unmoved(self, key: str, facts: Mapping[str, Fact], sight: Sight) -> bool:  # noqa: ARG002  # the protocol's signature
        """How a container is run is a thing itself."""
        return False

    def explain(self, change: Change) -> str:
        """What is other than before, by its values."""
        if change.kind is Kind.CHANGED and change.before and change.after:
            old, new = dict(change.before.value), dict(change.after.value)
            different = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
            return "; ".join(f"{name}: {old[name]} → {new[name]}" for name in different)
        return change.reason

    def moved(self, change: Change) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """Nothing by itself: another image is what a deployment is for."""
        return []

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """A failed check is a finding as long as it fails."""
        ruling = finding(asset, key, fact.value, detection_of(fact))
        return [ruling] if ruling else []

    def owed(self, asset: Asset, sight: Sight, facts: Mapping[str, Fact], policy: Policy) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """Nothing is expected of a container yet."""
        return []

    def retired(self, rule: str, asset: Asset, locator: str, policy: Policy) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """No policy makes a failed check right."""
        return []
