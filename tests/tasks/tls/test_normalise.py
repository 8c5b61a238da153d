"""What sslyze returns is believed only as far as it looked."""

import pytest
from nassl.ephemeral_key_info import DhEphemeralKeyInfo, EcDhEphemeralKeyInfo, OpenSslEcNidEnum, OpenSslEvpPkeyEnum
from nassl.ssl_client import ClientCertificateRequested
from sslyze.plugins.openssl_cipher_suites._test_cipher_suite import (
    CipherSuiteAcceptedByServer,
    CipherSuiteRejectedByServer,
)
from sslyze.plugins.openssl_cipher_suites.cipher_suites import CipherSuite
from sslyze.plugins.robot._robot_tester import RobotScanResultEnum
from sslyze.plugins.robot.implementation import RobotScanResult
from sslyze.plugins.session_renegotiation_plugin import SessionRenegotiationScanResult
from sslyze.plugins.session_resumption._resumption_with_id import TlsResumptionSupportEnum
from sslyze.plugins.session_resumption.implementation import SessionResumptionSupportScanResult

from estate.tls.evidence import Check
from tasks.tls.normalise import accepted_suites, renegotiation_checks, resumption_checks, robot_check
from tasks.tls.sslyze_scan import Job, NotFinished, reason_of

TRIPLE_DES = CipherSuite("TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", False, 168, "EDH-RSA-DES-CBC3-SHA")


@pytest.mark.parametrize(
    "words",
    [
        "Server rejected the connection",
        "Connection to server timed out during the TLS handshake",
        "Server closed the connection during the TLS handshake",
        "Server interrupted the TLS handshake",
        "TLS alert: Internal error",
    ],
)
def test_a_missing_answer_is_no_rejection(words: str) -> None:
    accepted, doubtful, why = accepted_suites([Job(CipherSuiteRejectedByServer(TRIPLE_DES, words))])
    assert (accepted, set(doubtful), why) == ((), {TRIPLE_DES.name}, words)


@pytest.mark.parametrize(
    "words", ["TLS alert: handshake failure", "TLS alert: protocol version ", "TLS error: wrong version number"]
)
def test_an_alert_is_one(words: str) -> None:
    assert accepted_suites([Job(CipherSuiteRejectedByServer(TRIPLE_DES, words))]) == ((), frozenset(), "")


def test_a_job_that_failed_is_doubtful() -> None:
    _, doubtful, why = accepted_suites([Job(failure=NotFinished("no time was left"))])
    assert doubtful
    assert "no time" in why


def test_parameters_come_with_the_suite() -> None:
    diffie = DhEphemeralKeyInfo(OpenSslEvpPkeyEnum.DH, 1024, bytearray(), bytearray(), bytearray())
    elliptic = EcDhEphemeralKeyInfo(OpenSslEvpPkeyEnum.X25519, 253, bytearray(), OpenSslEcNidEnum.X25519)
    jobs = [Job(CipherSuiteAcceptedByServer(TRIPLE_DES, key)) for key in (diffie, elliptic, None)]
    (first, second, third), _, _ = accepted_suites(jobs)
    assert (first.bits, first.dh_bits, first.curve) == (112, 1024, None)
    assert (second.dh_bits, second.curve, second.curve_bits) == (None, "x25519", 253)
    assert (third.dh_bits, third.curve) == (None, None)


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (RobotScanResultEnum.VULNERABLE_STRONG_ORACLE, "yes"),
        (RobotScanResultEnum.VULNERABLE_WEAK_ORACLE, "yes"),
        (RobotScanResultEnum.NOT_VULNERABLE_NO_ORACLE, "no"),
        (RobotScanResultEnum.UNKNOWN_INCONSISTENT_RESULTS, "blind"),
        # It is only asked where an RSA key exchange is offered, so that this is a contradiction.
        (RobotScanResultEnum.NOT_VULNERABLE_RSA_NOT_SUPPORTED, "blind"),
    ],
)
def test_robot_is_told_from_not_knowing(result, state) -> None:
    assert robot_check(RobotScanResult(result)).state == state


@pytest.mark.parametrize(
    ("secure", "done", "insecure"),
    [
        ("yes", 4, "no"),
        ("no", 4, "yes"),
        ("no", 0, "no"),
        ("blind", 4, "blind"),
        ("not-applicable", 0, "not-applicable"),
    ],
)
def test_renegotiation_is_insecure_only_without_rfc_5746(secure, done, insecure) -> None:
    result = SessionRenegotiationScanResult(secure == "yes", done == 4, done)
    found, endless = renegotiation_checks(result, Check(secure))
    assert (found.state, endless.state) == (insecure, "yes" if done else "no")


@pytest.mark.parametrize(
    ("support", "state"),
    [
        (TlsResumptionSupportEnum.FULLY_SUPPORTED, "yes"),
        (TlsResumptionSupportEnum.PARTIALLY_SUPPORTED, "yes"),
        (TlsResumptionSupportEnum.NOT_SUPPORTED, "no"),
        (TlsResumptionSupportEnum.SERVER_IS_TLS_1_3_ONLY, "not-applicable"),
    ],
)
def test_resumption_is_a_fact(support, state) -> None:
    result = SessionResumptionSupportScanResult(support, 1, 1, support, 1, 1)
    assert {check.state for check in resumption_checks(result)} == {state}


def test_every_accident_has_a_reason() -> None:
    assert reason_of(ClientCertificateRequested([])).startswith("CLIENT_CERTIFICATE_NEEDED")
    assert reason_of(TimeoutError("timed out")).startswith("CONNECTIVITY_ISSUE")
    assert reason_of(NotFinished("late")).startswith("NOT_FINISHED")
    assert reason_of(KeyError("x")).startswith("BUG_IN_SSLYZE: KeyError")
