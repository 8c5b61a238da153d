"""Every server of the lab does what its case says, as clients see it that are no part of Roundsman."""

import re
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from nassl.legacy_ssl_client import LegacySslClient
from nassl.ssl_client import OpenSslVerifyEnum, OpenSslVersionEnum

from infra.lab.tls.case import Case
from infra.lab.tls.catalogue import PLANS
from infra.lab.tls.lab import TlsLab, tls_lab

FOREIGN = {
    "ssl3-only",
    "rc4-only",
    "curve-p192",
    "dh512",
    "p192",
    "rate-limited",
    "endless-chain",
    "refuses-unknown-names",
}
"""What openssl's s_client cannot or, of every second connection, need not shake hands with; each has its own test."""


@pytest.fixture(scope="module")
def lab():
    began = time.monotonic()
    with tls_lab() as running:
        assert time.monotonic() - began < 20
        yield running


@pytest.fixture(scope="module")
def said(lab: TlsLab) -> dict[str, str]:
    """What s_client says of each server that speaks TLS, by the lab's roots."""
    speaking = [case for case in lab.cases.values() if case.speaks_tls]
    with ThreadPoolExecutor(4) as pool:
        texts = pool.map(lambda case: s_client(case, lab.roots), speaking)
        return dict(zip((case.name for case in speaking), texts, strict=True))


def s_client(case: Case, roots: Path, *more: str) -> str:
    name = ("-servername", case.sni, "-verify_hostname", case.sni) if case.sni else ("-noservername",)
    start = ("-starttls", case.starttls) if case.starttls else ()
    ended = subprocess.run(
        ("openssl", "s_client", "-connect", case.endpoint, "-CAfile", str(roots), *name, *start,
         "-cipher", "ALL:@SECLEVEL=0", "-legacy_server_connect", "-status", *more),
        input=b"", capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    return (ended.stdout + ended.stderr).decode(errors="replace")


def shakes(case: Case, roots: Path, *more: str) -> bool:
    text = s_client(case, roots, *more)
    return "Cipher is " in text and "Cipher is (NONE)" not in text


@contextmanager
def legacy(case: Case, version: OpenSslVersionEnum, suites: str) -> Iterator[LegacySslClient]:
    """OpenSSL 1.0.2, which still knows what Debian's has forgotten; its handshake is done."""
    with socket.create_connection((case.address, case.port), 10) as connection:
        client = LegacySslClient(ssl_version=version, underlying_socket=connection, ssl_verify=OpenSslVerifyEnum.NONE)
        client.set_cipher_list(suites)
        client.do_handshake()
        yield client


def test_there_are_at_least_45_configurations_of_all_kinds():
    assert len(PLANS) >= 45
    assert {plan.by for plan in PLANS.values()} == {"nginx", "openssl", "stunnel", "python", "tlslite", "raw"}


def test_each_server_that_speaks_tls_shakes_hands_with_openssl(said):
    silent = {name for name, text in said.items() if "Cipher is " not in text or "Cipher is (NONE)" in text}
    assert silent - FOREIGN == set()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("perfect", "Verify return code: 0 (ok)"),
        ("expired", "certificate has expired"),
        ("future", "not yet valid"),
        ("self-signed", "self-signed certificate)"),
        ("unknown-ca", "self-signed certificate in certificate chain"),
        ("wrong-name", "hostname mismatch"),
        ("default-certificate", "hostname mismatch"),
        ("incomplete", "unable to verify the first certificate"),
        ("incomplete-for-good", "unable to verify the first certificate"),
        ("wrong-order", "Verify return code: 0 (ok)"),
        ("intermediate-ends-first", "Verify return code: 0 (ok)"),
        ("revoked", "Cert Status: revoked"),
        ("stapled", "Cert Status: good"),
        ("must-staple", "OCSP response: no response sent"),
        ("rsa1024", "Server public key is 1024 bit"),
        ("rsa768", "Server public key is 768 bit"),
        ("perfect-rsa", "Server public key is 2048 bit"),
        ("dh1024", "Server Temp Key: DH, 1024 bits"),
        ("sha1", "sigalg: RSA-SHA1"),
        ("md5", "sigalg: RSA-MD5"),
        ("tls12-only", "New, TLSv1.2"),
        ("no-forward-secrecy", "Cipher is AES256-GCM-SHA384"),
        ("forward-secrecy-last", "Cipher is AES128-GCM-SHA256"),
        ("client-certificate", "Acceptable client certificate CA names"),
    ],
)
def test_openssl_sees_what_the_case_is_about(said, name, words):
    assert words in said[name]


