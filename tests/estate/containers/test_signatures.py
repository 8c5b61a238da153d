import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from estate.containers.signatures import (
    Signature,
    TrustedKey,
    Verdict,
    attached,
    bundles,
    judge_bundle,
    judge_simple,
    read_key,
    referring,
    strongest,
)
from estate.errors import BadInput
from infra.lab.registry import bundle

DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SIGN = "https://sigstore.dev/cosign/sign/v1"


def trusted(private) -> TrustedKey:
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return read_key(pem, "team.pub")


def payload(digest: str, kind: str = "cosign container image signature") -> bytes:
    return json.dumps({"critical": {"image": {"docker-manifest-digest": digest}, "type": kind}}).encode()


KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = (trusted(KEY),)
KINDS = {
    "P-256": (KEY, lambda content: KEY.sign(content, ec.ECDSA(SHA256()))),
    "Ed25519": ((one := ed25519.Ed25519PrivateKey.generate()), one.sign),
    "RSA": ((two := rsa.generate_private_key(65537, 2048)), lambda told: two.sign(told, padding.PKCS1v15(), SHA256())),
    "P-384": ((three := ec.generate_private_key(ec.SECP384R1())), lambda told: three.sign(told, ec.ECDSA(SHA384()))),
    "P-384 by SHA-256": (three, lambda told: three.sign(told, ec.ECDSA(SHA256()))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_trusted_key_of_each_kind_signs(kind):
    private, sign = KINDS[kind]
    signature = base64.b64encode(sign(payload(DIGEST))).decode()
    found = judge_simple(payload(DIGEST), signature, DIGEST, (trusted(private),))
    assert found == Signature(Verdict.SIGNED, "team.pub")
    assert judge_simple(payload(DIGEST) + b" ", signature, DIGEST, (trusted(private),)).verdict is Verdict.UNKNOWN_KEY


def test_a_signature_of_another_digest_is_no_signature_of_this_one():
    signature = base64.b64encode(KEY.sign(payload(OTHER), ec.ECDSA(SHA256()))).decode()
    assert judge_simple(payload(OTHER), signature, DIGEST, KEYS).verdict is Verdict.OTHER_DIGEST
    assert judge_bundle(bundle(OTHER, KEY, SIGN), DIGEST, KEYS).verdict is Verdict.OTHER_DIGEST


def test_a_stranger_may_sign_what_he_likes():
    stranger = ec.generate_private_key(ec.SECP256R1())
    signature = base64.b64encode(stranger.sign(payload(DIGEST), ec.ECDSA(SHA256()))).decode()
    for keys in (KEYS, ()):
        assert judge_simple(payload(DIGEST), signature, DIGEST, keys).verdict is Verdict.UNKNOWN_KEY
        assert judge_bundle(bundle(DIGEST, stranger, SIGN), DIGEST, keys).verdict is Verdict.UNKNOWN_KEY


def test_a_bundle_by_a_trusted_key_signs():
    assert judge_bundle(bundle(DIGEST, KEY, SIGN), DIGEST, KEYS) == Signature(Verdict.SIGNED, "team.pub")


def test_what_a_trusted_key_says_otherwise_is_no_signature():
    """An attestation, such as a list of packages, is signed by the same key and permits nothing."""
    assert judge_bundle(bundle(DIGEST, KEY, "https://cyclonedx.org/bom"), DIGEST, KEYS).verdict is Verdict.UNSIGNED
    told = payload(DIGEST, "atomic container signature")
    signature = base64.b64encode(KEY.sign(told, ec.ECDSA(SHA256()))).decode()
    assert judge_simple(told, signature, DIGEST, KEYS).verdict is Verdict.UNSIGNED


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"dsseEnvelope": 7}', b"[" * 100_000, b"\xff", b"{}"])
def test_garbage_signs_nothing(text):
    assert judge_bundle(text, DIGEST, KEYS).verdict is Verdict.UNSIGNED
    assert judge_simple(text, "not base64!", DIGEST, KEYS).verdict is Verdict.UNKNOWN_KEY
    signature = base64.b64encode(KEY.sign(text, ec.ECDSA(SHA256()))).decode()
    assert judge_simple(text, signature, DIGEST, KEYS).verdict is Verdict.UNSIGNED


def test_manifests_of_strangers_are_read_with_care():
    told = {"layers": [7, {"mediaType": 5}, {"digest": 4, "annotations": []}, {"mediaType": "x", "digest": DIGEST}]}
    assert [*attached(told), *bundles(told), *attached({"layers": {}}), *bundles({})] == []
    assert list(referring({"manifests": [{"digest": DIGEST}, {"digest": OTHER, "artifactType": "text/spdx"}, 5]})) == [
        DIGEST
    ]


def test_one_good_signature_is_enough_and_an_unasked_one_is_no_absence():
    unknown, away, none = (Signature(one) for one in (Verdict.UNKNOWN_KEY, Verdict.UNREACHABLE, Verdict.UNSIGNED))
    assert strongest((unknown, Signature(Verdict.SIGNED, "team.pub"), away)).verdict is Verdict.SIGNED
    assert strongest((none, away)) is away
    assert strongest(()).verdict is Verdict.UNSIGNED


def test_keys_that_nobody_should_trust_are_refused(tmp_path: Path):
    short = rsa.generate_private_key(65537, 1024).public_key()  # too short, which is the point
    for pem in (b"", b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(BadInput, match=r"team\.pub"):
            read_key(pem, "team.pub")
    with pytest.raises(BadInput, match="2048"):
        read_key(short.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "short.pub")
