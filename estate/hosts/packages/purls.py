"""Names of packages as package URLs without their version: what stays the same when a package is updated.

https://github.com/package-url/purl-spec
"""

import hashlib
import re
from urllib.parse import quote

_LONGEST = 900
_PYTHON_NAME = re.compile(r"[-_.]+")


def purl(kind: str, namespace: str, name: str, **qualifiers: str) -> str:
    """Spell a package URL; one that is too long for a key keeps its beginning and bears a digest of the whole."""
    parts = [*filter(None, namespace.split("/")), name]
    spelled = f"pkg:{kind}/{'/'.join(_encoded(part) for part in parts)}"
    asked = "&".join(f"{key}={_encoded(value, '/:')}" for key, value in sorted(qualifiers.items()) if value)
    whole = f"{spelled}?{asked}" if asked else spelled
    if len(whole) <= _LONGEST:
        return whole
    return f"{whole[:_LONGEST]}~{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def python_name(name: str) -> str:
    """A Python project's name as the index spells it (PEP 503)."""
    return _PYTHON_NAME.sub("-", name).lower()


def _encoded(text: str, safe: str = "") -> str:
    # A colon is part of no name that has a meaning here, and may stay; `~` is left alone by `quote` already.
    return quote(text.encode("utf-8", "surrogateescape"), safe=f"{safe}:" if safe else "")
