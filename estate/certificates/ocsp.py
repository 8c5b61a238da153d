"""What a stapled OCSP response says of a certificate, and whether its issuer stands behind it (RFC 6960)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from estate.certificates.certificate import Certificate, Signature, read_certificate, signature_words
from estate.certificates.signatures import Signed, check, verify
from estate.errors import BadReport
from estate.text import printable

LONGEST_RESPONSE = 1 << 20
_SKEW = timedelta(minutes=5)
"""How far a responder's clock may be ahead of ours."""


class Staple(StrEnum):
    """What a staple is worth; only `GOOD` and `REVOKED` say something of the certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    STALE = "stale"
    UNTRUSTED = "untrusted"
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True)
class StapleVerdict:
    """The word of a staple; `reason` explains what is not plain good, the times are those that it bears."""

    state: Staple
    reason: str = ""
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None


def judge_staple(der: bytes, leaf: Certificate, issuer: Certificate | None, now: datetime) -> StapleVerdict:
    """Judge a stapled response.

    Args:
        der: the response as it came in the handshake.
        leaf: what it should speak of.
        issuer: of the leaf; without it nobody can vouch for the response.
        now: the moment to judge at.
    """
    if len(der) > LONGEST_RESPONSE:
        return StapleVerdict(Staple.UNFIT, f"{len(der)} bytes are too many for a staple")
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return StapleVerdict(Staple.UNFIT, response.response_status.name.lower().replace("_", " "))
        return _judge(response, leaf, issuer, now)
    except (ValueError, UnsupportedAlgorithm, BadReport) as error:
        return StapleVerdict(Staple.UNFIT, printable(f"it cannot be read: {error}", 200))


def _judge(response: ocsp.OCSPResponse, leaf: Certificate, issuer: Certificate | None, now: datetime) -> StapleVerdict:
    single = next((one for one in response.responses if _speaks_of(one, leaf, issuer)), None)
    if single is None:
        return StapleVerdict(Staple.UNFIT, "it speaks of another certificate")
    told = StapleVerdict(
        {
            ocsp.OCSPCertStatus.GOOD: Staple.GOOD,
            ocsp.OCSPCertStatus.REVOKED: Staple.REVOKED,
            ocsp.OCSPCertStatus.UNKNOWN: Staple.UNKNOWN,
        }[single.certificate_status],
        _reason(single),
        single.this_update_utc,
        single.next_update_utc,
        single.revocation_time_utc,
    )
    untrusted = _why_untrusted(response, issuer, now)
    if untrusted:
        return _as(told, Staple.UNTRUSTED, untrusted)
    if single.this_update_utc > now + _SKEW:
        return _as(told, Staple.STALE, f"it is from the future: {single.this_update_utc:%Y-%m-%d %H:%M} UTC")
    # A revocation does not grow old.
    if told.state is not Staple.REVOKED and single.next_update_utc is not None and single.next_update_utc < now:
        return _as(told, Staple.STALE, f"it was good until {single.next_update_utc:%Y-%m-%d %H:%M} UTC")
    return told


def _as(told: StapleVerdict, state: Staple, reason: str) -> StapleVerdict:
    return StapleVerdict(state, reason, told.this_update, told.next_update, told.revoked_at)


def _reason(single: ocsp.OCSPSingleResponse) -> str:
    reason = single.revocation_reason
    return "" if reason is None else reason.value


def _speaks_of(single: ocsp.OCSPSingleResponse, leaf: Certificate, issuer: Certificate | None) -> bool:
    """Whether the response's certificate id is this leaf's: the serial number, and its issuer's key by a hash."""
    if f"{single.serial_number:x}" != leaf.serial.lstrip("0"):
        return False
    if issuer is None:
        return True
    digest = hashes.Hash(single.hash_algorithm)
    digest.update(issuer.key.key_bytes)
    return digest.finalize() == single.issuer_key_hash


def _why_untrusted(response: ocsp.OCSPResponse, issuer: Certificate | None, now: datetime) -> str:
    """Why nobody vouches for a response, or an empty string where the issuer, or whom it appointed, signed it."""
    if issuer is None:
        return "the issuer is not known, who alone can vouch for it"
    algorithm = signature_words(response.signature_algorithm_oid.dotted_string)
    signature = Signature(*algorithm, 0, response.signature, response.tbs_response_bytes)
    if verify(signature, issuer.key) is Signed.GOOD:
        return ""
    for sent in response.certificates[:5]:
        delegate = read_certificate(sent.public_bytes(Encoding.DER))
        if verify(signature, delegate.key) is not Signed.GOOD:
            continue
        if check(delegate, issuer.key) is not Signed.GOOD:
            return f"{delegate} signed it, whom the issuer did not appoint"
        if "ocsp-signing" not in (delegate.purposes or ()):
            return f"{delegate} signed it, who may not sign such"
        if not delegate.not_before <= now <= delegate.not_after:
            return f"{delegate} signed it, who is out of date"
        return ""
    return "its signature fits no key of the issuer's"
