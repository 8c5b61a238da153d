"""The cipher suites that a client hello can offer, by their IANA names, with what the rating guide counts of each.

Numbers and names are the IANA registry "TLS Cipher Suites"; those of SSL 2 are from its draft of 1995. Suites of PSK,
SRP and Kerberos are left out: without a shared secret nobody can be asked for them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from estate.tls.suites import bits_of

MODERN = (
    0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014,
    0x009C, 0x009D, 0x002F, 0x0035,
)  # fmt: skip
"""What current Chrome offers, in its order."""

RENEGOTIATION_INFO = 0x00FF
"""RFC 5746: "I know secure renegotiation", for servers that dislike extensions."""
FALLBACK = 0x5600
"""RFC 7507: "I come with less than I can"."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite; 3DES counts 112 bits, since meeting in the middle halves it."""

    code: int
    name: str
    ssl2: bool = False

    @property
    def bits(self) -> int:
        """The strength of its cipher as the rating guide counts it."""
        return bits_of(self.name)

    @property
    def anonymous(self) -> bool:
        """Whether nobody proves who they are."""
        return "_anon_" in self.name


@cache
def all_suites() -> tuple[Suite, ...]:
    """Every suite, the ones that a careful client would like best first."""
    lines = files("tasks.tls").joinpath("suites.txt").read_text("ascii").split("\n")
    pairs = (line.split(" ", 1) for line in lines if line)
    return tuple(sorted((Suite(int(code, 16), name, len(code) == 6) for code, name in pairs), key=_dislike))


@cache
def by_code() -> dict[int, Suite]:
    """Suites of SSL 3 and newer."""
    return {suite.code: suite for suite in all_suites() if not suite.ssl2}


def name_of(code: int) -> str:
    """The name, or for what no registry knew when this was written, the number."""
    suite = by_code().get(code)
    return suite.name if suite else f"TLS_UNKNOWN_{code:04X}"


def suites_for(version: str) -> tuple[Suite, ...]:
    """What can be offered with one protocol version."""
    if version == "SSL2":
        return tuple(suite for suite in all_suites() if suite.ssl2)
    newest = version == "TLS1.3"
    return tuple(suite for suite in all_suites() if not suite.ssl2 and (suite.code >> 8 == 0x13) == newest)


def codes(suites: Iterable[Suite]) -> tuple[int, ...]:
    """Their numbers, in the same order."""
    return tuple(suite.code for suite in suites)


def _dislike(suite: Suite) -> tuple[bool, bool, bool, bool, bool, bool, int, int]:
    name = suite.name
    broken = suite.anonymous or suite.bits < 112
    return (
        broken,
        "RC4" in name,
        "3DES" in name,
        not re.search(r"GCM|CCM|POLY1305", name),
        not re.search(r"DHE|TLS_AES|TLS_CHACHA", name),
        "_DHE_" in name,
        -suite.bits,
        suite.code,
    )
