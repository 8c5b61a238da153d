"""From what sslyze returns to what a document says: every accident is blind, and no silence counts as a no."""

from collections.abc import Sequence
from typing import cast

from nassl.ephemeral_key_info import DhEphemeralKeyInfo, EcDhEphemeralKeyInfo
from sslyze.plugins.early_data_plugin import EarlyDataScanResult
from sslyze.plugins.heartbleed_plugin import HeartbleedScanResult
from sslyze.plugins.openssl_cipher_suites._test_cipher_suite import (
    CipherSuiteAcceptedByServer,
    CipherSuiteRejectedByServer,
)
from sslyze.plugins.robot._robot_tester import RobotScanResultEnum
from sslyze.plugins.robot.implementation import RobotScanResult
from sslyze.plugins.session_renegotiation_plugin import SessionRenegotiationScanResult
from sslyze.plugins.session_resumption._resumption_with_id import TlsResumptionSupportEnum
from sslyze.plugins.session_resumption.implementation import SessionResumptionSupportScanResult

from estate.tls.evidence import Check, Suite
from estate.tls.suites import bits_of
from tasks.tls.sslyze_scan import Job, reason_of

_NO_WORDS = ("rejected the connection", "timed out", "closed the connection", "interrupted", "Internal error")
"""How sslyze words what is a missing answer, or may be an overload, and yet counts as "suite rejected"."""


def accepted_suites(jobs: Sequence[Job]) -> tuple[tuple[Suite, ...], frozenset[str], str]:
    """What a cipher suite command proves: the accepted, the names that got no true answer, and a reason for those."""
    accepted: list[Suite] = []
    doubtful: set[str] = set()
    why = ""
    for job in jobs:
        match job.value:
            case CipherSuiteAcceptedByServer():
                accepted.append(_suite(job.value))
            case CipherSuiteRejectedByServer() if any(word in job.value.error_message for word in _NO_WORDS):
                doubtful.add(job.value.cipher_suite.name)
                why = why or job.value.error_message
            case CipherSuiteRejectedByServer():
                continue
            case _:
                # That nassl lacks a suite for a version is no news of the server.
                if job.failure is not None and type(job.failure).__name__ != "NoCiphersAvailableBugInSSlyze":
                    doubtful.add("")
                    why = why or reason_of(job.failure)
    return tuple(accepted), frozenset(doubtful), why


def robot_check(result: object) -> Check:
    """ROBOT; answers that differ from try to try prove nothing."""
    found = cast(RobotScanResult, result).robot_result
    if found in {RobotScanResultEnum.VULNERABLE_STRONG_ORACLE, RobotScanResultEnum.VULNERABLE_WEAK_ORACLE}:
        return Check("yes", found.name.lower().removeprefix("vulnerable_").replace("_", " "))
    if found is RobotScanResultEnum.NOT_VULNERABLE_NO_ORACLE:
        return Check("no")
    if found is RobotScanResultEnum.NOT_VULNERABLE_RSA_NOT_SUPPORTED:
        return Check("blind", "sslyze could not use an RSA key exchange that the server offers")
    return Check("blind", "the server's answers differ from try to try")


def heartbleed_check(result: object) -> Check:
    """CVE-2014-0160."""
    return _plain(cast(HeartbleedScanResult, result).is_vulnerable_to_heartbleed)


def early_data_check(result: object) -> Check:
    """0-RTT."""
    return _plain(cast(EarlyDataScanResult, result).supports_early_data)


def renegotiation_checks(result: object, secure: Check) -> tuple[Check, Check]:
    """Insecure renegotiation that a client may begin, and secure or not, whether it may do so without end."""
    found = cast(SessionRenegotiationScanResult, result)
    done = found.client_renegotiations_success_count
    words = f"{done} renegotiations in a row" if done else ""
    endless = Check("yes" if found.is_vulnerable_to_client_renegotiation_dos else "no", words)
    if secure.state != "no":
        return Check("no" if secure.state == "yes" else secure.state, secure.detail), endless
    return Check("yes" if done else "no", words), endless


def resumption_checks(result: object) -> tuple[Check, Check]:
    """By session id, by ticket: as of TLS 1.2."""
    found = cast(SessionResumptionSupportScanResult, result)
    return _resumption(found.session_id_resumption_result), _resumption(found.tls_ticket_resumption_result)


def _resumption(support: TlsResumptionSupportEnum) -> Check:
    if support is TlsResumptionSupportEnum.SERVER_IS_TLS_1_3_ONLY:
        return Check("not-applicable", "TLS 1.3 only")
    partly = support is TlsResumptionSupportEnum.PARTIALLY_SUPPORTED
    return Check("no" if support is TlsResumptionSupportEnum.NOT_SUPPORTED else "yes", "not always" if partly else "")


def _plain(found: bool) -> Check:
    return Check("yes" if found else "no")


def _suite(accepted: CipherSuiteAcceptedByServer) -> Suite:
    """sslyze counts 3DES as 168 bits; the guide does not."""
    suite, key = accepted.cipher_suite, accepted.ephemeral_key
    elliptic = isinstance(key, EcDhEphemeralKeyInfo)
    return Suite(
        name=suite.name,
        bits=bits_of(suite.name),
        anonymous=suite.is_anonymous,
        dh_bits=key.size if isinstance(key, DhEphemeralKeyInfo) else None,
        curve=_curve(key.curve_name) if isinstance(key, EcDhEphemeralKeyInfo) else None,
        curve_bits=key.size if key is not None and elliptic else None,
    )


def _curve(name: str) -> str:
    return {"X25519": "x25519", "X448": "x448", "prime256v1": "secp256r1", "prime192v1": "secp192r1"}.get(name, name)
