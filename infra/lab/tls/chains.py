"""Recipes of certificate chains, each written to the folder of the server that will send it."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from infra.lab.tls.authority import (
    DAY,
    Authority,
    Issuer,
    Key,
    authority,
    ec_key,
    leaf,
    pem_of_key,
    rsa_key,
    signed_over,
    staple,
)


@dataclass(frozen=True)
class Chain:
    """What a server sends and signs with; the second pair is for those that hold two."""

    certificates: tuple[x509.Certificate, ...]
    key: Key
    second: "Chain | None" = None
    staple: bytes = b""

    def write(self, folder: Path) -> None:
        """As `chain.pem`, `key.pem`, `chain2.pem`, `key2.pem` and `staple.der`."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, chain in (("", self), ("2", self.second)):
            if chain is not None:
                text = b"".join(each.public_bytes(Encoding.PEM) for each in chain.certificates)
                (folder / f"chain{number}.pem").write_bytes(text)
                (folder / f"key{number}.pem").write_bytes(pem_of_key(chain.key))
        if self.staple:
            (folder / "staple.der").write_bytes(self.staple)


Recipe = Callable[[Authority, str], Chain]


def _names(*names: str) -> Sequence[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


def _good(ca: Authority, name: str, key: Key | None = None, starts: int = -10, ends: int = 80) -> Chain:
    key = key or ec_key()
    made = leaf(ca.intermediate, _names(name), key, starts=starts * DAY, ends=ends * DAY)
    return Chain((made, ca.intermediate.certificate), key)


def _rsa(ca: Authority, name: str) -> Chain:
    made = leaf(ca.rsa_intermediate, _names(name), ca.leaf_key)
    return Chain((made, ca.rsa_intermediate.certificate), ca.leaf_key)


def _signed_over(algorithm: str) -> Recipe:
    def make(ca: Authority, name: str) -> Chain:
        made = _rsa(ca, name)
        return Chain(
            (signed_over(algorithm, made.certificates[0], ca.rsa_intermediate), *made.certificates[1:]), made.key
        )

    return make


def _by(issuer: Callable[[Authority], Issuer], *, sent: bool) -> Recipe:
    def make(ca: Authority, name: str) -> Chain:
        key, signer = ec_key(), issuer(ca)
        made = leaf(signer, _names(name), key)
        return Chain((made, signer.certificate) if sent else (made,), key)

    return make


def _self_signed(_ca: Authority, name: str) -> Chain:
    key = ec_key()
    subject = Issuer(leaf(Issuer(_subject("server"), key), _names(name), key), key)
    return Chain((subject.certificate,), key)


def _subject(common: str) -> x509.Certificate:
    """Only its subject is used, as the issuer of one that signs itself."""
    return authority(common).certificate


def _wrong_order(ca: Authority, name: str) -> Chain:
    good = _good(ca, name)
    return Chain((good.certificates[0], ca.root.certificate, ca.intermediate.certificate), good.key)


def _stapled(*, revoked: bool, must_staple: bool = False) -> Recipe:
    def make(ca: Authority, name: str) -> Chain:
        key = ec_key()
        made = leaf(ca.intermediate, _names(name), key, must_staple=must_staple)
        return Chain((made, ca.intermediate.certificate), key, staple=staple(made, ca.intermediate, revoked=revoked))

    return make


def _must_staple(ca: Authority, name: str) -> Chain:
    key = ec_key()
    return Chain((leaf(ca.intermediate, _names(name), key, must_staple=True), ca.intermediate.certificate), key)


def _hostile(ca: Authority, name: str) -> Chain:
    """Names that end a C string, a line, a page and a terminal's patience; the right one is among them."""
    key = ec_key()
    bad = (f"{name}\0.evil.example", "two\nlines.example", "<script>alert(1)</script>", "\x1b[31mred.example", "*.*")
    made = leaf(ca.intermediate, _names(*bad, name), key, common='<img src=x onerror="alert(1)">\n\0end')
    return Chain((made, ca.intermediate.certificate), key)


def _many_names(ca: Authority, name: str) -> Chain:
    """A megabyte of names."""
    key = ec_key()
    names = _names(name, *(f"{number:06d}.{'a' * 40}.lab.example" for number in range(17_500)))
    return Chain((leaf(ca.intermediate, names, key), ca.intermediate.certificate), key)


def _small_rsa(bits: int) -> Recipe:
    """`cryptography` makes none of less than 1024 bits, openssl does."""

    def make(ca: Authority, name: str) -> Chain:
        if bits >= 1024:
            key = rsa_key(bits)
            return Chain((leaf(ca.intermediate, _names(name), key), ca.intermediate.certificate), key)
        made = subprocess.run(
            ("openssl", "genrsa", "-traditional", str(bits)), capture_output=True, check=True, timeout=20
        ).stdout
        small = load_pem_private_key(made, None, unsafe_skip_rsa_key_validation=True)
        assert not isinstance(small, ec.EllipticCurvePrivateKey)
        return Chain((leaf(ca.intermediate, _names(name), small), ca.intermediate.certificate), small)  # type: ignore[arg-type]  # the key is of either kind

    return make


def _pair(ca: Authority, name: str) -> Chain:
    first, second = _good(ca, name), _rsa(ca, name)
    return Chain(first.certificates, first.key, second)


RECIPES: Mapping[str, Recipe] = {
    "good": _good,
    "rsa": _rsa,
    "rsa-ecdsa": _pair,
    "expired": lambda ca, name: _good(ca, name, starts=-100, ends=-2),
    "future": lambda ca, name: _good(ca, name, starts=3, ends=90),
    "days900": lambda ca, name: _good(ca, name, starts=-10, ends=890),
    "self-signed": _self_signed,
    "unknown-ca": _by(lambda ca: ca.unknown, sent=True),
    "incomplete": _by(lambda ca: ca.intermediate, sent=False),
    "incomplete-for-good": _by(lambda ca: ca.unserved, sent=False),
    "intermediate-ends-first": _by(lambda ca: ca.ending, sent=True),
    "wrong-order": _wrong_order,
    "wrong-name": lambda ca, _name: _good(ca, "somebody-else.example"),
    "wildcard": lambda ca, _name: _good(ca, "*.lab.example"),
    "sha1": _signed_over("sha1"),
    "md5": _signed_over("md5"),
    "rsa1024": _small_rsa(1024),
    "rsa768": _small_rsa(768),
    "p192": lambda ca, name: _good(ca, name, ec_key(ec.SECP192R1())),
    "stapled": _stapled(revoked=False),
    "revoked": _stapled(revoked=True),
    "must-staple": _must_staple,
    "hostile": _hostile,
    "many-names": _many_names,
}


def reissue(ca: Authority, name: str, folder: Path) -> None:
    """A new certificate for the key that is there."""
    key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    _good(ca, name, key).write(folder)
