"""What an estate's owners declared to be right: the yardstick that turns facts into findings."""

from typing import Protocol

from estate.assets import Asset
from estate.coverage import Keys


class Policy(Protocol):
    """What is expected of whom; `sha256` names the version, so that its changes are told from the estate's."""

    @property
    def sha256(self) -> str:
        """The version."""

    def expected(self, asset: Asset) -> Keys:
        """What may answer on this asset, by name, tag or network."""

    def required(self, asset: Asset) -> Keys:
        """What was declared for this very asset, and so should answer."""

    def owner(self, asset: Asset) -> str:
        """Who looks after it, or an empty string."""

    def criticality(self, asset: Asset) -> str:
        """`low`, `normal`, `high` or `critical`."""
