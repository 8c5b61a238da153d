"""A certificate authority of the lab: a root, intermediates of several kinds, and leaves with any fault one likes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
DAY = timedelta(days=1)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """A new key, on P-256 if unsaid."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A new key."""
    return rsa.generate_private_key(65537, bits)


def pem_of_key(key: Key) -> bytes:
    """In the older of the two spellings, which every server here can read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


@dataclass(frozen=True)
class Issuer:
    """Somebody who signs."""

    certificate: x509.Certificate
    key: Key


def named(common: str) -> x509.Name:
    """A name of the lab's organisation."""
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TLS lab"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def authority(common: str, by: Issuer | None = None, *, key: Key | None = None, ends: timedelta = 3650 * DAY) -> Issuer:
    """A CA, signed by itself if nobody else."""
    key = key or ec_key()
    signer = by.key if by else key
    now = datetime.now(UTC)
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(common))
        .issuer_name(by.certificate.subject if by else named(common))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 400 * DAY)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return Issuer(builder.sign(signer, hashes.SHA256()), key)


def leaf(
    by: Issuer, names: Sequence[x509.GeneralName], key: Key, *, starts: timedelta = -10 * DAY,
    ends: timedelta = 80 * DAY, must_staple: bool = False,
    common: str = "server",
) -> x509.Certificate:  # fmt: skip
    """A server's certificate; `starts` and `ends` are relative to now."""
    now = datetime.now(UTC)
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(common))
        .issuer_name(by.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False)
    )
    if must_staple:
        builder = builder.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), critical=False)
    return builder.sign(by.key, hashes.SHA256())


def signed_over(name: str, made: x509.Certificate, by: Issuer) -> x509.Certificate:
    """The same, signed over SHA-1 or MD5 (RFC 8017 9.2), which `cryptography` no longer does."""
    assert isinstance(by.key, rsa.RSAPrivateKey)
    last, prefix = _BROKEN[name]
    body = made.tbs_certificate_bytes.replace(_RSA_OVER + b"\x0b", _RSA_OVER + bytes([last]), 1)
    numbers = by.key.private_numbers()
    modulus = numbers.public_numbers.n
    size = (modulus.bit_length() + 7) // 8
    digest = bytes.fromhex(prefix) + hashlib.new(name, body, usedforsecurity=False).digest()
    padded = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
    signature = pow(int.from_bytes(padded), numbers.d, modulus).to_bytes(size)
    algorithm = b"\x30\x0d\x06\x09" + _RSA_OVER + bytes([last]) + b"\x05\0"
    whole = body + algorithm + b"\x03\x82" + (size + 1).to_bytes(2) + b"\0" + signature
    return x509.load_der_x509_certificate(b"\x30\x82" + len(whole).to_bytes(2) + whole)


_RSA_OVER = bytes.fromhex("2a864886f70d0101")
_BROKEN = {
    "sha1": (5, "3021300906052b0e03021a05000414"),
    "md5": (4, "3020300c06082a864886f70d020505000410"),
}
"""The last byte of the algorithm's identifier, and what stands before the digest."""


def staple(of: x509.Certificate, by: Issuer, *, revoked: bool) -> bytes:
    """The DER of an OCSP response that is valid now."""
    now = datetime.now(UTC)
    builder = ocsp.OCSPResponseBuilder().add_response(
        of,
        by.certificate,
        hashes.SHA1(),  # RFC 5019 wants it in the name of a certificate, where nothing hangs on it
        ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        now - timedelta(hours=1),
        now + 3 * DAY,
        now - DAY if revoked else None,
        x509.ReasonFlags.key_compromise if revoked else None,
    )
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).sign(by.key, hashes.SHA256())
    return signed.public_bytes(Encoding.DER)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not signs, False, not signs, False, False, signs, signs, False, False)


class Authority:
    """The hierarchy of one run: what is not asked for is not made."""

    @cached_property
    def root(self) -> Issuer:
        """The one that operators trust."""
        return authority("root")

    @cached_property
    def intermediate(self) -> Issuer:
        """What signs nearly everything."""
        return authority("intermediate", self.root)

    @cached_property
    def rsa_root(self) -> Issuer:
        """As trusted, for clients and servers that know RSA only."""
        return authority("root of RSA", key=rsa_key())

    @cached_property
    def rsa_intermediate(self) -> Issuer:
        """Signs where every signature has to be RSA's."""
        return authority("intermediate of RSA", self.rsa_root, key=rsa_key())

    @cached_property
    def ending(self) -> Issuer:
        """Ends before what it signed."""
        return authority("intermediate that ends soon", self.root, ends=20 * DAY)

    @cached_property
    def unserved(self) -> Issuer:
        """An intermediate that no server of the lab sends."""
        return authority("intermediate that nobody sends", self.root)

    @cached_property
    def unknown(self) -> Issuer:
        """A root that nobody trusts."""
        return authority("root that nobody knows")

    @cached_property
    def leaf_key(self) -> rsa.RSAPrivateKey:
        """Shared by the servers that need RSA, since making one takes long."""
        return rsa_key()
