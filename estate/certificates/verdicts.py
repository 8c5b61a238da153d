"""What is right and wrong with one chain for one name at one moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Problem(StrEnum):
    """What can be wrong with a chain; several may be true at once."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    SELF_SIGNED = "self-signed"
    UNKNOWN_CA = "unknown-ca"
    INCOMPLETE = "incomplete"
    COMPLETABLE = "completable"
    BAD_SIGNATURE = "bad-signature"
    REVOKED = "revoked"
    DISTRUSTED = "distrusted"
    SHA1 = "sha1"
    MD5 = "md5"
    WEAK_KEY = "weak-key"
    NAME_MISMATCH = "name-mismatch"
    WRONG_USAGE = "wrong-usage"
    PATH_LENGTH = "path-length"


HARMLESS_TO_TRUST = frozenset({Problem.COMPLETABLE, Problem.WEAK_KEY, Problem.NAME_MISMATCH})
"""Problems that leave the path to a trusted root intact: each has a rule of its own."""


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """The judgement of a chain.

    `trusted` means that a valid path leads from the leaf to a root we trust; the name is judged apart in
    `name_matches` (True where no name was asked for). Key and signature are the leaf's: `key_bits` as printed (256 for
    P-256), `rsa_equivalent_bits` what an RSA key of the same strength would have, `signature_hash` in lower case
    (`sha256`, `sha1`, `md5`, `md2`; empty for Ed25519 and its like, which name none). `expires` is the earliest end on
    the path in use, the root apart. `path` names its certificates by sha256, leaf first; where none leads to a root it
    ends where we lost the way. `explained` has one sentence for each problem. `anchor` is the store that the root is
    from: `mozilla` (so the leaf is publicly trusted), `own`, or empty.
    """

    trusted: bool
    problems: frozenset[Problem]
    name_matches: bool
    key_kind: str
    key_bits: int
    rsa_equivalent_bits: int
    signature_hash: str
    expires: datetime | None
    path: tuple[str, ...]
    explained: tuple[tuple[Problem, str], ...] = ()
    rsa_exponent: int = 0
    anchor: str = ""
