"""Which layers of an image are its base and which the application's, and how that is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Part = Literal["base", "application", "unknown"]
LABEL_NAME = "org.opencontainers.image.base.name"
LABEL_DIGEST = "org.opencontainers.image.base.digest"
"""https://github.com/opencontainers/image-spec/blob/main/annotations.md"""


@dataclass(frozen=True, slots=True)
class Base:
    """An image that others may be built on."""

    name: str
    layers: tuple[str, ...]
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Attribution:
    """How many of the lowest layers are the base; `source` is `layers`, `label`, `history`, or empty: nobody knows."""

    count: int = 0
    name: str = ""
    source: str = ""


def attribute(
    layers: Sequence[str], bases: Iterable[Base], name: str = "", digest: str = "", guessed: int = 0
) -> Attribution:
    """Tell the base from the application.

    The longest known image whose layers are the lowest ones proves it; then the image's own label, whose layers are
    known by its digest or else guessed; then the history: everything up to the CMD of an earlier image.
    """
    known = [base for base in bases if _is_below(base.layers, layers)]
    if known:
        # Of equals the one that the label means, then by name: the order of a list must not show.
        best = min(known, key=lambda base: (-len(base.layers), not digest or base.digest != digest, base.name))
        return Attribution(len(best.layers), best.name, "layers")
    if name or digest:
        return Attribution(guessed if guessed < len(layers) else 0, name or digest, "label")
    return Attribution(guessed, "", "history") if 0 < guessed < len(layers) else Attribution()


def part_of(layer: str, layers: Sequence[str], attribution: Attribution) -> Part:
    """To which part a layer belongs, by its DiffID."""
    if not attribution.count or layer not in layers:
        return "unknown"
    return "base" if layers.index(layer) < attribution.count else "application"


def guess_base(history: Iterable[tuple[str, bool]]) -> int:
    """How many layers lie up to the CMD of an earlier image, as Trivy guesses it.

    See `GuessBaseImageIndex` in https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/image/image.go.

    Args:
        history: per entry, lowest first, what it was made by and whether it made no layer.
    """
    entries = list(history)
    last = max((at for at, (_, empty) in enumerate(entries) if not empty), default=-1)
    for at in range(last - 1, -1, -1):
        if is_command(*entries[at]):
            return sum(not empty for _, empty in entries[:at])
    return 0


def is_command(made_by: str, empty: bool) -> bool:
    """Whether an entry of a history sets the command, as the classic builder and BuildKit spell it."""
    return empty and made_by.startswith(("/bin/sh -c #(nop)  CMD", "CMD"))


def _is_below(base: Sequence[str], layers: Sequence[str]) -> bool:
    return 0 < len(base) < len(layers) and tuple(base) == tuple(layers[: len(base)])
