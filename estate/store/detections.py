"""What the state of a fact says of a problem that consists in its presence."""

from estate.diff import Fact, InSight
from estate.findings import Detection


def detection_of(fact: Fact) -> Detection:
    """Present, doubtful, absent, or out of sight."""
    if not fact.present:
        return Detection.ABSENT
    if fact.sight is not InSight.SEEN:
        return Detection.UNOBSERVED
    return Detection.SUSPECTED_ABSENT if fact.misses else Detection.PRESENT
