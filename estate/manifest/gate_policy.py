"""Reading the file that says what a gate asks of images."""

from estate.containers.policy import GatePolicy
from estate.manifest.strictly import read_strictly


def load_policy(text: str, source: str) -> GatePolicy:
    """Read the file's text.

    Raises:
        BadInput: with every mistake on a line of its own, as `file, line N: field: what is wrong`.
    """
    return read_strictly(text, source, GatePolicy, hidden=("logins",))
