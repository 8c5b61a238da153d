"""What settlement must know of images."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from estate.assets import Asset
from estate.containers.image_findings import finding, same_image
from estate.containers.image_shard import ImageShard, sights
from estate.diff import Fact
from estate.evidence import Document, Notes
from estate.findings import Ruling
from estate.observations import Sight
from estate.policy import Policy
from estate.store.detections import detection_of
from estate.store.quiet_scan import QuietScan


class ImageScan(QuietScan):
    """Images: what is in them, and which of it is known to be wrong."""

    name = "images"
    kind = "image"
    aspect = "image"
    nothing = "none"

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:  # noqa: ARG002  # nothing is listed twice
        """See `estate.containers.image_shard.sights`."""
        return sights(ImageShard.from_json(plan), documents, notes)

    def unmoved(self, key: str, facts: Mapping[str, Fact], sight: Sight) -> bool:
        """What is wrong rests on the image, which is the very one as before, and on what the world knows."""
        before = {known: fact.value for known, fact in facts.items() if fact.present}
        return same_image(key, before, sight.present)

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """What is wrong is a finding as long as it is there."""
        ruling = finding(asset, key, fact.value, detection_of(fact))
        return [ruling] if ruling else []
