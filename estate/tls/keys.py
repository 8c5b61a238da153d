"""How the facts of a TLS endpoint are named: `tls/<port>/<name>/<item>`, with `-` where no SNI was sent.

The subject of a fact is the asset; its address is none of the key's business, since names move. Items are

* `endpoint`: TLS is spoken at all, with what a client of today gets;
* `grade`: the grade, with the rules that made it, and the strictest of Mozilla's guidelines that is met;
* `protocol/<version>` and `check/<name>`: offered or there, in the words of the evidence;
* `hsts`: browsers are told to come back encrypted only;
* `weakness/<rule>`: what is wrong and is not simply one of the above (a missing TLS 1.3, RC4 among the suites).

Each thing has one key, so that switching TLS 1.1 on is two changes: `protocol/TLS1.1` appears and `grade` changes.
Whatever is a finding consists in the presence of its key, which is also the finding's locator: endpoint, SNI and rule.
"""

from estate.coverage import Keys
from estate.tls.evidence import CHECKS, GRADED_CHECKS, VERSIONS, Profile
from estate.tls.rules import SECOND_OPINION, WEAKNESSES

FAMILY = "tls"
ENDPOINT, GRADE, HSTS = "endpoint", "grade", "hsts"
DIFFERS = f"weakness/{SECOND_OPINION.name}"
"""Only asked of names about which SSL Labs is asked as well."""

_ALWAYS = (ENDPOINT,)
_WATCHED = (
    GRADE,
    HSTS,
    *(f"protocol/{version}" for version in VERSIONS),
    *(f"check/{name}" for name in GRADED_CHECKS),
    *(item for item in WEAKNESSES if item.startswith("weakness/")),
)
_ITEMS: dict[Profile, tuple[str, ...]] = {
    "certificate": _ALWAYS,
    "watch": (*_ALWAYS, *_WATCHED),
    "full": (*_ALWAYS, *_WATCHED, *(f"check/{name}" for name in CHECKS if name not in GRADED_CHECKS)),
}


def key_of(port: int, name: str | None, item: str) -> str:
    """The key of one item of one endpoint."""
    return f"{FAMILY}/{port}/{name or '-'}/{item}"


def asked_keys(port: int, name: str | None, profile: Profile, *, twice: bool = False) -> Keys:
    """Everything that a look with this profile asks of an endpoint, `twice` where SSL Labs is asked too."""
    items = (*_ITEMS[profile], DIFFERS) if twice else _ITEMS[profile]
    return Keys.of(key_of(port, name, item) for item in items)


def split_key(key: str) -> tuple[str, str, str] | None:
    """Port, name and item of a key, or None for a key of something else."""
    family, _, rest = key.partition("/")
    parts = rest.split("/", 2)
    return (parts[0], parts[1], parts[2]) if family == FAMILY and len(parts) == 3 else None
