"""What is planted on the lab host `bad`: problems that have to be found, and decoys that look like one and are none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing done to a host.

    Args:
        what: in words.
        how: the shell script that does it, as root, inside; empty where a plain host is like that.
        check: the check that has to fail, or for a decoy, must not.
        resource: where; `*` stands for any text. A decoy is told apart by `decoy`.
        decoy: whether nothing may be reported.
    """

    what: str
    how: str
    check: str
    resource: str
    decoy: bool = False


def planted(kind: str) -> tuple[Planted, ...]:
    """What belongs to a kind of host, in the order in which it is done."""
    return ()
