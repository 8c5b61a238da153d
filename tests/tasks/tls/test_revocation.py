"""Revocation is asked of whom an operator allows, and believed only from the issuer."""

import re
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from estate.tls.evidence import Certificates, Deployment, Revocation
from tasks.tls.revocation import revocation_of

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@dataclass
class Issued:
    """A leaf, its issuer, and what they were made with."""

    leaf: x509.Certificate
    leaf_key: ec.EllipticCurvePrivateKey
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def chain(self) -> tuple[str, ...]:
        return tuple(each.public_bytes(Encoding.PEM).decode() for each in (self.leaf, self.issuer))

    def staple(self, status: ocsp.OCSPCertStatus, *, until: datetime = NOW + DAY, forged: bool = False) -> bytes:
        revoked = NOW - DAY if status is ocsp.OCSPCertStatus.REVOKED else None
        begun = min(NOW, until) - DAY
        builder = ocsp.OCSPResponseBuilder().add_response(
            self.leaf, self.issuer, hashes.SHA1(), status, begun, until, revoked, None
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.leaf if forged else self.issuer)
        return builder.sign(self.leaf_key if forged else self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def crl(self, *, revoked: bool, until: datetime = NOW + DAY, of_leaves: bool = True, forged: bool = False) -> bytes:
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.issuer.subject)
        builder = builder.last_update(NOW - 2 * DAY).next_update(until)
        if revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(self.leaf.serial_number).revocation_date(NOW - DAY)
            builder = builder.add_revoked_certificate(entry.build())
        if not of_leaves:
            part = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)
            builder = builder.add_extension(part, critical=True)
        return builder.sign(self.leaf_key if forged else self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def issue(ocsp_url: str = "", crl_url: str = "") -> Issued:
    key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in "12")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An issuer")])
    issuer = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 9 * DAY)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example")]))
        .issuer_name(subject)
        .public_key(leaf_key.public_key())
        .serial_number(4711)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 9 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
    )
    if ocsp_url:
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url))
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if crl_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return Issued(builder.sign(key, hashes.SHA256()), leaf_key, issuer, key)


def look(issued: Issued, *hosts: str, staple: bytes | None = None) -> Revocation:
    shown = Certificates("known", "", (Deployment(True, issued.chain, staple),))
    return revocation_of(shown, hosts, 1.0, NOW)


@pytest.fixture
def responder(serve):
    """An HTTP server whose answers are set afterwards: its port, the answers by method, and what it heard."""
    answers: dict[str, bytes] = {}
    heard: list[bytes] = []

    def handle(sock: socket.socket, _number: int) -> None:
        request = sock.recv(4096)
        if match := re.search(rb"content-length: (\d+)", request.lower()):
            request += sock.recv(int(match[1]) - len(request.partition(b"\r\n\r\n")[2]), socket.MSG_WAITALL)
        heard.append(request)
        body = answers.get(request.split(b" ")[0].decode(), b"")
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return serve(handle), answers, heard


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (ocsp.OCSPCertStatus.GOOD, "good"),
        (ocsp.OCSPCertStatus.REVOKED, "revoked"),
        (ocsp.OCSPCertStatus.UNKNOWN, "unknown"),
    ],
)
def test_a_staple_says_what_it_says(status, state) -> None:
    issued = issue()
    found = look(issued, staple=issued.staple(status))
    assert (found.state, found.how) == (state, "staple")


def test_a_staple_that_the_issuer_did_not_sign_says_nothing() -> None:
    issued = issue()
    for status in (ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED):
        assert look(issued, staple=issued.staple(status, forged=True)).state == "unknown"


