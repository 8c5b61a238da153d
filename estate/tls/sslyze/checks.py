"""What sslyze's other commands prove: holes, features, curves, and Strict-Transport-Security."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from estate.text import printable
from estate.tls.evidence import Check, CheckName, Curves, Hsts, Modern, Protocol, Version
from estate.tls.sslyze.attempts import result_of
from estate.tls.sslyze.protocols import CURVES, suites_attempt, version_of
from estate.tls.sslyze.shapes import Attempt, Commands, Connectivity, Renegotiation, Resumption, Truth

Found = TypeVar("Found", bound=Truth)

_NEWER = "not tried: whoever speaks TLS 1.3 is newer than this hole, holds sslyze"
_NO_RENEGOTIATION = "TLS 1.3 only"
_BEFORE_TLS13: tuple[Version, ...] = ("SSL3", "TLS1.0", "TLS1.1", "TLS1.2")
_BY_SILENCE: tuple[CheckName, ...] = (
    "compression",
    "heartbleed",
    "ccs_injection",
    "robot",
    "secure_renegotiation",
    "client_renegotiation",
)
"""What is said no to, or called secure, because something did not happen; a reset does the same."""
_RESUMED: Mapping[str, Literal["yes", "no"]] = {
    "FULLY_SUPPORTED": "yes",
    "PARTIALLY_SUPPORTED": "yes",
    "NOT_SUPPORTED": "no",
}
_NO_HTTP = "NotAValidHttpResponseError"


def checks_of(
    commands: Commands, connectivity: Connectivity, protocols: Mapping[Version, Protocol], disturbed: str
) -> dict[CheckName, Check]:
    """Each check.

    Args:
        commands: what was tried.
        connectivity: what sslyze's first handshake came to.
        protocols: what is on offer.
        disturbed: why the absence of an answer proves nothing, or empty.
    """
    newest = version_of(connectivity.highest_tls_version_supported) == "TLS1.3"
    renegotiation, why = result_of(commands.session_renegotiation)
    resumed, no_resumption = result_of(commands.session_resumption)
    secure, legacy, endless = _renegotiation(renegotiation, why, protocols)
    checks: dict[CheckName, Check] = {
        "compression": _plain(commands.tls_compression),
        "heartbleed": _hole(commands.heartbleed, newest=newest),
        "ccs_injection": _hole(commands.openssl_ccs_injection, newest=newest),
        "robot": _robot(commands, protocols),
        "secure_renegotiation": secure,
        "client_renegotiation": legacy,
        "renegotiation_dos": endless,
        "fallback_scsv": _plain(commands.tls_fallback_scsv),
        "early_data": _plain(commands.tls_1_3_early_data),
        "session_ids": _resumption(resumed, no_resumption, resumed.session_id_resumption_result if resumed else ""),
        "session_tickets": _resumption(resumed, no_resumption, resumed.tls_ticket_resumption_result if resumed else ""),
        "extended_master_secret": _plain(commands.tls_extended_master_secret),
        "post_quantum": Check("blind", "sslyze cannot offer it"),
    }
    if disturbed:
        quiet = {"secure_renegotiation": "yes"}
        doubted = [name for name in _BY_SILENCE if checks[name].state in {quiet.get(name, "no"), "not-applicable"}]
        checks |= dict.fromkeys(doubted, Check("blind", disturbed))
    return checks


def _plain(attempt: Attempt[Found] | None) -> Check:
    result, why = result_of(attempt)
    return Check("blind", why) if result is None else Check("yes" if result.yes else "no")


def _hole(attempt: Attempt[Found] | None, *, newest: bool) -> Check:
    """sslyze tries neither Heartbleed nor the early ChangeCipherSpec where TLS 1.3 is on, and says no to both."""
    check = _plain(attempt)
    return Check("not-applicable", _NEWER) if newest and check.state == "no" else check


def _robot(commands: Commands, protocols: Mapping[Version, Protocol]) -> Check:
    result, why = result_of(commands.robot)
    if result is None:
        return Check("blind", why)
    word = result.robot_result
    if word.startswith("VULNERABLE_"):
        return Check("yes", printable(word.removeprefix("VULNERABLE_").lower().replace("_", " "), 80))
    if word == "NOT_VULNERABLE_NO_ORACLE":
        return Check("no")
    if word != "NOT_VULNERABLE_RSA_NOT_SUPPORTED":
        return Check("blind", "the server's answers differ from try to try")
    for version in _BEFORE_TLS13:
        protocol = protocols[version]
        if protocol.state == "blind" or (protocol.state == "offered" and not protocol.suites):
            return Check("blind", f"the suites of {version} are not known")
        if any(suite.name.startswith("TLS_RSA_") for suite in protocol.suites):
            return Check("blind", "sslyze could not use an RSA key exchange that the server offers")
    return Check("no", "no key exchange by RSA is offered")


def _renegotiation(
    result: Renegotiation | None, why: str, protocols: Mapping[Version, Protocol]
) -> tuple[Check, Check, Check]:
    """Secure, insecure for whoever begins it, and without end."""
    if result is None:
        return (Check("blind", why),) * 3
    if protocols["TLS1.3"].state == "offered" and all(
        protocols[version].state == "not-offered" for version in ("SSL2", *_BEFORE_TLS13)
    ):
        return (Check("not-applicable", _NO_RENEGOTIATION),) * 3
    done = result.client_renegotiations_success_count
    words = f"{done} renegotiations in a row" if done else ""
    endless = Check("yes" if result.is_vulnerable_to_client_renegotiation_dos else "no", words)
    if result.supports_secure_renegotiation:
        return Check("yes"), Check("no", "renegotiation is secure"), endless
    return Check("no"), Check("yes" if done else "no", words), endless


def _resumption(result: Resumption | None, why: str, word: str) -> Check:
    if result is None:
        return Check("blind", why)
    if word == "SERVER_IS_TLS_1_3_ONLY":
        return Check("not-applicable", "TLS 1.3 only")
    state = _RESUMED.get(word)
    return Check("blind", printable(word, 80)) if state is None else Check(state)


def modern_of(commands: Commands, connectivity: Connectivity) -> Modern:
    """What sslyze's own OpenSSL got from its default offer, which is a client of today in all that matters here."""
    version = version_of(connectivity.highest_tls_version_supported)
    if version is None:
        return Modern("blind", f"sslyze calls the version {printable(connectivity.highest_tls_version_supported, 40)}")
    accepted, _ = result_of(suites_attempt(commands, version))
    suites = [one.cipher_suite for one in accepted.accepted_cipher_suites] if accepted is not None else []
    told = connectivity.cipher_suite_supported
    name = next((suite.name for suite in suites if told in {suite.openssl_name, suite.name}), None)
    if name is None and version == "TLS1.3":
        name = told
    return Modern("known", version=version, suite=name) if name else Modern("blind", "its suite was not listed")


