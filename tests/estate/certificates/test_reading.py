import base64
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.certificates.keystores import MOST_ROUNDS
from estate.certificates.reading import LONGEST_DOCUMENT, read_certificates, spell_pem
from estate.errors import BadReport


@pytest.fixture(scope="module")
def chain(workshop):
    root = workshop.root()
    middle = workshop.issue("Middle", root, authority=True)
    return (workshop.issue("web.example", middle), middle, root)


@pytest.fixture(scope="module")
def certificates(chain):
    return tuple(made.certificate for made in chain)


def pem(*found) -> bytes:
    return "".join(spell_pem(one.certificate) for one in found).encode()


def key_pem(made):
    return made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def keystore(chain, password=None) -> bytes:
    theirs = [x509.load_der_x509_certificate(made.der) for made in chain]
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"web", chain[0].key, theirs[0], theirs[1:], encryption)


def test_a_bundle_is_read_in_its_order_and_each_once(chain, certificates):
    assert read_certificates(pem(*chain, chain[0])) == certificates


def test_a_key_beside_its_certificate_is_left_where_it_is(chain, certificates):
    bundle = key_pem(chain[0]) + pem(*chain)
    read = read_certificates(bundle)
    assert read == certificates
    secret = chain[0].key.private_numbers().private_value.to_bytes(32, "big")
    assert secret in base64.b64decode(b"".join(key_pem(chain[0]).splitlines()[1:-1]))
    assert all(secret not in one.der for one in read)


def test_words_between_blocks_and_windows_line_ends_are_no_matter(chain, certificates):
    text = b"# our chain\n" + pem(chain[0]) + b"subject=x\n\n" + pem(*chain[1:])
    assert read_certificates(text.replace(b"\n", b"\r\n")) == certificates


def test_a_block_of_openssl_with_its_trust_is_read(chain, tmp_path):
    (tmp_path / "leaf.pem").write_bytes(pem(chain[0]))
    command = ["openssl", "x509", "-in", "leaf.pem", "-trustout", "-addtrust", "serverAuth"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60).stdout
    assert b"BEGIN TRUSTED CERTIFICATE" in made
    assert read_certificates(made) == (chain[0].certificate,)


def test_der_is_one_certificate(chain):
    assert read_certificates(chain[0].der) == (chain[0].certificate,)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_pkcs7_holds_a_chain(chain, certificates, encoding):
    theirs = [x509.load_der_x509_certificate(made.der) for made in chain]
    assert set(read_certificates(pkcs7.serialize_certificates(theirs, encoding))) == set(certificates)


def test_a_keystore_gives_its_certificates_and_keeps_its_key(chain, certificates):
    assert read_certificates(keystore(chain)) == certificates
    assert read_certificates(keystore(chain, b"secret"), b"secret") == certificates


def test_a_keystore_that_stays_shut_says_so_without_the_password(chain):
    with pytest.raises(BadReport, match="needs a password"):
        read_certificates(keystore(chain, b"secret"))
    with pytest.raises(BadReport, match="this password does not open") as caught:
        read_certificates(keystore(chain, b"secret"), b"a wrong one")
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("options", [["-keypbe", "NONE", "-certpbe", "NONE"], ["-legacy"], ["-descert", "-legacy"]])
def test_keystores_of_openssl_of_any_age_are_read(chain, certificates, tmp_path, options):
    (tmp_path / "all.pem").write_bytes(key_pem(chain[0]) + pem(*chain))
    command = ["openssl", "pkcs12", "-export", "-in", "all.pem", "-out", "all.p12", "-passout", "pass:x", *options]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60)
    assert set(read_certificates((tmp_path / "all.p12").read_bytes(), b"x")) == set(certificates)


def test_a_keystore_that_asks_for_years_of_work_is_refused_at_once(chain, tmp_path):
    made = keystore(chain, b"secret")
    # PBKDF2's parameters: salt, then rounds (20,000 as the library writes them), then the length of the key.
    rounds = b"\x02\x02\x4e\x20"
    assert rounds in made
    (tmp_path / "all.pem").write_bytes(key_pem(chain[0]) + pem(*chain))
    command = ["openssl", "pkcs12", "-export", "-in", "all.pem", "-out", "all.p12", "-passout", "pass:x"]
    subprocess.run([*command, "-iter", "70000"], cwd=tmp_path, capture_output=True, check=True, timeout=60)
    spoiled = (tmp_path / "all.p12").read_bytes()
    assert spoiled.count(b"\x02\x03\x01\x11\x70") >= 2
    spoiled = spoiled.replace(b"\x02\x03\x01\x11\x70", b"\x02\x03\x7f\x11\x70")
    assert MOST_ROUNDS < 0x7F1170
    with pytest.raises(BadReport, match="rounds of key derivation"):
        read_certificates(spoiled, b"x")


def test_the_number_of_the_broken_block_is_told(chain):
    broken = pem(chain[0]) + b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"
    with pytest.raises(BadReport, match="block 2: not base64"):
        read_certificates(broken)
    empty = pem(chain[0]) + b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
    with pytest.raises(BadReport, match="block 2: not a certificate: nothing there"):
        read_certificates(empty)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "neither PEM nor DER"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no certificate in it"),
        (b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", "not PKCS#7: a part is missing"),
        (b"\x30\x03\x02\x01\x03", "a keystore"),
        (b"<html>404</html>", "neither PEM nor DER"),
    ],
)
def test_what_holds_no_certificate_is_refused_by_name(data, what):
    with pytest.raises(BadReport, match=what):
        read_certificates(data)


def test_a_file_that_is_too_large_is_refused_unread():
    with pytest.raises(BadReport, match="over the limit"):
        read_certificates(b"-----BEGIN CERTIFICATE-----" + b"A" * LONGEST_DOCUMENT)


def test_a_file_that_is_cut_off_says_so_wherever_the_cut_is(chain):
    whole = pem(*chain[:2])
    first = len(pem(chain[0]))
    for end in range(first + 28, len(whole) - 1, 37):
        with pytest.raises(BadReport, match="cut off"):
            read_certificates(whole[:end])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_keystore_is_ever_a_crash(chain, data):
    made = bytearray(_KEYSTORES.setdefault("plain", keystore(chain)))
    for _ in range(data.draw(st.integers(1, 4))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    try:
        told = "".join(map(str, read_certificates(bytes(made))))
    except BadReport as error:
        told = str(error)
    assert told.isprintable()


_KEYSTORES: dict[str, bytes] = {}
