"""What a scan says where it has nothing to say of its own."""

from collections.abc import Mapping

from estate.assets import Asset
from estate.diff import Change, Fact, Kind
from estate.findings import Ruling
from estate.observations import Sight, differences
from estate.policy import Policy


class QuietScan:
    """No addresses, noise, knowledge, movement or expectation: each scan says otherwise only where it has any."""

    nothing = ""
    """How an empty value is spelled where one is told beside another."""

    def bindings(self, plan: str) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002  # the protocol's signature
        """The asset is known by its name alone."""
        return {}

    def fold(self, sight: Sight, facts: Mapping[str, Fact]) -> Sight:  # noqa: ARG002  # the protocol's signature
        """There is no noise."""
        return sight

    def explain(self, change: Change) -> str:
        """What is other than before, by its values; else the evidence's own reason."""
        if change.kind is Kind.CHANGED and change.before and change.after:
            return differences(change.before.value, change.after.value, self.nothing)
        return change.reason

    def unmoved(self, key: str, facts: Mapping[str, Fact], sight: Sight) -> bool:  # noqa: ARG002  # the protocol's signature
        """What was seen is a thing itself."""
        return False

    def moved(self, change: Change) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """A change means nothing beside the state that it leads to."""
        return []

    def owed(self, asset: Asset, sight: Sight, facts: Mapping[str, Fact], policy: Policy) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """Nothing is expected yet."""
        return []

    def retired(self, rule: str, asset: Asset, locator: str, policy: Policy) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """No policy makes wrong right."""
        return []