@pytest.mark.parametrize(
    ("name", "option", "takes"),
    [
        ("tls13-only", "-tls1_2", False),
        ("tls11-on", "-tls1_1", True),
        ("tls11-on", "-tls1", False),
        ("tls10-on", "-tls1", True),
        ("tls10-only", "-tls1_2", False),
        ("tls11-only", "-tls1_1", True),
        ("stunnel-tls10", "-tls1", True),
        ("smtp-starttls-tls10", "-tls1", True),
        ("perfect", "-tls1_1", False),
    ],
)
def test_versions_are_on_and_off(lab, name, option, takes):
    assert shakes(lab.cases[name], lab.roots, option) is takes


@pytest.mark.parametrize(
    ("name", "version", "suites", "cipher"),
    [
        ("ssl3", OpenSslVersionEnum.SSLV3, "ALL", "AES"),
        ("ssl3-only", OpenSslVersionEnum.SSLV3, "ALL", "AES"),
        ("rc4-first", OpenSslVersionEnum.TLSV1_2, "ALL", "RC4"),
        ("rc4-last", OpenSslVersionEnum.TLSV1_2, "RC4", "RC4"),
        ("rc4-last", OpenSslVersionEnum.TLSV1_2, "ALL", "GCM"),
        ("rc4-only", OpenSslVersionEnum.TLSV1_2, "ALL", "RC4"),
        ("3des-first", OpenSslVersionEnum.TLSV1_2, "ALL", "DES-CBC3"),
        ("3des-last", OpenSslVersionEnum.TLSV1_2, "3DES", "DES-CBC3"),
        ("null", OpenSslVersionEnum.TLSV1_2, "eNULL", "NULL"),
        ("anonymous", OpenSslVersionEnum.TLSV1_2, "aNULL", "AECDH"),
    ],
)
def test_an_old_client_gets_what_is_only_for_old_clients(lab, name, version, suites, cipher):
    with legacy(lab.cases[name], version, suites) as client:
        assert cipher in client.get_current_cipher_name()


def test_compression_is_agreed_and_a_page_comes_through_it(lab):
    with legacy(lab.cases["compression"], OpenSslVersionEnum.TLSV1_2, "ALL") as client:
        assert client.get_current_compression_method() is not None
        client.write(b"GET / HTTP/1.1\r\n\r\n")
        assert client.read(4096).startswith(b"HTTP/1.1 200")


def test_rfc_5746_is_missing_where_it_should_be(lab):
    def secure(name: str) -> bool:
        with legacy(lab.cases[name], OpenSslVersionEnum.TLSV1_2, "ALL") as client:
            return client.get_secure_renegotiation_support()

    assert not secure("no-secure-renegotiation")
    assert secure("rc4-last")


def test_a_client_without_rfc_5746_may_renegotiate_where_that_is_allowed(lab):
    """A client hello inside the encryption, without the extension, is answered by a server hello."""
    assert _second_hello_is_answered(lab.cases["insecure-renegotiation"])
    assert not _second_hello_is_answered(lab.cases["tls12-only"])


def _second_hello_is_answered(case: Case) -> bool:
    with warnings.catch_warnings():
        # It imports asyncore, of which nothing here makes use.
        warnings.simplefilter("ignore", DeprecationWarning)
        from tlslite.api import HandshakeSettings, TLSConnection

    class Client(TLSConnection):  # type: ignore[misc]  # tlslite ships no types
        def _sendMsg(self, msg, *args, **kwargs):  # noqa: N802  # tlslite's name
            if type(msg).__name__ == "ClientHello":
                msg.cipher_suites = [suite for suite in msg.cipher_suites if suite != 0x00FF]
                self.hello = msg
            return super()._sendMsg(msg, *args, **kwargs)

    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 3)
    with socket.create_connection((case.address, case.port), 3) as connection:
        client = Client(connection)
        client.handshakeClientCert(serverName=case.sni, settings=settings)
        for _ in client._sendMsg(client.hello):
            pass
        with suppress(OSError):
            for result in client._recordLayer.recvRecord():
                if isinstance(result, tuple):
                    return bool(result[0].type == 22)
    return False


