"""Every chain is shown, by key type and to strangers; what cannot be read is not known."""

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tasks.tls.trust import mozilla_trust

NOW = datetime.datetime.now(datetime.UTC)


def self_signed(names: list[str], key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "<b>\x01\n" + names[0][:40])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )


def write(folder, certificate, key):
    chain, secret = folder / "c.pem", folder / "k.pem"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"chain": chain, "key": secret}


def test_one_handshake_shows_the_whole_chain(openssl, ask, identity) -> None:
    evidence = ask(openssl(), profile="certificate")
    assert evidence.certificates.state == "known"
    (deployment,) = evidence.certificates.deployments
    assert "".join(deployment.chain).split() == identity.chain.read_text().split()
    assert deployment.with_sni
    assert evidence.client_certificate.state == "none"
    assert {protocol.state for protocol in evidence.protocols.values()} == {"blind"}


def test_an_rsa_and_an_ecdsa_chain_are_both_found(openssl, ask, ecdsa_identity) -> None:
    port = openssl("-dcert", str(ecdsa_identity.chain), "-dkey", str(ecdsa_identity.key), "-tls1_2")
    chains = {each.chain[0] for each in ask(port, profile="watch").served}
    assert len(chains) == 2


def test_what_strangers_are_shown_is_told_from_what_the_named_are(openssl, ask, ecdsa_identity) -> None:
    port = openssl("-servername", "a.example", "-cert2", str(ecdsa_identity.chain), "-key2", str(ecdsa_identity.key))
    found = ask(port, profile="watch").certificates.deployments
    assert {each.with_sni for each in found} == {True, False}
    assert len({each.chain[0] for each in found}) == 2


def test_hostile_names_pass_as_they_were_sent(openssl, ask, tmp_path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = ["<script>.example", "nul\x00.example", "line\nfeed.example", "a" * 300 + ".example"]
    certificate = self_signed(names, key)
    (deployment,) = ask(openssl(**write(tmp_path, certificate, key)), profile="certificate").certificates.deployments
    assert x509.load_pem_x509_certificate(deployment.chain[0].encode()) == certificate


@pytest.mark.parametrize(("count", "state"), [(5_000, "known"), (40_000, "blind")])
def test_a_list_of_names_without_end_is_not_read(openssl, ask, tmp_path, count, state) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = self_signed([f"host-{number}.example" for number in range(count)], key)
    evidence = ask(openssl(**write(tmp_path, certificate, key)), profile="certificate")
    assert evidence.certificates.state == state
    assert evidence.hello.outcome == "tls"


def test_a_server_without_certificates_has_none_to_show(openssl, ask) -> None:
    evidence = ask(openssl("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"), profile="watch")
    assert (evidence.certificates.state, evidence.certificates.deployments) == ("known", ())
    assert all(suite.anonymous for suite in evidence.protocol("TLS1.2").suites)


def test_a_server_that_declines_our_name_shows_nothing(openssl, ask, identity) -> None:
    options = (
        "-servername",
        "b.example",
        "-servername_fatal",
        "-cert2",
        str(identity.chain),
        "-key2",
        str(identity.key),
    )
    evidence = ask(openssl(*options), profile="certificate")
    assert evidence.certificates.state == "blind"
    assert "unrecognized_name" in evidence.certificates.reason


def test_a_private_chain_is_not_trusted_by_mozilla(openssl, ask) -> None:
    (deployment, *_) = ask(openssl(), profile="watch").served
    assert dict(deployment.trust)["mozilla"] != "trusted"


def test_nonsense_in_place_of_a_certificate_is_unreadable() -> None:
    nonsense = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(bytes(99)).decode()}\n-----END CERTIFICATE-----\n"
    assert mozilla_trust([nonsense]).startswith("unreadable")
