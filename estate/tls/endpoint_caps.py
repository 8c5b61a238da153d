"""Which facts of an endpoint cap its grade in SSL Labs' rating guide as of 2009r (16 May 2025), one function each.

Sources, as tagged in the table of `caps.py`: G is the guide with its dated changes, Q what Qualys wrote about them,
T how testssl.sh implements them where neither is explicit.
"""

from collections.abc import Callable

from estate.text import printable
from estate.tls.case import Answer, Blind, Case
from estate.tls.evidence import Version
from estate.tls.suites import (
    has_small_blocks,
    is_aead,
    is_anonymous,
    is_cbc,
    is_export,
    is_forward_secret,
    is_rc4,
    strength,
)

LONG_MAX_AGE = 15_552_000
"""180 days: what testssl.sh, and as far as can be seen SSL Labs, take for the guide's six months."""


_SINCE_TLS11: tuple[Version, ...] = ("TLS1.1", "TLS1.2")
"""TLS 1.3 has neither RC4 nor ciphers with small blocks."""


def ssl2_offered(case: Case) -> Answer:
    """SSL 2 in any form, so that DROWN is part of it."""
    state = case.evidence.protocol("SSL2").state
    return case.unknown("SSL2") or ("SSL 2 is offered" if state == "offered" else "")


def ssl3_offered(case: Case) -> Answer:
    """SSL 3 with any suite."""
    state = case.evidence.protocol("SSL3").state
    return case.unknown("SSL3") or ("SSL 3 is offered" if state == "offered" else "")


