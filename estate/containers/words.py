"""How people call what a container scan looks at, and why it could not."""

from collections.abc import Iterable, Iterator, Mapping

FAMILIES: Mapping[str, tuple[str, str]] = {
    "image": ("image", "images"),
    "container": ("container", "containers"),
    "vuln": ("known vulnerability", "known vulnerabilities"),
    "secret": ("secret", "secrets"),
    "config": ("problem of configuration", "problems of configuration"),
    "problem": ("distribution past its end", "distributions past their end"),
}
"""One and many, in the order in which they are told."""

REASONS: Mapping[str, str] = {
    "no-database": "Trivy's database proves nothing",
    "no-os": "no distribution was recognised",
    "no-tool": "Trivy is not installed",
    "too-old": "Trivy is too old",
    "unreachable": "the engine does not answer",
    "no-privilege": "the engine may not be asked",
    "timeout": "it took too long",
    "not-asked": "nobody asked for it",
}


def counted(keys: Iterable[str]) -> Iterator[str]:
    """`3 images`, for each family that people count."""
    found: dict[str, int] = {}
    for key in keys:
        family = key.partition("/")[0]
        found[family] = found.get(family, 0) + 1
    for family, (one, many) in FAMILIES.items():
        if family in found:
            yield f"{found[family]:,} {one if found[family] == 1 else many}"


def unseen(reason: str, keys: Iterable[str]) -> str:
    """What could not be assessed for one reason, in a line."""
    families = dict.fromkeys(key.partition("/")[0] for key in keys)
    named = [FAMILIES[family][1] if family in FAMILIES else family for family in families]
    return f"{REASONS.get(reason, reason)}: {', '.join(named)}"
