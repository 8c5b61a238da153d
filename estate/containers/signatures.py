"""Whether a trusted key signed an image's digest, in both of cosign's layouts; certificates and logs are not judged.

Layouts: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md (a tag `sha256-….sig`) and
https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md (a bundle that refers to the image); the envelope's
encoding: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from estate.errors import BadInput

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_BUNDLES = "application/vnd.dev.sigstore.bundle"
_ANNOTATION = "dev.cosignproject.cosign/signature"
_TYPE = "cosign container image signature"
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENTS = frozenset({"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"})
_SIGN = "https://sigstore.dev/cosign/sign/v1"
_MOST = 64
_CURVES = {"secp256r1": SHA256(), "secp384r1": SHA384(), "secp521r1": SHA512()}

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


class Verdict(StrEnum):
    """What is known of an image's signatures, the best first."""

    SIGNED = "signed"
    OTHER_DIGEST = "other-digest"
    UNKNOWN_KEY = "unknown-key"
    UNREACHABLE = "unreachable"
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key whose signature counts, and the name under which people know it."""

    name: str
    key: PublicKey


@dataclass(frozen=True, slots=True)
class Signature:
    """A verdict, and the key or the reason behind it."""

    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """A layer of a signature's manifest: the payload's digest, and the signature over it."""

    digest: str
    signature: str


UNSIGNED = Signature(Verdict.UNSIGNED)


def read_key(pem: bytes, name: str) -> TrustedKey:
    """Read a public key.

    Raises:
        BadInput: it is none, or of a kind or size that nobody should trust.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput(f"{name} holds no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return TrustedKey(name, key)
    if isinstance(key, ed25519.Ed25519PublicKey) or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048):
        return TrustedKey(name, key)
    raise BadInput(f"{name}: signatures are checked with EC keys (P-256 to P-521), Ed25519, and RSA of 2048 bits on")


def attached(manifest: Mapping[str, object]) -> Iterator[Attached]:
    """The signatures that a manifest of the tag `sha256-….sig` lists."""
    for layer in _objects(manifest.get("layers"))[:_MOST]:
        notes = layer.get("annotations")
        signature = notes.get(_ANNOTATION) if isinstance(notes, dict) else None
        digest = layer.get("digest")
        if layer.get("mediaType") == SIMPLE_SIGNING and isinstance(signature, str) and isinstance(digest, str):
            yield Attached(digest, signature)


def bundles(manifest: Mapping[str, object]) -> Iterator[str]:
    """The digests of the bundles in the manifest of an artifact that refers to an image."""
    for layer in _objects(manifest.get("layers"))[:_MOST]:
        digest = layer.get("digest")
        if str(layer.get("mediaType")).startswith(_BUNDLES) and isinstance(digest, str):
            yield digest


def referring(index: Mapping[str, object]) -> Iterator[str]:
    """The digests of the artifacts in an index of referrers that may be bundles: some registries leave the type out."""
    for one in _objects(index.get("manifests"))[:_MOST]:
        kind, digest = one.get("artifactType"), one.get("digest")
        if isinstance(digest, str) and (not isinstance(kind, str) or kind.startswith(_BUNDLES)):
            yield digest


def judge_simple(payload: bytes, signature: str, digest: str, keys: Sequence[TrustedKey]) -> Signature:
    """Judge a payload of cosign's first layout.

    Args:
        payload: the bytes that are signed.
        signature: over them, in base64.
        digest: of the image.
        keys: whose signatures count.
    """
    key = _signer(payload, _decoded(signature), keys)
    if key is None:
        return Signature(Verdict.UNKNOWN_KEY)
    critical = _object(_read(payload).get("critical"))
    if critical.get("type") != _TYPE:
        return UNSIGNED
    named = _object(critical.get("image")).get("docker-manifest-digest")
    return Signature(Verdict.SIGNED if named == digest else Verdict.OTHER_DIGEST, key.name)


def judge_bundle(bundle: bytes, digest: str, keys: Sequence[TrustedKey]) -> Signature:
    """Judge a bundle of the second layout; one that says something else of the image is no signature of it."""
    envelope = _object(_read(bundle).get("dsseEnvelope"))
    payload = _decoded(envelope.get("payload"))
    if envelope.get("payloadType") != _PAYLOAD or not payload:
        return UNSIGNED
    statement = _read(payload)
    if statement.get("_type") not in _STATEMENTS or statement.get("predicateType") != _SIGN:
        return UNSIGNED
    kind = _PAYLOAD.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    found = (_signer(signed, _decoded(one.get("sig")), keys) for one in _objects(envelope.get("signatures"))[:_MOST])
    key = next((one for one in found if one is not None), None)
    if key is None:
        return Signature(Verdict.UNKNOWN_KEY)
    named = {_object(one.get("digest")).get("sha256") for one in _objects(statement.get("subject"))[:_MOST]}
    right = digest.removeprefix("sha256:") in named
    return Signature(Verdict.SIGNED if right else Verdict.OTHER_DIGEST, key.name)


def strongest(found: Iterable[Signature]) -> Signature:
    """What counts of several: one good signature is enough; what could not be asked is not unsigned."""
    order = list(Verdict)
    return min(found, key=lambda one: order.index(one.verdict), default=UNSIGNED)


def _signer(signed: bytes, signature: bytes, keys: Sequence[TrustedKey]) -> TrustedKey | None:
    return next((key for key in keys if _holds(key.key, signed, signature)), None)


def _holds(key: PublicKey, signed: bytes, signature: bytes) -> bool:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), SHA256())
        else:
            return _holds_by_curve(key, signed, signature)
    except InvalidSignature:
        return False
    return True


def _holds_by_curve(key: ec.EllipticCurvePublicKey, signed: bytes, signature: bytes) -> bool:
    """Older versions of cosign hash with SHA-256 whatever the curve, newer ones with the curve's own."""
    for algorithm in (SHA256(), _CURVES[key.curve.name]):
        try:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        except InvalidSignature:
            continue
        return True
    return False


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _read(text: bytes) -> Mapping[str, object]:
    try:
        return _object(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _object(told: object) -> Mapping[str, object]:
    return told if isinstance(told, dict) else {}


def _objects(told: object) -> list[Mapping[str, object]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