def test_the_oracle_hangs_up_on_wrong_padding_and_only_on_that(lab):
    case = lab.cases["robot"]
    key = x509.load_pem_x509_certificate(ssl.get_server_certificate((case.address, case.port)).encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    numbers = key.public_numbers()

    def answer(plain: bytes) -> bytes:
        secret = pow(int.from_bytes(plain), numbers.e, numbers.n).to_bytes(256)
        exchange = b"\x10" + (258).to_bytes(3) + (256).to_bytes(2) + secret
        with socket.create_connection((case.address, case.port), 3) as stream:
            stream.sendall(_hello(3, b"\0\x9c"))
            said = b""
            while b"\x0e\0\0\0" not in said:
                said += stream.recv(4096)
            stream.sendall(b"\x16\3\3" + len(exchange).to_bytes(2) + exchange)
            stream.sendall(b"\x14\3\3\0\1\1" + b"\x16\3\3\0\x40" + bytes(64))
            with suppress(ConnectionError):
                return stream.recv(4096)
            return b""

    right = b"\0\2" + b"\xaa" * 205 + b"\0" + b"\3\3" + bytes(b"k" * 46)
    wrong = b"\0\x41" + right[2:]
    assert answer(right) != answer(wrong)


def test_ssl_2_and_export_suites_answer_by_themselves(lab):
    case = lab.cases["ssl2"]
    with socket.create_connection((case.address, case.port), 5) as stream:
        stream.sendall(b"\x80\x1c\1\0\2\0\3\0\0\0\x10\1\0\x80" + b"c" * 16)
        assert stream.recv(4096)[2:3] == b"\4"
    case = lab.cases["export"]
    with socket.create_connection((case.address, case.port), 5) as stream:
        stream.sendall(_hello(1, b"\0\3"))
        assert b"\0\3\0\0\5\xff\1\0\1\0" in stream.recv(4096)


@pytest.mark.parametrize(
    "name",
    [name for name, plan in PLANS.items() if (plan.by == "nginx" and name.startswith("hsts")) or name == "perfect"],
)
def test_hsts_is_sent_as_planned(lab, name):
    case = lab.cases[name]
    found = [line for line in _page(case).splitlines() if line.lower().startswith("strict-transport-security:")]
    assert [line.partition(": ")[2] for line in found] == list(PLANS[name].hsts or ())


def _page(case: Case) -> str:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((case.address, case.port), 5) as plain,
        context.wrap_socket(plain, server_hostname=case.sni) as stream,
    ):
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {case.sni}\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while more := stream.recv(4096):
            said += more
    return said.decode("latin-1")


@pytest.mark.parametrize(
    ("name", "sent", "starts"),
    [
        ("plaintext", b"\x16\3\1\0\1\1", b"HTTP/1.1 400"),
        ("banner", b"", b"SSH-2.0-"),
        ("garbage", b"\x16\3\1\0\1\1", b"\xff\xfe"),
        ("smtp-bad-greeting", b"", b"554 \xe9"),
        ("smtp-without-tls", b"", b"220 "),
    ],
)
def test_ports_without_tls_say_something_else(lab, name, sent, starts):
    case = lab.cases[name]
    with socket.create_connection((case.address, case.port), 5) as stream:
        stream.sendall(sent)
        assert stream.recv(100).startswith(starts)


def test_ports_without_words_hang_reset_or_are_closed(lab):
    hangs, resets, closed = (lab.cases[name] for name in ("hangs", "resets", "closed"))
    with socket.create_connection((hangs.address, hangs.port), 1) as stream:
        stream.sendall(b"\x16\3\1")
        with pytest.raises(TimeoutError):
            stream.recv(1)
    with socket.create_connection((resets.address, resets.port), 5) as stream:
        stream.sendall(b"\x16\3\1")
        with pytest.raises(ConnectionResetError):
            stream.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((closed.address, closed.port), 5)


def test_every_second_connection_is_reset(lab):
    case = lab.cases["rate-limited"]
    found = [shakes(case, lab.roots) for _ in range(4)]
    assert found in ([True, False] * 2, [False, True] * 2)


