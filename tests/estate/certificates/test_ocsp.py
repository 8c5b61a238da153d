from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.certificates.ocsp import Staple, judge_staple
from estate.certificates.rules import weaknesses_of
from estate.certificates.shown import show
from estate.certificates.trust import TrustStore

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"


@pytest.fixture(scope="module")
def issuer(workshop):
    return workshop.root("Issuer")


@pytest.fixture(scope="module")
def leaf(workshop, issuer):
    return workshop.issue("web.example", issuer)


def respond(workshop, leaf, issuer, *, signer=None, revoked=False, this=-HOUR, until=DAY, status=None) -> bytes:
    mine, above = (x509.load_der_x509_certificate(made.der) for made in (leaf, issuer))
    signer = signer or issuer
    now = workshop.now
    builder = ocsp.OCSPResponseBuilder().add_response(
        mine,
        above,
        hashes.SHA1(),
        status or (ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD),
        now + this,
        now + until if until is not None else None,
        now - DAY if revoked else None,
        x509.ReasonFlags.key_compromise if revoked else None,
    )
    me = x509.load_der_x509_certificate(signer.der)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, me)
    if signer is not issuer:
        builder = builder.certificates([me])
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def judge(workshop, der, leaf, issuer):
    return judge_staple(der, leaf.certificate, issuer.certificate if issuer else None, workshop.now)


def test_a_good_staple_is_good(workshop, leaf, issuer):
    told = judge(workshop, respond(workshop, leaf, issuer), leaf, issuer)
    assert told.state is Staple.GOOD
    assert (told.this_update, told.next_update) == (workshop.now - HOUR, workshop.now + DAY)


def test_a_revocation_says_why_and_since_when_and_does_not_grow_old(workshop, leaf, issuer):
    told = judge(workshop, respond(workshop, leaf, issuer, revoked=True, this=-9 * DAY, until=-2 * DAY), leaf, issuer)
    assert told.state is Staple.REVOKED
    assert (told.reason, told.revoked_at) == ("keyCompromise", workshop.now - DAY)


def test_a_responder_that_knows_nothing_is_unknown(workshop, leaf, issuer):
    der = respond(workshop, leaf, issuer, status=ocsp.OCSPCertStatus.UNKNOWN)
    assert judge(workshop, der, leaf, issuer).state is Staple.UNKNOWN


@pytest.mark.parametrize(("this", "until"), [(-9 * DAY, -HOUR), (HOUR, DAY)])
def test_a_staple_out_of_its_time_is_stale(workshop, leaf, issuer, this, until):
    assert judge(workshop, respond(workshop, leaf, issuer, this=this, until=until), leaf, issuer).state is Staple.STALE


def test_a_stranger_and_an_unknown_issuer_are_not_believed(workshop, leaf, issuer):
    other = workshop.root("Issuer")
    forged = respond(workshop, leaf, issuer, signer=other)
    assert judge(workshop, forged, leaf, issuer).state is Staple.UNTRUSTED
    assert judge(workshop, respond(workshop, leaf, issuer), leaf, None).state is Staple.UNTRUSTED


@pytest.mark.parametrize(
    ("purposes", "end", "state"),
    [
        ((OCSP_SIGNING,), DAY, Staple.GOOD),
        (("1.3.6.1.5.5.7.3.1",), DAY, Staple.UNTRUSTED),
        ((OCSP_SIGNING,), -HOUR, Staple.UNTRUSTED),
    ],
)
def test_whom_the_issuer_appointed_may_sign(workshop, leaf, issuer, purposes, end, state):
    delegate = workshop.issue("Responder", issuer, purposes=purposes, end=workshop.now + end)
    assert judge(workshop, respond(workshop, leaf, issuer, signer=delegate), leaf, issuer).state is state


def test_a_staple_of_another_certificate_is_unfit(workshop, leaf, issuer):
    neighbour = workshop.issue("neighbour.example", issuer)
    assert judge(workshop, respond(workshop, neighbour, issuer), leaf, issuer).state is Staple.UNFIT


def test_a_refusal_and_noise_are_unfit(workshop, leaf, issuer):
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    der = refusal.public_bytes(Encoding.DER)
    assert judge(workshop, der, leaf, issuer).reason == "try later"
    for noise in (b"", b"\x30\x03\x0a\x01\x00", b"\0" * (2 << 20)):
        assert judge(workshop, noise, leaf, issuer).state is Staple.UNFIT


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_no_mutilated_staple_is_a_crash_or_believed(workshop, leaf, issuer, at, byte):
    der = bytearray(_MADE.setdefault("good", respond(workshop, leaf, issuer)))
    at %= len(der)
    before, der[at] = der[at], byte
    told = judge(workshop, bytes(der), leaf, issuer)
    assert told.reason.isprintable()
    assert told.state is not Staple.REVOKED or before == byte


_MADE: dict[str, bytes] = {}


def test_a_revoked_staple_makes_the_chain_untrusted(workshop, leaf, issuer):
    roots = TrustStore.of([issuer.certificate], mozilla=False)
    staple = respond(workshop, leaf, issuer, revoked=True)
    shown = show("443", None, [leaf.certificate], workshop.now, roots, staple=staple)
    assert not shown.verdict.trusted
    assert "revoked" in dict(weaknesses_of(shown))
    shown = show("443", None, [leaf.certificate], workshop.now, roots, staple=respond(workshop, leaf, issuer))
    assert shown.verdict.trusted
