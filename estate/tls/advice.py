"""What to change so that a rule applies no longer: one remedy for all rules that it cures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from estate.tls import snippets
from estate.tls.snippets import Snippets


@dataclass(frozen=True, slots=True)
class Advice:
    """A remedy: the rules that it answers, what to do, and how to write it for common servers, if it is a setting."""

    rules: tuple[str, ...]
    text: str
    snippets: Snippets


_PROTOCOLS = ("Offer TLS 1.2 and TLS 1.3, and nothing older.", snippets.PROTOCOLS)
_SUITES = (
    "Offer only suites with ephemeral keys and authenticated encryption (ECDHE with AES-GCM or ChaCha20).",
    snippets.SUITES,
)
_GROUPS = ("Exchange keys over X25519, P-256 or P-384, and leave finite-field Diffie-Hellman out.", snippets.GROUPS)
_HSTS = ("Send Strict-Transport-Security with a max-age of two years.", snippets.HSTS)
_COMPRESSION = ("Switch TLS compression off.", snippets.COMPRESSION)
_RENEGOTIATION = ("Update the TLS library, and refuse renegotiation that a client asks for.", snippets.RENEGOTIATION)
_CHAIN = ("Serve the leaf with every intermediate, in order, without the root.", snippets.CHAIN)
_NO_SETTING: Snippets = {}
_UPDATE = ("Update the TLS library, then replace the certificate and its key: both may be known by now.", _NO_SETTING)
_REPLACE = ("Replace the certificate by one from an issuer that clients trust.", snippets.CHAIN)
_RENEW = ("Renew the certificate, and find out why its renewal did not happen by itself.", snippets.CHAIN)
_NEW_KEY = (
    "Replace the certificate by one with a new key: ECDSA on P-256, or RSA with 2048 bits or more.",
    snippets.CHAIN,
)
_NAME = ("Serve a certificate that bears the name under which clients come, or correct the name.", snippets.CHAIN)

_REMEDIES: Mapping[str, tuple[str, Snippets]] = {
    **dict.fromkeys(
        (
            *("ssl2-offered", "ssl3-offered", "ssl3-best", "poodle", "tls10-offered", "tls11-offered"),
            *("no-tls12", "no-tls13"),
        ),
        _PROTOCOLS,
    ),
    **dict.fromkeys(
        (
            *("rc4-only", "rc4-offered", "rc4-preferred", "small-blocks-preferred", "null-suites", "anonymous-suites"),
            *("export-suites", "weak-suites", "no-forward-secrecy", "no-aead", "score"),
        ),
        _SUITES,
    ),
    **dict.fromkeys(("key-exchange-insecure", "key-exchange-weak"), _GROUPS),
    **dict.fromkeys(("hsts-missing", "hsts-invalid", "hsts-disabled", "hsts-short"), _HSTS),
    "compression": _COMPRESSION,
    **dict.fromkeys(("insecure-renegotiation", "no-secure-renegotiation", "renegotiation-flood"), _RENEGOTIATION),
    **dict.fromkeys(("heartbleed", "ccs-injection"), _UPDATE),
    "robot": ("Update the TLS library, and leave out suites whose key exchange is RSA.", snippets.SUITES),
    **dict.fromkeys(("chain-incomplete", "certificate-incomplete", "certificate-path-length"), _CHAIN),
    "certificate-expired": _RENEW,
    "certificate-not-yet-valid": (
        "Serve the older certificate until this one begins; if its time has come, correct the issuer's clock.",
        _NO_SETTING,
    ),
    "certificate-revoked": _NEW_KEY,
    **dict.fromkeys(
        (
            *("certificate-distrusted", "certificate-self-signed", "certificate-unknown-ca", "certificate-untrusted"),
            *("certificate-bad-signature", "certificate-wrong-usage", "certificate-sha1", "certificate-md5"),
        ),
        _REPLACE,
    ),
    "certificate-name": _NAME,
    **dict.fromkeys(("key-insecure", "key-weak"), _NEW_KEY),
}


def remedy(rule: str) -> str:
    """What to do about a rule, in a sentence."""
    return _REMEDIES[rule][0]


def advise(rules: Iterable[str]) -> tuple[Advice, ...]:
    """The remedies of these rules, each once, in the rules' order; a rule that is no fault has none."""
    found: dict[str, list[str]] = {}
    for rule in rules:
        if rule in _REMEDIES:
            found.setdefault(_REMEDIES[rule][0], []).append(rule)
    return tuple(Advice(tuple(cured), text, _REMEDIES[cured[0]][1]) for text, cured in found.items())