def ssl3_best(case: Case) -> Answer:
    """SSL 3 and nothing newer."""
    if any(version.startswith("TLS") for version in case.offered):
        return ""
    if case.evidence.protocol("SSL3").state == "not-offered":
        return ""
    return case.unknown("SSL3", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3") or "nothing newer than SSL 3 is offered"


def ssl3_with_cbc(case: Case) -> Answer:
    """POODLE."""
    ssl3 = case.evidence.protocol("SSL3")
    if ssl3.state == "offered":
        if any(is_cbc(suite.name) for suite in ssl3.suites):
            return "SSL 3 is offered with CBC suites"
        return "" if ssl3.suites else Blind("suites of SSL3", ssl3.reason)
    return case.unknown("SSL3") or ""


def tls10_offered(case: Case) -> Answer:
    """TLS 1.0, whatever else is there."""
    state = case.evidence.protocol("TLS1.0").state
    return case.unknown("TLS1.0") or ("TLS 1.0 is offered" if state == "offered" else "")


def tls11_offered(case: Case) -> Answer:
    """TLS 1.1, whatever else is there."""
    state = case.evidence.protocol("TLS1.1").state
    return case.unknown("TLS1.1") or ("TLS 1.1 is offered" if state == "offered" else "")


def no_tls12(case: Case) -> Answer:
    """Neither of the versions that are still recommended."""
    if {"TLS1.2", "TLS1.3"} & set(case.offered):
        return ""
    return case.unknown("TLS1.2", "TLS1.3") or "neither TLS 1.2 nor TLS 1.3 is offered"


def no_tls13(case: Case) -> Answer:
    """TLS 1.3 is off."""
    state = case.evidence.protocol("TLS1.3").state
    return case.unknown("TLS1.3") or ("TLS 1.3 is not offered" if state == "not-offered" else "")


def rc4_offered(case: Case) -> Answer:
    """RC4, however far down the list."""
    return case.with_suite(lambda suite: is_rc4(suite.name))


def rc4_only(case: Case) -> Answer:
    """RC4 and nothing else."""
    names = [suite.name for _, suite in case.suites]
    if not all(map(is_rc4, names)):
        return ""
    return case.unlisted or ("every suite is RC4" if names else "")


def rc4_preferred(case: Case) -> Answer:
    """RC4 used with a version that has something better."""
    return _preferred(case, is_rc4)


def small_blocks_preferred(case: Case) -> Answer:
    """SWEET32: a cipher with 64-bit blocks used with a version that has something better."""
    return _preferred(case, has_small_blocks)


def _preferred(case: Case, weak: Callable[[str], bool]) -> Answer:
    blind: Blind | None = None
    for version in _SINCE_TLS11:
        protocol = case.evidence.protocol(version)
        if protocol.state == "blind" or (protocol.state == "offered" and not protocol.suites):
            blind = blind or case.unknown(version) or Blind(f"suites of {version}", protocol.reason)
        elif any(weak(suite.name) for suite in protocol.suites):
            if protocol.preferred is None:
                blind = blind or Blind(f"preferred suite of {version}", protocol.reason)
            elif weak(protocol.preferred):
                return printable(f"{version} prefers {protocol.preferred}", 200)
    return blind or ""


def export_suites(case: Case) -> Answer:
    """Suites of 40 and 56 bits with keys of 512."""
    return case.with_suite(lambda suite: is_export(suite.name))


def null_suites(case: Case) -> Answer:
    """Suites that encrypt nothing."""
    return case.with_suite(lambda suite: strength(suite) == 0)


def anonymous_suites(case: Case) -> Answer:
    """Suites without authentication."""
    return case.with_suite(is_anonymous)


def weak_suites(case: Case) -> Answer:
    """Suites of less than 112 bits that are neither export nor NULL, which have rules of their own."""
    return case.with_suite(lambda suite: 0 < strength(suite) < 112 and not is_export(suite.name))


def no_aead(case: Case) -> Answer:
    """No authenticated encryption, or not with clients that could."""
    modern = case.modern_suite
    if isinstance(modern, str) and not is_aead(modern):
        return printable(f"a client of today gets {modern}", 200)
    if not any(is_aead(suite.name) for _, suite in case.suites):
        return case.unlisted or "no AEAD suite is offered"
    return "" if isinstance(modern, str) else modern


def no_forward_secrecy(case: Case) -> Answer:
    """Judged by what a client of today negotiates, as SSL Labs judges by its reference browsers."""
    modern = case.modern_suite
    if isinstance(modern, Blind) or is_forward_secret(modern):
        return modern if isinstance(modern, Blind) else ""
    return printable(f"a client of today gets {modern}", 200)


def insecure_key_exchange(case: Case) -> Answer:
    """Logjam: an ephemeral key that is worth less than 1024 bits of RSA."""
    bits, hidden = case.ephemeral_bits
    if bits is not None and bits < 1024:
        return f"an ephemeral key worth {bits} bits of RSA"
    return hidden or ""


def weak_key_exchange(case: Case) -> Answer:
    """An ephemeral key between that and 2048 bits."""
    bits, hidden = case.ephemeral_bits
    if bits is not None and bits < 2048:
        return f"an ephemeral key worth {bits} bits of RSA" if bits >= 1024 else ""
    return hidden or ""


def no_secure_renegotiation(case: Case) -> Answer:
    """RFC 5746 is not supported; TLS 1.3 has no renegotiation to secure."""
    found = case.evidence.check("secure_renegotiation")
    if found.state == "blind":
        return Blind("secure_renegotiation", found.detail)
    return "" if found.state != "no" or case.only_tls13 else "RFC 5746 is not supported"


def hsts_missing(case: Case) -> Answer:
    """No Strict-Transport-Security header."""
    return _hsts(case, "no Strict-Transport-Security header" if case.evidence.hsts.state == "absent" else "")


def hsts_invalid(case: Case) -> Answer:
    """A header that says nothing a browser would follow."""
    hsts = case.evidence.hsts
    wrong = hsts.state == "invalid" or (hsts.state == "present" and hsts.max_age is None)
    shown = "; ".join(hsts.values) or hsts.reason
    return _hsts(case, printable(f"Strict-Transport-Security: {shown}", 200) if wrong else "")


def hsts_disabled(case: Case) -> Answer:
    """A header that tells browsers to forget the rule."""
    return _hsts(case, "max-age=0" if case.evidence.hsts.state == "present" and case.evidence.hsts.max_age == 0 else "")


def hsts_short(case: Case) -> Answer:
    """A header that holds for less than half a year."""
    hsts = case.evidence.hsts
    short = hsts.state == "present" and hsts.max_age is not None and 0 < hsts.max_age < LONG_MAX_AGE
    return _hsts(case, f"max-age={hsts.max_age}, less than {LONG_MAX_AGE}" if short else "")


def no_hsts_possible(case: Case) -> Answer:
    """What speaks no HTTP can have no HSTS: that costs the plus, and is no fault."""
    return _hsts(case, "speaks no HTTP, and A+ asks for HSTS" if case.evidence.hsts.state == "not-http" else "")


def _hsts(case: Case, text: str) -> Answer:
    hsts = case.evidence.hsts
    return Blind("hsts", hsts.reason) if hsts.state == "blind" else text


def compression(case: Case) -> Answer:
    """CRIME."""
    return case.check("compression", "TLS compression is on")


def heartbleed(case: Case) -> Answer:
    """CVE-2014-0160."""
    return case.check("heartbleed", "answers a heartbeat with memory that nobody sent")


def ccs_injection(case: Case) -> Answer:
    """CVE-2014-0224."""
    return case.check("ccs_injection", "takes a ChangeCipherSpec before there are keys")


def robot(case: Case) -> Answer:
    """Bleichenbacher's oracle of 1998, found again in 2017."""
    return case.check("robot", "tells right from wrong padding of an RSA key exchange")


def insecure_renegotiation(case: Case) -> Answer:
    """CVE-2009-3555: a client may renegotiate without RFC 5746."""
    return case.check("client_renegotiation", "renegotiates for clients without RFC 5746")


def renegotiation_flood(case: Case) -> Answer:
    """Caps nothing, and yet lets one client keep a processor busy."""
    return case.check("renegotiation_dos", "renegotiates as often as a client asks")