def test_the_slow_server_takes_its_five_seconds(lab):
    began = time.monotonic()
    assert shakes(lab.cases["slow"], lab.roots)
    assert time.monotonic() - began >= 5


def test_names_decide(lab):
    assert not shakes(lab.cases["refuses-unknown-names"], lab.roots)
    assert shakes(lab.cases["knows-its-name"], lab.roots)


def test_two_keys_are_served_side_by_side(lab):
    case = lab.cases["rsa-ecdsa"]
    assert "Peer signature type: ECDSA" in s_client(case, lab.roots, "-tls1_2", "-sigalgs", "ECDSA+SHA256")
    assert "Peer signature type: RSA" in s_client(case, lab.roots, "-tls1_2", "-sigalgs", "RSA-PSS+SHA256")


def test_certificates_are_as_strange_as_they_should_be(lab):
    def leaf(name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificates((lab.folder / name / "chain.pem").read_bytes())[0]

    names = leaf("hostile-names").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    said = names.get_values_for_type(x509.DNSName)
    assert any("\0" in name for name in said)
    assert any("\n" in name for name in said)
    assert any("<script>" in name for name in said)
    assert (lab.folder / "many-names" / "chain.pem").stat().st_size > 1_000_000
    days = leaf("days900").not_valid_after_utc - leaf("days900").not_valid_before_utc
    assert days.days == 900
    first, second = x509.load_pem_x509_certificates((lab.folder / "intermediate-ends-first" / "chain.pem").read_bytes())
    assert second.not_valid_after_utc < first.not_valid_after_utc


def test_weak_keys_are_agreed_on(lab):
    case = lab.cases["curve-p192"]
    assert "Server Temp Key: ECDH, prime192v1, 192 bits" in s_client(case, lab.roots, "-tls1_2", "-groups", "P-192")
    case = lab.cases["dh512"]
    with socket.create_connection((case.address, case.port), 5) as stream:
        stream.sendall(_hello(3, b"\0\x9e"))
        said = b""
        while b"\x0e\0\0\0" not in said and (more := stream.recv(4096)):
            said += more
    # The first number of ServerKeyExchange is the prime, in 64 bytes.
    assert re.search(rb"\x0c\0..\0\x40", said, re.DOTALL)


def _hello(minor: int, suite: bytes) -> bytes:
    """A client hello without extensions, for one suite."""
    body = bytes([3, minor]) + bytes(32) + b"\0\0\2" + suite + b"\1\0"
    hello = b"\1" + len(body).to_bytes(3) + body
    return b"\x16\3\1" + len(hello).to_bytes(2) + hello


def test_ten_megabytes_of_certificates_come(lab):
    case = lab.cases["endless-chain"]
    got = 0
    with socket.create_connection((case.address, case.port), 5) as stream:
        stream.sendall(_hello(3, b"\xc0\x2f"))
        while more := stream.recv(1 << 16):
            got += len(more)
    assert got > 9_900_000


def test_a_reissued_certificate_keeps_its_key():
    with tls_lab(["reissued"]) as lab:
        case = lab.cases["reissued"]
        before = x509.load_pem_x509_certificate(ssl.get_server_certificate((case.address, case.port)).encode())
        lab.reconfigure("reissued", chain="reissued")
        after = x509.load_pem_x509_certificate(ssl.get_server_certificate((case.address, case.port)).encode())
    assert before.serial_number != after.serial_number
    assert before.public_key() == after.public_key()


def test_settings_change_while_it_runs_and_no_process_is_left():
    with tls_lab(["switching", "stunnel-plain", "openssl-plain", "python-default"]) as lab:
        folder, case = str(lab.folder), lab.cases["switching"]
        assert not shakes(case, lab.roots, "-tls1_1")
        lab.reconfigure("switching", protocols="TLSv1.1 TLSv1.2 TLSv1.3", ciphers="ECDHE+AES")
        assert shakes(case, lab.roots, "-tls1_1")
        assert _running(folder) >= 3
    assert _running(folder) == 0
    assert not Path(folder).exists()


def _running(folder: str) -> int:
    """Processes whose command line speaks of this folder."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += folder in path.read_text()
    return found
