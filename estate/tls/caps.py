"""The rules of the grade in one table: what each does to it, and where it comes from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from estate.certificates.verdicts import Problem
from estate.tls import chain_caps as chain
from estate.tls import endpoint_caps as endpoint
from estate.tls.case import Answer, Case

CRITERIA = "2009r"
"""The latest change of the guide (16 May 2025); testssl.sh still names it as the current one in June 2026."""

GRADES = ("A+", "A", "A-", "B", "C", "D", "E", "F", "M", "T")
"""From the best to the one beside which nothing else matters."""


def worst(grades: Sequence[str]) -> str:
    """The worst of these grades, A+ where there are none."""
    return max(grades, key=GRADES.index, default=GRADES[0])


@dataclass(frozen=True, slots=True)
class Cap:
    """One rule: where it applies, the grade is no better than `grade`."""

    rule: str
    grade: str
    title: str
    source: str
    applies: Callable[[Case], Answer]

    @property
    def of_trust(self) -> bool:
        """Whether the grade with trust set aside forgets this rule."""
        return self.grade in {"T", "M"}

    @property
    def effect(self) -> str:
        """What it does, in words."""
        if self.of_trust:
            return f"is {self.grade}"
        return f"caps at {self.grade}{' (a warning)' if self.grade == 'A-' else ''}"


CAPS = (
    Cap("certificate-expired", "T", "the certificate has expired", "G 2009c", chain.expired),
    Cap(
        "certificate-not-yet-valid", "T", "the certificate is not valid yet", "G", chain.problem(Problem.NOT_YET_VALID)
    ),
    Cap("certificate-revoked", "T", "the certificate is revoked", "G T", chain.revoked),
    Cap("certificate-distrusted", "T", "browsers distrust the issuer", "Q T", chain.problem(Problem.DISTRUSTED)),
    Cap("certificate-self-signed", "T", "the certificate is self-signed", "G", chain.problem(Problem.SELF_SIGNED)),
    Cap("certificate-unknown-ca", "T", "no root that we trust", "G", chain.problem(Problem.UNKNOWN_CA)),
    Cap("certificate-incomplete", "T", "intermediates are missing for good", "G", chain.problem(Problem.INCOMPLETE)),
    Cap("certificate-bad-signature", "T", "a signature is wrong", "G", chain.problem(Problem.BAD_SIGNATURE)),
    Cap("certificate-wrong-usage", "T", "the certificate is not for servers", "G", chain.problem(Problem.WRONG_USAGE)),
    Cap("certificate-path-length", "T", "the path is longer than allowed", "G", chain.problem(Problem.PATH_LENGTH)),
    Cap("certificate-sha1", "T", "a certificate is signed over SHA-1", "T", chain.problem(Problem.SHA1)),
    Cap("certificate-untrusted", "T", "the certificate is not trusted", "G", chain.untrusted),
    Cap("certificate-name", "M", "the certificate is for another name", "G 2009c", chain.name_mismatch),
    Cap("certificate-md5", "F", "a certificate is signed over MD5 or MD2", "G 2009e", chain.broken_signature),
    Cap("key-insecure", "F", "the certificate's key is insecure", "G 2009e", chain.insecure_key),
    Cap("ssl2-offered", "F", "SSL 2 is offered", "G 2009c", endpoint.ssl2_offered),
    Cap("ssl3-best", "F", "SSL 3 is the best on offer", "G 2009i", endpoint.ssl3_best),
    Cap("rc4-only", "F", "there is nothing but RC4", "G 2009k", endpoint.rc4_only),
    Cap("null-suites", "F", "suites that encrypt nothing", "G T", endpoint.null_suites),
    Cap("anonymous-suites", "F", "suites that authenticate nobody", "G T", endpoint.anonymous_suites),
    Cap("export-suites", "F", "export suites", "G T", endpoint.export_suites),
    Cap("weak-suites", "F", "suites of less than 112 bits", "T", endpoint.weak_suites),
    Cap("key-exchange-insecure", "F", "ephemeral keys below 1024 bits", "G 2009i", endpoint.insecure_key_exchange),
    Cap("insecure-renegotiation", "F", "insecure renegotiation", "G 2009c", endpoint.insecure_renegotiation),
    Cap("heartbleed", "F", "Heartbleed", "T", endpoint.heartbleed),
    Cap("ccs-injection", "F", "CCS injection", "T", endpoint.ccs_injection),
    Cap("robot", "F", "ROBOT", "Q 2009p", endpoint.robot),
    Cap("poodle", "C", "SSL 3 with CBC (POODLE)", "G 2009g", endpoint.ssl3_with_cbc),
    Cap("compression", "C", "TLS compression (CRIME)", "G 2009j", endpoint.compression),
    Cap("rc4-preferred", "C", "RC4 is used with TLS 1.1 or newer", "G 2009j", endpoint.rc4_preferred),
    Cap("no-tls12", "C", "neither TLS 1.2 nor TLS 1.3", "G 2009j", endpoint.no_tls12),
    Cap(
        "small-blocks-preferred", "C", "64-bit blocks with TLS 1.1 or newer", "Q 2009n", endpoint.small_blocks_preferred
    ),
    Cap("ssl3-offered", "B", "SSL 3 is offered", "G 2009h", endpoint.ssl3_offered),
    Cap("rc4-offered", "B", "RC4 is offered", "G 2009i", endpoint.rc4_offered),
    Cap("chain-incomplete", "B", "the chain is incomplete", "G 2009i", chain.problem(Problem.COMPLETABLE)),
    Cap("key-weak", "B", "the certificate's key is below 2048 bits", "G 2009e", chain.weak_key),
    Cap("key-exchange-weak", "B", "ephemeral keys below 2048 bits", "G 2009j", endpoint.weak_key_exchange),
    Cap("no-forward-secrecy", "B", "no forward secrecy", "Q 2009p", endpoint.no_forward_secrecy),
    Cap("no-aead", "B", "no authenticated encryption (AEAD)", "Q 2009p", endpoint.no_aead),
    Cap("tls10-offered", "B", "TLS 1.0 is offered", "Q 2009q", endpoint.tls10_offered),
    Cap("tls11-offered", "B", "TLS 1.1 is offered", "Q 2009q", endpoint.tls11_offered),
    Cap("no-tls13", "A-", "TLS 1.3 is not offered", "G 2009r", endpoint.no_tls13),
    Cap("hsts-missing", "A-", "HSTS is missing", "G 2009r", endpoint.hsts_missing),
    Cap("hsts-invalid", "A-", "HSTS is invalid", "G 2009r", endpoint.hsts_invalid),
    Cap("hsts-disabled", "A-", "HSTS is disabled", "G 2009r", endpoint.hsts_disabled),
    Cap("hsts-short", "A-", "HSTS is too short", "T 2009r", endpoint.hsts_short),
    Cap("no-secure-renegotiation", "A-", "no secure renegotiation", "G 2009e", endpoint.no_secure_renegotiation),
    Cap("no-hsts-possible", "A", "no HTTP, hence no HSTS", "G 2009e", endpoint.no_hsts_possible),
)
"""In the order in which reasons are told: the worst first.

That a short HSTS is a warning, and does not only cost the plus, is testssl.sh's reading of the guide. Fallback SCSV,
BEAST, stapling, 0-RTT, chain order and the like change no grade (any more).
"""

BY_RULE: Mapping[str, Cap] = {cap.rule: cap for cap in CAPS}

NOT_TESTED = (
    "Ticketbleed",
    "keys of Debian's broken generator",
)
NOT_TESTED_WITH_CBC = (
    "POODLE against TLS",
    "Zombie POODLE",
    "GOLDENDOODLE",
    "Sleeping POODLE",
    "zero-length padding (CVE-2019-1559)",
    "padding oracle in AES-NI (CVE-2016-2107)",
)
"""Holes that the guide has an F for and nobody here looks for; the second list needs a suite with CBC."""
