"""What the IANA name of a cipher suite tells, and how strong a key exchange is in bits of RSA.

Elliptic curves are weighed as NIST SP 800-57 part 1 (revision 5, table 2) does, which is what SSL Labs prints next to
each suite ("eq. 3072 bits RSA").
"""

import re

from estate.tls.evidence import Suite, Version

_AEAD = re.compile(r"_(?:GCM|CCM|POLY1305|OCB|MGM)(?:_|\Z)")
_SMALL_BLOCKS = re.compile(r"_(?:3DES|DES40|DES|IDEA|RC2|28147)(?:_|\Z)")
_DHE = re.compile(r"(?:TLS|SSL)_(?:DHE|DH_anon)_")
_ECDHE = re.compile(r"TLS_(?:ECDHE|ECDH_anon)_")

_EC_IN_RSA = ((512, 15360), (384, 7680), (250, 3072), (224, 2048), (192, 1536), (160, 1024), (112, 512))
"""OpenSSL 1.1.1 calls X25519 253 bits, hence 250; 192 lies between two rows of the table."""

_CURVES = {
    "x25519": 253,
    "x448": 448,
    "prime192v1": 192,
    "prime256v1": 256,
    "p-192": 192,
    "p-224": 224,
    "p-256": 256,
    "p-384": 384,
    "p-521": 521,
    "x25519mlkem768": 256,
    "secp256r1mlkem768": 256,
    "secp384r1mlkem1024": 384,
}
_SIZE_IN_NAME = re.compile(r"(?:secp|sect|brainpoolp)([0-9]{3})[rkt][0-9](?:tls13)?\Z")

_BITS = (
    (re.compile(r"_NULL(?:_|\Z)"), 0),
    (re.compile(r"EXPORT1024|_56_"), 56),
    (re.compile(r"EXPORT|_40_|DES40"), 40),
    (re.compile(r"3DES|DES_192"), 112),
    (re.compile(r"_DES_"), 56),
    (re.compile(r"RC4_64"), 64),
    (re.compile(r"_256_|CHACHA20|_28147_|KUZNYECHIK"), 256),
)


def bits_of(name: str) -> int:
    """The strength of a suite's cipher, by its IANA name."""
    return next((bits for pattern, bits in _BITS if pattern.search(f"{name}_")), 128)


def is_tls13(name: str) -> bool:
    """Whether this is a suite of TLS 1.3, which names no key exchange."""
    return name.startswith("TLS_") and "_WITH_" not in name


def is_aead(name: str) -> bool:
    """Whether encryption and authentication are one."""
    return _AEAD.search(name) is not None


def is_forward_secret(name: str) -> bool:
    """Whether a stolen certificate key opens no recorded session."""
    return is_tls13(name) or name.startswith(("TLS_ECDHE_", "TLS_DHE_", "SSL_DHE_"))


def is_rc4(name: str) -> bool:
    """RC4 in any length."""
    return "RC4" in name


def has_small_blocks(name: str) -> bool:
    """A cipher with blocks of 64 bits."""
    return _SMALL_BLOCKS.search(name) is not None


def is_cbc(name: str) -> bool:
    """Cipher block chaining."""
    return "_CBC" in name


def is_export(name: str) -> bool:
    """Weakened by the export rules of the nineties."""
    return "EXPORT" in name


def is_anonymous(suite: Suite) -> bool:
    """Whether nobody says who the server is."""
    return suite.anonymous or "_anon_" in suite.name


def strength(suite: Suite) -> int:
    """Bits that an attacker must guess: three DES keys of 56 bits are worth 112, whatever the scanner counts."""
    if "_NULL" in suite.name:
        return 0
    return min(suite.bits, 112) if "_3DES" in suite.name else suite.bits


def curve_bits(name: str) -> int | None:
    """The size of a named curve, or None for one we do not know."""
    known = _CURVES.get(name.lower())
    if known is not None:
        return known
    found = _SIZE_IN_NAME.match(name.lower())
    return int(found[1]) if found else None


def in_rsa_bits(ec_bits: int) -> int:
    """The RSA key that is as hard to break as a curve of that size."""
    return next((rsa for smallest, rsa in _EC_IN_RSA if ec_bits >= smallest), ec_bits)


def ephemeral(version: Version, suite: Suite) -> int | None:
    """The strength of the ephemeral key in bits of RSA: 0 where the suite has none, None where it was not told.

    TLS 1.3 knows no group below 2048 bits of RSA (RFC 8446, 4.2.7), so that nothing need be told there.
    """
    if version == "TLS1.3" or is_tls13(suite.name):
        return 0
    if _DHE.match(suite.name):
        return suite.dh_bits
    if _ECDHE.match(suite.name):
        size = suite.curve_bits if suite.curve_bits is not None else curve_bits(suite.curve or "")
        return None if size is None else in_rsa_bits(size)
    return 0
