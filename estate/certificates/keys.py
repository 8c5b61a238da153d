"""Public keys: of which kind, how strong, and what an RSA key of that strength would measure."""

import hashlib
from dataclasses import dataclass, field

from estate.certificates.der import Element, Malformed, bits, integer, oid, read

_RSA, _RSA_PSS, _EC, _DSA = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1", "1.2.840.10040.4.1"
_FIXED = {
    "1.3.101.112": ("Ed25519", 256, 3072),
    "1.3.101.113": ("Ed448", 456, 7680),
    "2.16.840.1.101.3.4.3.17": ("ML-DSA-44", 10496, 3072),
    "2.16.840.1.101.3.4.3.18": ("ML-DSA-65", 15616, 7680),
    "2.16.840.1.101.3.4.3.19": ("ML-DSA-87", 20736, 15360),
}
"""Kinds of which every key is equally strong: printed bits, and the RSA size of their NIST category."""

_SEC = {
    1: ("sect163k1", 163), 2: ("sect163r1", 162), 3: ("sect239k1", 239), 4: ("sect113r1", 113), 5: ("sect113r2", 113),
    6: ("secp112r1", 112), 7: ("secp112r2", 110), 8: ("secp160r1", 160), 9: ("secp160k1", 160), 10: ("secp256k1", 256),
    15: ("sect163r2", 163), 16: ("sect283k1", 283), 17: ("sect283r1", 283), 22: ("sect131r1", 131),
    23: ("sect131r2", 131), 24: ("sect193r1", 193), 25: ("sect193r2", 193), 26: ("sect233k1", 233),
    27: ("sect233r1", 233), 28: ("secp128r1", 128), 29: ("secp128r2", 126), 30: ("secp160r2", 160),
    31: ("secp192k1", 192), 32: ("secp224k1", 224), 33: ("secp224r1", 224), 34: ("secp384r1", 384),
    35: ("secp521r1", 521), 36: ("sect409k1", 409), 37: ("sect409r1", 409), 38: ("sect571k1", 571),
    39: ("sect571r1", 571),
}  # fmt: skip
_BRAINPOOL = {1: 160, 3: 192, 5: 224, 7: 256, 9: 320, 11: 384, 13: 512}
_CURVES = {
    "1.2.840.10045.3.1.1": ("secp192r1", 192),
    "1.2.840.10045.3.1.7": ("secp256r1", 256),
    "1.2.156.10197.1.301": ("SM2", 256),
    **{f"1.3.132.0.{number}": curve for number, curve in _SEC.items()},
    **{f"1.3.36.3.3.2.8.1.1.{number}": (f"brainpoolP{size}r1", size) for number, size in _BRAINPOOL.items()},
}
"""Curve names and the bits of their order: SEC 2, RFC 5639, GM/T 0003."""

_EQUIVALENT = ((512, 15360), (384, 7680), (256, 3072), (224, 2048), (160, 1024), (112, 512))
"""Bits of an elliptic curve's order, and the RSA modulus of the same strength: NIST SP 800-57 part 1, table 2."""

_LONGEST_MODULUS = 65536
_UNKNOWN = "unknown"
_NOT_MEASURED = (_UNKNOWN, 0, 0, "", 0)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key's measures.

    `kind` is RSA, EC, DSA, Ed25519, Ed448, ML-DSA-65 or its like, or `unknown`, of which nothing is measured (0 bits).
    """

    kind: str
    bits: int
    rsa_equivalent_bits: int
    spki_sha256: str
    curve: str = ""
    exponent: int = 0
    spki: bytes = field(default=b"", repr=False, compare=False)

    @property
    def key_bytes(self) -> bytes:
        """The key without its algorithm, as OCSP hashes it."""
        return bits(read(self.spki).part(1))

    @property
    def weak(self) -> bool:
        """Below what RSA with 2048 bits gives, or an RSA key that encrypts to itself; unmeasured is not weak."""
        return self.kind != _UNKNOWN and (self.rsa_equivalent_bits < 2048 or self.exponent == 1)

    def __str__(self) -> str:
        return f"EC {self.curve}" if self.kind == "EC" else f"{self.kind} {self.bits}".removesuffix(" 0")


def rsa_equivalent(curve_bits: int) -> int:
    """The RSA modulus of the same strength as an elliptic curve of this order; the next lower line of the table."""
    return next((rsa for least, rsa in _EQUIVALENT if curve_bits >= least), 384)


def read_key(spki: Element) -> PublicKey:
    """Measure a SubjectPublicKeyInfo.

    Raises:
        Malformed: it is none.
    """
    kind, size, equivalent, curve, exponent = _measure(spki)
    return PublicKey(kind, size, equivalent, hashlib.sha256(spki.raw).hexdigest(), curve, exponent, spki.raw)


def _measure(spki: Element) -> tuple[str, int, int, str, int]:
    algorithm, key = spki.part(0), spki.part(1)
    parameters = algorithm.parts()[1:]
    name = oid(algorithm.part(0))
    if name in (_RSA, _RSA_PSS):
        numbers = read(bits(key))
        size, exponent = _size(numbers.part(0)), numbers.part(1)
        # An exponent that is longer than any sane one is no 1; its value interests nobody.
        return "RSA", size, size, "", integer(exponent) if len(exponent.value) <= 8 else -1
    if name == _EC:
        curve, order = _curve(parameters)
        return ("EC", order, rsa_equivalent(order), curve, 0) if order else _NOT_MEASURED
    if name == _DSA:
        size = _size(parameters[0].part(0)) if parameters else 0
        return ("DSA", size, size, "", 0) if size else _NOT_MEASURED
    return (*_FIXED[name], "", 0) if name in _FIXED else _NOT_MEASURED


def _size(number: Element) -> int:
    """The bits of a modulus."""
    if len(number.value) > _LONGEST_MODULUS // 8 + 1:
        raise Malformed(f"a modulus of {len(number.value)} bytes")
    return max(integer(number), 0).bit_length()


def _curve(parameters: tuple[Element, ...]) -> tuple[str, int]:
    """The curve by name, or by its field where it is spelled out, which browsers refuse."""
    if not parameters:
        return "", 0
    if parameters[0].tag == 0x06:
        name = oid(parameters[0])
        return _CURVES.get(name, (name, 0))
    for part in parameters[0].parts():
        if part.tag == 0x30:
            field = part.parts()
            if len(field) == 2 and field[1].tag == 0x02:
                return "explicit", _size(field[1])
            break
    return "explicit", 0
