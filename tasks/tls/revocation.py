"""Whether the issuer has revoked the leaf: by the staple, and where an operator allows it by asking OCSP and CRLs."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from estate.certificates.certificate import Certificate
from estate.certificates.ocsp import Staple, judge_staple
from estate.certificates.reading import read_certificates
from estate.certificates.signatures import Signed, check
from estate.errors import BadReport
from estate.tls.evidence import Certificates, Deployment, Revocation

_MOST_BYTES = 16 * 1024 * 1024
_MOST_ANSWER = 64 * 1024
_MOST_URLS = 3


@dataclass(frozen=True, slots=True)
class _Pair:
    """A leaf and who signed it, as far as its chain shows."""

    leaf: Certificate
    issuer: Certificate | None


def revocation_of(certificates: Certificates, hosts: Sequence[str], timeout: float, now: datetime) -> Revocation:
    """What is known of the leaves that were shown; the worst of them counts.

    Args:
        certificates: the chains, with their staples.
        hosts: to whom questions may go; without any, nobody is asked.
        timeout: seconds for each question.
        now: what responses are dated against.
    """
    if not certificates.deployments:
        return Revocation("blind" if certificates.state == "blind" else "not-asked", reason=certificates.reason)
    found = [_one(each, hosts, timeout, now) for each in certificates.deployments]
    order = ("revoked", "unknown", "blind", "not-asked", "good")
    return min(found, key=lambda each: order.index(each.state))


def _one(deployment: Deployment, hosts: Sequence[str], timeout: float, now: datetime) -> Revocation:
    if deployment.staple is None and not hosts:
        return Revocation("not-asked", reason="no staple came with the chain")
    try:
        pair = _pair(deployment)
    except BadReport as error:
        return Revocation("blind", reason=f"the chain cannot be read: {error}"[:300])
    stapled = _judged(deployment.staple, pair, now, "staple") if deployment.staple is not None else None
    if stapled is not None and stapled.state in {"good", "revoked"}:
        return stapled
    asked = next(_asked(pair, hosts, timeout, now), None) if hosts else None
    return asked or stapled or Revocation("not-asked", reason="no staple came with the chain")


def _pair(deployment: Deployment) -> _Pair:
    leaf, *rest = (read_certificates(pem.encode())[0] for pem in deployment.chain)
    return _Pair(leaf, next((each for each in rest if check(leaf, each.key) is Signed.GOOD), None))


def _judged(der: bytes, pair: _Pair, now: datetime, how: Literal["staple", "ocsp"]) -> Revocation:
    verdict = judge_staple(der, pair.leaf, pair.issuer, now)
    if verdict.state is Staple.GOOD:
        return Revocation("good", how)
    if verdict.state is Staple.REVOKED:
        return Revocation("revoked", how, verdict.reason)
    return Revocation("unknown", how, f"{verdict.state.value}: {verdict.reason}")


def _asked(pair: _Pair, hosts: Sequence[str], timeout: float, now: datetime) -> Iterator[Revocation]:
    """Answers that settle it, OCSP before CRLs; then why there is none."""
    if pair.issuer is None:
        yield Revocation("blind", reason="the chain lacks the issuer, without whom nobody can be asked")
        return
    ways: list[tuple[Literal["ocsp", "crl"], str]] = [("ocsp", url) for url in pair.leaf.ocsp_urls[:_MOST_URLS]]
    ways += [("crl", url) for url in pair.leaf.crl_urls[:_MOST_URLS]]
    allowed = [(how, url) for how, url in ways if _is_allowed(url, hosts)]
    unsettled: Revocation | None = None
    for how, url in allowed:
        try:
            found = _ask_ocsp(pair, url, timeout, now) if how == "ocsp" else _ask_crl(pair, url, timeout, now)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, UnsupportedAlgorithm) as error:
            found = Revocation("blind", how, f"{type(error).__name__}: {error}"[:300])
        if found.state in {"good", "revoked"}:
            yield found
            return
        unsettled = unsettled or found
    if unsettled is not None:
        yield unsettled
    elif ways:
        yield Revocation("not-asked", reason="none of its responders is one that may be asked")


def _is_allowed(url: str, hosts: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - to look at it is to check it
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in hosts and "@" not in parts.netloc


def _ask_ocsp(pair: _Pair, url: str, timeout: float, now: datetime) -> Revocation:
    leaf = x509.load_der_x509_certificate(pair.leaf.der)
    issuer = x509.load_der_x509_certificate(pair.issuer.der) if pair.issuer is not None else leaf
    # RFC 5019 2.1.1: responders index their answers by SHA-1.
    builder = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1())  # noqa: S303 - as the RFC says
    body = builder.build().public_bytes(Encoding.DER)
    answer = _fetch("POST", url, timeout, _MOST_ANSWER, body)
    return _judged(answer, pair, now, "ocsp")


def _ask_crl(pair: _Pair, url: str, timeout: float, now: datetime) -> Revocation:
    """RFC 5280 5: the list must be the issuer's own, of leaves, and of today."""
    data = _fetch("GET", url, timeout, _MOST_BYTES, None)
    listed = x509.load_pem_x509_crl(data) if data.startswith(b"-----BEGIN") else x509.load_der_x509_crl(data)
    leaf = x509.load_der_x509_certificate(pair.leaf.der)
    issuer = x509.load_der_x509_certificate(pair.issuer.der) if pair.issuer is not None else leaf
    key = issuer.public_key()
    if listed.issuer != leaf.issuer or not _signed(listed, key):
        return Revocation("unknown", "crl", "the list is not the issuer's")
    for extension in listed.extensions:
        part = extension.value
        if isinstance(part, x509.IssuingDistributionPoint) and (
            part.only_contains_ca_certs or part.only_contains_attribute_certs or part.indirect_crl
        ):
            return Revocation("unknown", "crl", "the list is not one of leaves")
    entry = listed.get_revoked_certificate_by_serial_number(leaf.serial_number)
    if entry is not None:
        return Revocation("revoked", "crl", f"on {entry.revocation_date_utc:%Y-%m-%d}")
    if listed.next_update_utc is not None and listed.next_update_utc < now:
        return Revocation("unknown", "crl", f"the list was good until {listed.next_update_utc:%Y-%m-%d %H:%M} UTC")
    return Revocation("good", "crl")


def _signed(listed: x509.CertificateRevocationList, key: CertificatePublicKeyTypes) -> bool:
    issuing = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
    return isinstance(key, issuing) and listed.is_signature_valid(key)


def _fetch(method: str, url: str, timeout: float, most: int, body: bytes | None) -> bytes:
    """The body of a response, whole, in time and not too large.

    Raises:
        httpx.HTTPError: there is none.
        ValueError: it is too large, or comes too slowly.
    """
    until = time.monotonic() + 2 * timeout
    headers = {"User-Agent": "Roundsman", **({"Content-Type": "application/ocsp-request"} if body is not None else {})}
    data = bytearray()
    with (
        httpx.Client(timeout=timeout, trust_env=False) as client,
        client.stream(method, url, content=body, headers=headers) as response,
    ):
        response.raise_for_status()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > most:
                raise ValueError(f"more than {most} bytes")
            if time.monotonic() > until:
                raise ValueError("no end of the response")
    return bytes(data)