def test_neither_does_one_of_yesterday_nor_a_broken_one() -> None:
    issued = issue()
    assert look(issued, staple=issued.staple(ocsp.OCSPCertStatus.GOOD, until=NOW - DAY)).state == "unknown"
    assert look(issued, staple=b"\x30\x03\x02\x01\x01").state == "unknown"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_staple_is_read_from_the_handshake(openssl, ask, tmp_path, version) -> None:
    issued = issue()
    chain, rest, key, staple = (tmp_path / name for name in ("chain", "rest", "key", "staple"))
    chain.write_text("".join(issued.chain))
    rest.write_text(issued.chain[1])
    key.write_bytes(issued.leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    staple.write_bytes(issued.staple(ocsp.OCSPCertStatus.REVOKED))
    options = (version, "-status_file", str(staple), "-cert_chain", str(rest))
    evidence = ask(openssl(*options, chain=chain, key=key), profile="certificate")
    assert evidence.certificates.deployments[0].staple == staple.read_bytes()
    assert (evidence.revocation.state, evidence.revocation.how) == ("revoked", "staple")


def test_nobody_is_asked_unless_allowed(responder) -> None:
    port, _, heard = responder
    issued = issue(f"http://localhost:{port}/", f"http://localhost:{port}/list.crl")
    assert look(issued).state == "not-asked"
    assert look(issued, "crl.example").state == "not-asked"
    assert heard == []


@pytest.mark.parametrize(
    "url", ["http://crl.example@127.0.0.1/", "file:///etc/passwd", "http://[/", "http://crl.example.evil/"]
)
def test_an_address_that_only_looks_allowed_is_not(url) -> None:
    assert look(issue(crl_url=url), "crl.example").state == "not-asked"


@pytest.mark.parametrize(
    ("status", "state"), [(ocsp.OCSPCertStatus.GOOD, "good"), (ocsp.OCSPCertStatus.REVOKED, "revoked")]
)
def test_a_responder_is_asked_for_the_leaf(responder, status, state) -> None:
    port, answers, heard = responder
    issued = issue(f"http://localhost:{port}/")
    answers["POST"] = issued.staple(status)
    found = look(issued, "localhost")
    assert (found.state, found.how) == (state, "ocsp")
    asked = ocsp.load_der_ocsp_request(heard[0].partition(b"\r\n\r\n")[2])
    assert asked.serial_number == 4711


@pytest.mark.parametrize(
    ("made", "state"),
    [
        ({"revoked": False}, "good"),
        ({"revoked": True}, "revoked"),
        ({"revoked": False, "until": NOW - DAY}, "unknown"),
        ({"revoked": True, "until": NOW - DAY}, "revoked"),
        ({"revoked": False, "of_leaves": False}, "unknown"),
        ({"revoked": False, "forged": True}, "unknown"),
        ({"revoked": True, "forged": True}, "unknown"),
    ],
)
def test_a_list_counts_if_it_is_the_issuers_of_leaves_and_of_today(responder, made, state) -> None:
    port, answers, _ = responder
    issued = issue(crl_url=f"http://localhost:{port}/list.crl")
    answers["GET"] = issued.crl(**made)
    found = look(issued, "localhost")
    assert (found.state, found.how) == (state, "crl")


def test_where_a_responder_is_no_help_the_list_is(responder) -> None:
    port, answers, _ = responder
    issued = issue(f"http://localhost:{port}/", f"http://localhost:{port}/list.crl")
    answers |= {"POST": b"nonsense", "GET": issued.crl(revoked=True)}
    assert look(issued, "localhost").state == "revoked"


@pytest.mark.parametrize("body", [b"", b"nonsense", b"-----BEGIN X509 CRL-----\nnonsense"])
def test_nonsense_leaves_us_blind(responder, body) -> None:
    port, answers, _ = responder
    answers["GET"] = body
    assert look(issue(crl_url=f"http://localhost:{port}/"), "localhost").state == "blind"


def test_a_redirect_is_not_followed(serve) -> None:
    heard: list[bytes] = []

    def handle(sock: socket.socket, _number: int) -> None:
        heard.append(sock.recv(4096))
        sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    found = look(issue(crl_url=f"http://localhost:{serve(handle)}/"), "localhost")
    assert found.state == "blind"
    assert len(heard) == 1


def test_a_list_without_end_is_given_up(serve) -> None:
    over = threading.Event()

    def handle(sock: socket.socket, _number: int) -> None:
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.wait(0.1):
            sock.sendall(b"x")

    before = time.monotonic()
    found = look(issue(crl_url=f"http://localhost:{serve(handle)}/"), "localhost")
    over.set()
    assert found.state == "blind"
    assert time.monotonic() - before < 5


def test_a_chain_without_its_issuer_cannot_be_asked_about(responder) -> None:
    port, _, heard = responder
    issued = issue(f"http://localhost:{port}/")
    shown = Certificates("known", "", (Deployment(True, issued.chain[:1]),))
    assert revocation_of(shown, ("localhost",), 1.0, NOW).state == "blind"
    assert heard == []


def test_the_worst_of_two_chains_counts() -> None:
    good, bad = issue(), issue()
    shown = (
        Deployment(True, good.chain, good.staple(ocsp.OCSPCertStatus.GOOD)),
        Deployment(True, bad.chain, bad.staple(ocsp.OCSPCertStatus.REVOKED)),
    )
    assert revocation_of(Certificates("known", "", shown), (), 1.0, NOW).state == "revoked"


def test_without_a_chain_there_is_nothing_to_ask_about() -> None:
    assert revocation_of(Certificates("blind", "why"), (), 1.0, NOW).state == "blind"
    assert revocation_of(Certificates("known", "anonymous"), (), 1.0, NOW).state == "not-asked"
