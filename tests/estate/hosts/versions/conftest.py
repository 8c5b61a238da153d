import random
from collections.abc import Callable

import pytest

Spell = Callable[[int, str, str], list[str]]


@pytest.fixture
def spelled() -> Spell:
    """So many versions that a seeded dice makes: of characters, and with the marks that managers put between parts."""

    def spell(count: int, characters: str, marks: str) -> list[str]:
        dice = random.Random(20260504)
        made: set[str] = set()
        while len(made) < count:
            upstream = "".join(dice.choices(characters, k=dice.randint(1, 7)))
            epoch = dice.choice(("", "", "", "0:", "1:", "12:"))
            rest = "".join(dice.choices(characters, k=dice.randint(1, 4)))
            made.add(f"{epoch}{dice.randint(0, 3)}{upstream}" + dice.choice(("", f"{marks}{rest}")))
        return sorted(made)

    return spell
