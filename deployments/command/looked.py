"""What a check of `doctor` says."""

from dataclasses import dataclass
from typing import TypedDict

from estate.errors import CouldNotLook


class CheckObject(TypedDict):
    """One check as JSON prints it."""

    name: str
    ok: bool
    needed: bool
    told: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Without a `needed` one no scan ends well: it would exit with `code`. What is not needed is worth knowing.
    """

    name: str
    ok: bool
    told: str
    needed: bool = True
    code: int = CouldNotLook.exit_code

    def to_object(self) -> CheckObject:
        """As JSON prints it."""
        return {"name": self.name, "ok": self.ok, "needed": self.needed, "told": self.told}
