"""How often Python looks for cycles of garbage where millions of values are made that form none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 1_000_000
"""Values made since the last search. Python's own 700 make searching a third of what a large settlement costs."""


@contextmanager
def rarely_searched() -> Iterator[None]:
    """Search only now and then for as long as the block runs."""
    before = gc.get_threshold()
    gc.set_threshold(MANY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def search_young() -> None:
    """Search what was made since the last time: a large statement leaves cycles of many thousand values behind."""
    gc.collect(1)
