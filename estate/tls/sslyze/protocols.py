"""Which versions and suites sslyze proved on or off: it counts a reset or a timeout as "suite rejected", we do not."""

from collections.abc import Iterator, Mapping

from estate.text import printable
from estate.tls.evidence import VERSIONS, Protocol, Suite, Version
from estate.tls.sslyze.attempts import result_of
from estate.tls.sslyze.shapes import Accepted, Attempt, Commands, Suites
from estate.tls.suites import bits_of

CURVES: Mapping[str, str] = {
    "X25519": "x25519",
    "X448": "x448",
    "prime256v1": "secp256r1",
    "prime192v1": "secp192r1",
}
"""OpenSSL's names of curves, as TLS spells them."""

_ANSWERS = ("TLS alert:", "TLS error:", "Server returned wrong certificate type")
"""How sslyze words what a server said; all else is a connection that went without a word, as under a rate limit."""
_OVERLOADED = "TLS alert: Internal error"
_CLOSED = "Server interrupted the TLS handshake"
"""The connection was closed without an alert, which is how a server of today declines SSL 2."""


def protocols_of(commands: Commands) -> tuple[dict[Version, Protocol], str]:
    """Each version, and what shows that the server did not answer every connection as it would have alone."""
    results = {version: result_of(suites_attempt(commands, version)) for version in VERSIONS}
    disturbed = next(
        (
            f"connections without an answer ({printable(message, 80)})"
            for version, (result, _) in results.items()
            if result is not None
            for message in _unanswered(result)
            if not (version == "SSL2" and message == _CLOSED)
        ),
        "",
    )
    return {version: _protocol(version, *found, disturbed) for version, found in results.items()}, disturbed


def version_of(word: str) -> Version | None:
    """A version in sslyze's spelling: `TLS_1_2`, `SSL_2_0`."""
    return next((version for version in VERSIONS if word in {_spell(version), f"{_spell(version)}_0"}), None)


def _spell(version: Version) -> str:
    return f"{version[:3]}_{version[3:].replace('.', '_')}"


def suites_attempt(commands: Commands, version: Version) -> Attempt[Suites] | None:
    """The command that tried the suites of a version."""
    attempts: dict[Version, Attempt[Suites] | None] = {
        "SSL2": commands.ssl_2_0_cipher_suites,
        "SSL3": commands.ssl_3_0_cipher_suites,
        "TLS1.0": commands.tls_1_0_cipher_suites,
        "TLS1.1": commands.tls_1_1_cipher_suites,
        "TLS1.2": commands.tls_1_2_cipher_suites,
        "TLS1.3": commands.tls_1_3_cipher_suites,
    }
    return attempts[version]


def _unanswered(result: Suites) -> Iterator[str]:
    for one in result.rejected_cipher_suites:
        if not one.error_message.startswith(_ANSWERS) or one.error_message.startswith(_OVERLOADED):
            yield one.error_message


def _protocol(version: Version, result: Suites | None, why: str, disturbed: str) -> Protocol:
    if result is None:
        return Protocol("blind", why)
    unanswered = list(_unanswered(result))
    # All of SSL 2 in one way, and every other connection with a true answer: then that is one, too.
    if version == "SSL2" and set(unanswered) == {_CLOSED} and not disturbed and not result.accepted_cipher_suites:
        return Protocol("not-offered", "each time: closed")
    doubt = f"suites without an answer ({printable(unanswered[0], 80)})" if unanswered else ""
    if result.accepted_cipher_suites:
        if doubt:
            return Protocol("offered", f"its suites are not known: {doubt}")
        return Protocol("offered", suites=tuple(map(_suite, result.accepted_cipher_suites)))
    if result.is_tls_version_supported:
        return Protocol("offered", "its suites are not known: sslyze names none")
    if doubt or not result.rejected_cipher_suites:
        return Protocol("blind", doubt or "no suite was tried")
    return Protocol("not-offered", printable(result.rejected_cipher_suites[0].error_message, 80).strip())


def _suite(accepted: Accepted) -> Suite:
    suite, key = accepted.cipher_suite, accepted.ephemeral_key
    curve = key.curve_name if key is not None else None
    return Suite(
        name=suite.name,
        bits=bits_of(suite.name),
        anonymous=suite.is_anonymous,
        dh_bits=key.size if key is not None and key.type_name == "DH" else None,
        curve=CURVES.get(curve, curve) if curve else None,
        curve_bits=key.size if key is not None and curve else None,
    )
