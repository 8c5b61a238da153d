"""The collector that runs on hosts: its parts in order, as one script, and the digest by which sudo may pin it."""

import hashlib
from functools import lru_cache
from pathlib import Path

_PARTS = ("head", "packages", "privilege", "access", "hardening", "tail")


@lru_cache(maxsize=1)
def collector() -> bytes:
    """The whole script."""
    here = Path(__file__).parent
    return b"#!/bin/sh\n" + b"".join((here / f"{part}.sh").read_bytes() for part in _PARTS)


def digest() -> str:
    """Its sha256, in hexadecimal."""
    return hashlib.sha256(collector()).hexdigest()