def curves_of(commands: Commands) -> Curves:
    """The groups that were taken, at the best version alone."""
    result, why = result_of(commands.elliptic_curves)
    if result is None:
        return Curves("blind", reason=why)
    return Curves("known", tuple(CURVES.get(each.name, each.name) for each in result.supported_curves or ()))


def hsts_of(commands: Commands, starttls: str | None) -> Hsts:
    """The header, where sslyze looked where a browser does first, and could read it."""
    if starttls is not None:
        return Hsts("not-http", reason="speaks no HTTP")
    result, why = result_of(commands.http_headers)
    if result is None:
        return Hsts("blind", reason=why)
    if result.http_error_trace is not None:
        last = printable((result.http_error_trace.strip().splitlines() or [""])[-1], 120)
        return Hsts("not-http" if _NO_HTTP in result.http_error_trace else "blind", reason=last)
    header, path = result.strict_transport_security_header, result.http_path_redirected_to
    if header is None:
        moved = path not in {None, "/"}
        return Hsts("blind", reason="only the last of several responses was looked at") if moved else Hsts("absent")
    if header.max_age is None:
        return Hsts("blind", reason="sslyze does not read every legal spelling of max-age")
    return Hsts("present", (f"max-age={header.max_age}",), header.max_age, header.include_subdomains, header.preload)
