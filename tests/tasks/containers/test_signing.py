"""Signatures that were pushed to a real registry, which has no API of referrers: the tag that stands for it is used."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from estate.containers.signatures import Verdict, read_key
from infra.lab.registry import LabRegistry, lab_registry
from tasks.containers.registry import Registry
from tasks.containers.signing import ask_signature

KEY, STRANGER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
KEYS = (read_key(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "team.pub"),)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRegistry]:
    with lab_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def verdict(lab):
    def ask(repository: str, digest: str) -> Verdict:
        with Registry(lab.host) as registry:
            return ask_signature(registry, repository, digest, KEYS).verdict

    return ask


@pytest.mark.parametrize("layout", ["sign_simple", "sign_bundle"])
def test_each_layout_tells_signed_from_strangers_and_other_digests(lab, verdict, layout):
    for repository, key, says, expected in (
        ("mine", KEY, "", Verdict.SIGNED),
        ("strangers", STRANGER, "", Verdict.UNKNOWN_KEY),
        ("moved", KEY, "sha256:" + "b" * 64, Verdict.OTHER_DIGEST),
    ):
        name = f"{layout.replace('_', '-')}/{repository}"
        digest = lab.image(name, "1")
        getattr(lab, layout)(name, digest, key, says)
        assert verdict(name, digest) is expected


def test_an_image_that_nobody_signed_is_unsigned(lab, verdict):
    assert verdict("bare", lab.image("bare", "1")) is Verdict.UNSIGNED


def test_an_attestation_is_no_signature(lab, verdict):
    digest = lab.image("attested", "1")
    lab.sign_bundle("attested", digest, KEY, predicate="https://slsa.dev/provenance/v1")
    assert verdict("attested", digest) is Verdict.UNSIGNED


def test_a_stranger_in_one_layout_does_not_hide_us_in_the_other(lab, verdict):
    digest = lab.image("both", "1")
    lab.sign_simple("both", digest, STRANGER)
    lab.sign_bundle("both", digest, KEY)
    assert verdict("both", digest) is Verdict.SIGNED


def test_a_registry_that_does_not_answer_has_told_nothing():
    with Registry("127.0.0.1:1") as registry:
        found = ask_signature(registry, "app", "sha256:" + "a" * 64, KEYS)
        assert found.verdict is Verdict.UNREACHABLE
        assert "127.0.0.1:1" in found.detail
        assert ask_signature(registry, "app", "", KEYS).verdict is Verdict.UNREACHABLE
