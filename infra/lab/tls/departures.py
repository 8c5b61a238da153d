"""Why testssl.sh 3.2 gives a server of the lab another grade than the guide does: what its code was seen to do."""

from infra.lab.tls.case import Case

REPRESENTATIVES = (
    "hsts-absent", "hsts-spelling", "cbc-only", "forward-secrecy-last", "dh512", "dh1024-last", "anonymous",
    "rc4-first", "rc4-only", "3des-first", "insecure-renegotiation", "unknown-ca", "incomplete", "revoked",
    "smtp-starttls", "wrong-name", "robot", "perfect", "tls12-only", "tls11-on", "tls10-only", "null", "ssl3",
    "compression", "expired", "self-signed", "md5", "sha1", "rsa1024", "rsa768", "no-forward-secrecy",
    "no-secure-renegotiation", "hsts-short", "tls13-only", "incomplete-for-good", "client-certificate",
)  # fmt: skip
"""One server for each rule that decides a grade, since a server takes testssl.sh about a minute."""

_HSTS = "its branch for a missing header warns of nothing (the guide's 2009r does)"
_DH = "measures the parameters and never rates them: its scale knows no DHE"
_WHY = {
    "hsts-absent": _HSTS,
    "stunnel-plain": _HSTS,
    "openssl-plain": _HSTS,
    "hsts-spelling": "takes a directive in other letters than its own for a mistake (RFC 6797 6.1 does not)",
    "dh1024": _DH,
    "dh1024-last": _DH,
    "dh512": _DH,
    "cbc-only": "its test for missing AEAD is the wrong way round",
    "forward-secrecy-last": "any suite with forward secrecy that is offered is enough for it, whoever gets it",
    "rc4-first": "rates RC4 as offered only: what clients get is noted on a path that it does not take by default",
    "rc4-only": "has no rule for servers with nothing but RC4",
    "3des-first": "notes the use of small blocks on a path that it does not take by default",
    "anonymous": "has no rule for anonymous key exchange (its manual lists it as missing)",
    "insecure-renegotiation": "has no rule for it (its manual lists it as missing)",
    "no-secure-renegotiation": "asks by this machine's OpenSSL 3, which refuses such a server, and goes on without it",
    "incomplete-for-good": "takes every missing issuer for a chain that could be completed",
    "rate-limited": "its handshakes are reset as well, and it takes a reset for a no",
}
_STARTTLS = "gives T to whatever begins in plaintext, as its authors' policy"


def departure(case: Case, theirs: str | None) -> str:
    """The reason, or an empty text where none is known."""
    if case.starttls is not None and theirs == "T":
        return _STARTTLS
    return _WHY.get(case.name, "")
