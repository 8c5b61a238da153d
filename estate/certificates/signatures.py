"""Whether one key signed a certificate, by the primitives: SHA-1 and MD5 are checked too, so that they can be named."""

from enum import Enum
from importlib import import_module
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from estate.certificates.certificate import Certificate, Signature
from estate.certificates.keys import PublicKey

_LARGEST_KEY = {"RSA": 16384, "DSA": 4096}
"""Bits; beyond them a check costs seconds, and a hostile chain has many."""

_MADE_BY = {
    **dict.fromkeys(("RSA", "RSA-PSS"), "RSA"),
    "ECDSA": "EC",
    **{kind: kind for kind in ("DSA", "Ed25519", "Ed448")},
    **{f"ML-DSA-{size}": f"ML-DSA-{size}" for size in (44, 65, 87)},
}
"""The kind of key that makes each kind of signature."""


def _post_quantum_keys() -> tuple[Any, ...]:
    """The classes of ML-DSA keys; releases of the library before 47 know none, and such signatures stay unchecked."""
    try:
        mldsa = import_module("cryptography.hazmat.primitives.asymmetric.mldsa")
    except ImportError:
        return ()
    return mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey


_NAMING_NO_HASH = (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey, *_post_quantum_keys())
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - what an old CA signed with is not for us to choose
    "sha1": hashes.SHA1(),  # noqa: S303 - the same
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


_MOST_ANSWERS = 8192


class Signed(Enum):
    """What checking a signature says; `UNCHECKED` where this machine knows no such algorithm, curve or size."""

    GOOD = "good"
    BAD = "bad"
    UNCHECKED = "unchecked"


_ANSWERS: dict[tuple[str, bytes], Signed] = {}


def check(certificate: Certificate, key: PublicKey) -> Signed:
    """Whether this key signed the certificate; the answer is remembered, and not the certificate with it."""
    asked = (certificate.sha256, key.spki)
    found = _ANSWERS.get(asked)
    if found is None:
        found = verify(certificate.signature, key)
        if len(_ANSWERS) >= _MOST_ANSWERS:
            _ANSWERS.clear()
        _ANSWERS[asked] = found
    return found


def verify(signature: Signature, key: PublicKey) -> Signed:
    """Whether this key made the signature."""
    kind = _MADE_BY.get(signature.algorithm)
    if kind is None or key.kind == "unknown" or key.bits > _LARGEST_KEY.get(key.kind, key.bits):
        return Signed.UNCHECKED
    if kind != key.kind:
        return Signed.BAD
    value, data = signature.value, signature.signed
    try:
        loaded = load_der_public_key(key.spki)
        digest = _HASHES.get(signature.hash)
        if isinstance(loaded, _NAMING_NO_HASH):
            loaded.verify(value, data)
        elif digest is None:
            return Signed.UNCHECKED
        elif isinstance(loaded, rsa.RSAPublicKey) and signature.algorithm == "RSA":
            loaded.verify(value, data, padding.PKCS1v15(), digest)
        elif isinstance(loaded, rsa.RSAPublicKey):
            loaded.verify(value, data, padding.PSS(padding.MGF1(digest), signature.salt_length), digest)
        elif isinstance(loaded, ec.EllipticCurvePublicKey):
            loaded.verify(value, data, ec.ECDSA(digest))
        elif isinstance(loaded, dsa.DSAPublicKey):
            loaded.verify(value, data, digest)
        else:
            return Signed.UNCHECKED
    except InvalidSignature:
        return Signed.BAD
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Signed.UNCHECKED
    return Signed.GOOD
