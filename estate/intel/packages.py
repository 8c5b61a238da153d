"""A package as vulnerability databases are asked for it."""

from typing import NamedTuple


class Asked(NamedTuple):
    """One version of one package of one ecosystem, all spelled as OSV does."""

    ecosystem: str
    name: str
    version: str
