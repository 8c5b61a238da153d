"""The groups of key exchanges (IANA "TLS Supported Groups"), their names, sizes, and the shares that we can make."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

X25519MLKEM768 = 0x11EC

NAMES = {
    1: "sect163k1", 2: "sect163r1", 3: "sect163r2", 4: "sect193r1", 5: "sect193r2", 6: "sect233k1", 7: "sect233r1",
    8: "sect239k1", 9: "sect283k1", 10: "sect283r1", 11: "sect409k1", 12: "sect409r1", 13: "sect571k1",
    14: "sect571r1", 15: "secp160k1", 16: "secp160r1", 17: "secp160r2", 18: "secp192k1", 19: "secp192r1",
    20: "secp224k1", 21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1",
    26: "brainpoolP256r1", 27: "brainpoolP384r1", 28: "brainpoolP512r1", 29: "x25519", 30: "x448",
    31: "brainpoolP256r1tls13", 32: "brainpoolP384r1tls13", 33: "brainpoolP512r1tls13",
    256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096", 259: "ffdhe6144", 260: "ffdhe8192",
    0x0200: "MLKEM512", 0x0201: "MLKEM768", 0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768", X25519MLKEM768: "X25519MLKEM768", 0x11ED: "SecP384r1MLKEM1024",
    0x6399: "X25519Kyber768Draft00",
}  # fmt: skip

ELLIPTIC = tuple(group for group in NAMES if group <= 30)
"""What a key exchange of TLS 1.2 and older can use."""
TLS13 = (
    29,
    23,
    24,
    25,
    30,
    31,
    32,
    33,
    256,
    257,
    258,
    259,
    260,
    X25519MLKEM768,
    0x11EB,
    0x11ED,
    0x0200,
    0x0201,
    0x0202,
)

_BITS = {29: 253, 30: 448, 25: 521}
_CURVES: dict[int, type[ec.EllipticCurve]] = {23: ec.SECP256R1, 24: ec.SECP384R1, 25: ec.SECP521R1}


def name_of(group: int) -> str:
    """The registered name, or the number."""
    return NAMES.get(group, f"group_{group:04x}")


def bits_of(group: int) -> int | None:
    """The size of a curve; x25519 has 253 bits of key, as OpenSSL counts. None for what is no curve."""
    if group in _BITS:
        return _BITS[group]
    name = NAMES.get(group, "")
    digits = "".join(name[4:7] if name.startswith("sec") and "MLKEM" not in name else name[10:13])
    return int(digits) if digits.isdigit() and group <= 33 else None


@dataclass(frozen=True, slots=True)
class Share:
    """One key share of ours, and how to finish the exchange with the other side's."""

    group: int
    public: bytes
    finish: Callable[[bytes], bytes]


def make_share(group: int) -> Share | None:
    """A fresh share for a group that we can do (x25519, x448 and the three NIST curves), else None."""
    if group == 29:
        key = x25519.X25519PrivateKey.generate()
        return Share(
            group,
            key.public_key().public_bytes_raw(),
            lambda peer: key.exchange(x25519.X25519PublicKey.from_public_bytes(peer)),
        )
    if group == 30:
        big = x448.X448PrivateKey.generate()
        return Share(
            group,
            big.public_key().public_bytes_raw(),
            lambda peer: big.exchange(x448.X448PublicKey.from_public_bytes(peer)),
        )
    if group in _CURVES:
        curve = _CURVES[group]()
        secret = ec.generate_private_key(curve)
        return Share(
            group,
            secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
            lambda peer: secret.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, peer)),
        )
    return None
