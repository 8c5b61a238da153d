"""Client hellos, byte by byte, so that we can offer what no library offers any more."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from struct import pack

from tasks.tls.groups import Share, make_share
from tasks.tls.suites import MODERN, RENEGOTIATION_INFO, all_suites, codes, suites_for

VERSIONS = {"SSL3": 0x0300, "TLS1.0": 0x0301, "TLS1.1": 0x0302, "TLS1.2": 0x0303, "TLS1.3": 0x0304}
VERSION_NAMES = {number: name for name, number in VERSIONS.items()} | {0x0002: "SSL2"}
ALL_VERSIONS = ("SSL2", "SSL3", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3")

SERVER_NAME, STATUS_REQUEST, GROUPS, POINT_FORMATS, SIGNATURES, HEARTBEAT, ALPN = 0, 5, 10, 11, 13, 15, 16
EXTENDED_MASTER_SECRET, SESSION_TICKET, SUPPORTED_VERSIONS, COOKIE, KEY_MODES, KEY_SHARE = 23, 35, 43, 44, 45, 51
RENEGOTIATION = 0xFF01

RSA_SIGNATURES = (0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601, 0x0301, 0x0201, 0x0101)
ECDSA_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x081A, 0x081B, 0x081C, 0x0303, 0x0203)
OTHER_SIGNATURES = (0x0904, 0x0905, 0x0906, 0x0402, 0x0302, 0x0202)  # ML-DSA, DSA

USUAL_GROUPS = (29, 23, 24, 25, 30)
OLD_GROUPS = (
    29,
    23,
    24,
    25,
    30,
    28,
    27,
    26,
    22,
    21,
    20,
    19,
    18,
    17,
    16,
    15,
    14,
    13,
    12,
    11,
    10,
    9,
    8,
    7,
    6,
    5,
    4,
    3,
    2,
    1,
)
"""No ffdhe groups: a server that knows them would use them, and hide the parameters that it uses otherwise."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one client hello says.

    Attributes:
        versions: highest first; TLS 1.3 makes the list an extension.
        shares: groups for which a key share is sent along (TLS 1.3).
        heartbeat: offer heartbeats, which only stacks of 2012 to 2014 accept.
        compression: offer DEFLATE too.
        old: say nothing of what came after RFC 5246: secure renegotiation, tickets, extended master secrets.
    """

    versions: tuple[str, ...]
    suites: tuple[int, ...]
    name: str | None = None
    groups: tuple[int, ...] = OLD_GROUPS
    shares: tuple[int, ...] = ()
    signatures: tuple[int, ...] = ECDSA_SIGNATURES + RSA_SIGNATURES + OTHER_SIGNATURES
    heartbeat: bool = False
    compression: bool = False
    old: bool = False
    cookie: bytes = b""

    @property
    def best(self) -> str:
        """The highest version on offer."""
        return self.versions[0]

    def retried(self, group: int, cookie: bytes) -> "Offer":
        """What a hello retry request asks for (RFC 8446 4.1.2)."""
        return replace(self, shares=(group,), cookie=cookie)


def first_offer(name: str | None) -> Offer:
    """To learn whether TLS is spoken at all: everything from SSL 3 to TLS 1.3, modest enough for old boxes to read."""
    suites = (*codes(suites_for("TLS1.3")), *(code for code in codes(suites_for("TLS1.2")) if code in _FIRST))
    return Offer(("TLS1.3", "TLS1.2", "TLS1.1", "TLS1.0", "SSL3"), suites, name, shares=(29, 23))


def modern_offer(name: str | None) -> Offer:
    """What a current browser offers, but for the shares that only it can finish."""
    return Offer(
        ("TLS1.3", "TLS1.2"),
        MODERN,
        name,
        groups=(29, 23, 24),
        shares=(29,),
        signatures=(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
    )


def lenient_offer(name: str | None) -> Offer:
    """What a browser of ten years ago offered: older versions, and 3DES and RC4 at the end."""
    suites = tuple(
        suite.code
        for suite in suites_for("TLS1.2")
        if suite.code in _FIRST and suite.bits >= 112 and not suite.anonymous
    )
    return Offer(("TLS1.2", "TLS1.1", "TLS1.0", "SSL3"), suites, name)


def offer_of(version: str, name: str | None, suites: Iterable[int] | None = None) -> Offer:
    """One version with all that can go with it, or with some suites only."""
    chosen = tuple(suites) if suites is not None else codes(suites_for(version))
    if version == "TLS1.3":
        return Offer((version,), chosen, name, groups=USUAL_GROUPS, shares=(29, 23))
    return Offer((version,), chosen, name)


def build(offer: Offer, session_id: bytes = b"") -> tuple[bytes, tuple[Share, ...]]:
    """The handshake message, and our side of its key shares."""
    shares = tuple(share for share in map(make_share, offer.shares) if share is not None)
    newest = "TLS1.3" in offer.versions
    legacy = min(VERSIONS[offer.best], 0x0303)
    suites = offer.suites if offer.old or (newest and len(offer.versions) == 1) else (*offer.suites, RENEGOTIATION_INFO)
    methods = b"\x01\x00" if offer.compression else b"\x00"
    body = (
        pack(">H", legacy)
        + os.urandom(32)
        + _short(session_id)
        + _long(b"".join(pack(">H", code) for code in suites))
        + _short(methods)
    )
    # SSL 3 has no extensions, and some of its servers no patience with them.
    if offer.best != "SSL3":
        body += _long(b"".join(pack(">H", kind) + _long(data) for kind, data in _extensions(offer, shares)))
    return b"\x01" + len(body).to_bytes(3, "big") + body, shares


def build_ssl2() -> bytes:
    """An SSL 2 client hello, record and all (draft-hickman-netscape-ssl-00 2.5), which knows no names."""
    suites = b"".join(suite.code.to_bytes(3, "big") for suite in all_suites() if suite.ssl2)
    body = b"\x01\x00\x02" + pack(">HHH", len(suites), 0, 16) + suites + os.urandom(16)
    return pack(">H", 0x8000 | len(body)) + body


def _extensions(offer: Offer, shares: Sequence[Share]) -> Iterable[tuple[int, bytes]]:
    if offer.name is not None:
        yield SERVER_NAME, _long(b"\0" + _long(offer.name.encode("ascii")))
    yield GROUPS, _long(b"".join(pack(">H", group) for group in offer.groups))
    yield POINT_FORMATS, b"\x01\x00"
    if offer.best in {"TLS1.2", "TLS1.3"}:
        yield SIGNATURES, _long(b"".join(pack(">H", scheme) for scheme in offer.signatures))
    if offer.old:
        return
    yield STATUS_REQUEST, b"\x01\0\0\0\0"
    yield EXTENDED_MASTER_SECRET, b""
    yield SESSION_TICKET, b""
    if offer.heartbeat:
        yield HEARTBEAT, b"\x01"
    if "TLS1.3" in offer.versions:
        versions = b"".join(pack(">H", VERSIONS[version]) for version in offer.versions)
        yield SUPPORTED_VERSIONS, _short(versions)
        yield KEY_MODES, b"\x01\x01"
        yield KEY_SHARE, _long(b"".join(pack(">H", share.group) + _long(share.public) for share in shares))
        if offer.cookie:
            yield COOKIE, _long(offer.cookie)


def _short(data: bytes) -> bytes:
    return bytes((len(data),)) + data


def _long(data: bytes) -> bytes:
    return pack(">H", len(data)) + data


_UNUSUAL = ("ARIA", "CCM", "_DH_RSA", "_DH_DSS", "DHE_DSS", "28147", "_ECDH_")
_FIRST = frozenset(suite.code for suite in all_suites() if not any(word in suite.name for word in _UNUSUAL))
