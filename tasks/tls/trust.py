"""What OpenSSL says of a chain as sent, without looking at names; only ever run in the process that may crash."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import certifi
from nassl._nassl import X509, OpenSSLError
from nassl.cert_chain_verifier import CertificateChainVerificationFailed, CertificateChainVerifier


def mozilla_trust(chain: Sequence[str]) -> str:
    """`trusted`, or OpenSSL's reason as one word, by Mozilla's roots as certifi ships them."""
    try:
        _verifier().verify([X509(pem) for pem in chain])
    except CertificateChainVerificationFailed as failed:
        return re.sub(r"[^a-z0-9]+", "_", failed.openssl_error_string.lower()).strip("_")
    except (OpenSSLError, ValueError) as error:
        return f"unreadable: {error}"[:100]
    return "trusted"


@cache
def _verifier() -> CertificateChainVerifier:
    return CertificateChainVerifier.from_file(Path(certifi.where()))
