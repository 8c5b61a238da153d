"""Read an engine's JSON without trusting its shape: what is missing or of another kind reads as nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 1_000
MOST = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class Told:
    """One JSON value. It has no text of its own, so that no log ever shows what an inspection holds."""

    value: object

    def __getitem__(self, name: str) -> "Told":
        return Told(self.value.get(name)) if isinstance(self.value, dict) else Told(None)

    @property
    def text(self) -> str:
        """A string of bounded length that any encoder takes; a number as it is spelled."""
        if isinstance(self.value, str):
            return self.value[:LONGEST].encode("utf-8", "replace").decode()
        return str(self.number) if self.number else ""

    @property
    def number(self) -> int:
        """A whole number, else 0."""
        return self.value if isinstance(self.value, int) and not isinstance(self.value, bool) else 0

    @property
    def flag(self) -> bool:
        """Only `true` is true."""
        return self.value is True

    @property
    def each(self) -> tuple["Told", ...]:
        """A list's items, the first ten thousand of them."""
        return tuple(Told(one) for one in self.value[:MOST]) if isinstance(self.value, list) else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """A list's strings."""
        return tuple(text for one in self.each if (text := one.text))

    @property
    def pairs(self) -> Iterator[tuple[str, "Told"]]:
        """An object's members, by name, the first ten thousand of them."""
        if isinstance(self.value, dict):
            for name in sorted(self.value)[:MOST]:
                yield Told(name).text, Told(self.value[name])

    @property
    def is_empty_list(self) -> bool:
        """Whether it is `[]`, which says more than being absent."""
        return self.value == []
