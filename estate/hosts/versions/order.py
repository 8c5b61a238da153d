"""What the three orders of versions share: a key that compares, and numbers of any length."""

Key = tuple[object, ...]


class BadVersion(ValueError):
    """Text that the package manager would not take for a version."""


def number(digits: str) -> tuple[int, str]:
    """Digits as a value that sorts as their number: no number is too long, as it would be for `int`."""
    stripped = digits.lstrip("0")
    return len(stripped), stripped
