"""Certificates out of whatever wraps them: PEM bundles, DER, PKCS#7 and PKCS#12; private keys are dropped at once."""

import base64
import binascii
import re
from collections.abc import Iterator

from estate.certificates.certificate import Certificate, read_certificate
from estate.certificates.der import OID, SEQUENCE, Malformed, first, oid
from estate.certificates.keystores import is_keystore, read_keystore
from estate.errors import BadReport

LONGEST_DOCUMENT = 16 << 20
MOST_CERTIFICATES = 2_000

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_PEM = re.compile(
    rb"-----BEGIN (?P<label>[A-Z0-9# ]{1,40})-----[ \t]*\r?\n(?P<body>.*?)-----END (?P=label)-----", re.DOTALL
)
_BEGIN = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----|-----BEGIN PKCS7-----|-----BEGIN CMS-----")
_CERTIFICATE_LABELS = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")
_ENVELOPES = (b"PKCS7", b"CMS")


def read_certificates(data: bytes, password: bytes | None = None) -> tuple[Certificate, ...]:
    """Every certificate of a document, in its order, each once.

    Args:
        data: PEM with any number of blocks (keys among them are skipped unread), one DER certificate, PKCS#7 in either
            spelling, or PKCS#12.
        password: of a PKCS#12 file; the empty one is tried by itself.

    Raises:
        BadReport: what is wrong and at which block; also where a document holds no certificate at all.
    """
    if len(data) > LONGEST_DOCUMENT:
        raise BadReport(f"{len(data)} bytes are over the limit of {LONGEST_DOCUMENT} for a file of certificates")
    if b"-----BEGIN " in data:
        found = tuple(dict.fromkeys(_read_pem(data)))
        if not found:
            raise BadReport("no certificate in it, only other PEM blocks")
        return found
    return tuple(dict.fromkeys(_read_binary(data, password)))


def spell_pem(certificate: Certificate) -> str:
    """The certificate as one PEM block."""
    spelled = base64.b64encode(certificate.der).decode()
    lines = (spelled[at : at + 64] for at in range(0, len(spelled), 64))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


def _read_pem(data: bytes) -> Iterator[Certificate]:
    number = 0
    end = 0
    for block in _PEM.finditer(data):
        label = block["label"]
        _refuse_unended(data, end, block.start())
        end = block.end()
        if label not in _CERTIFICATE_LABELS + _ENVELOPES:
            continue
        number += 1
        if number > MOST_CERTIFICATES:
            raise BadReport(f"more than {MOST_CERTIFICATES} certificates")
        where = f"block {number}"
        try:
            der = base64.b64decode(b"".join(block["body"].split()), validate=True)
        except (binascii.Error, ValueError):
            raise BadReport(f"{where}: not base64") from None
        try:
            if label in _ENVELOPES:
                yield from _read_envelope(der)
            else:
                # A trusted certificate of OpenSSL's is followed by what it is trusted for.
                yield read_certificate(first(der).raw if label.startswith(b"TRUSTED") and der else der)
        except (BadReport, Malformed) as error:
            raise BadReport(f"{where}: {error}") from None
    _refuse_unended(data, end, len(data))


def _refuse_unended(data: bytes, start: int, end: int) -> None:
    if _BEGIN.search(data, start, end):
        raise BadReport("a certificate begins and does not end: the file is cut off")


def _read_binary(data: bytes, password: bytes | None) -> Iterator[Certificate]:
    if is_keystore(data):
        yield from read_keystore(data, password)
        return
    try:
        first_part = first(data).expect(SEQUENCE).part(0)
        envelope = first_part.tag == OID and oid(first_part) == _SIGNED_DATA
    except Malformed as error:
        raise BadReport(f"neither PEM nor DER: {error}") from None
    if envelope:
        yield from _read_envelope(data)
    else:
        yield read_certificate(data)


def _read_envelope(der: bytes) -> Iterator[Certificate]:
    """The certificates of PKCS#7 signed data, in its order."""
    try:
        signed = first(der).part(1).part(0)
        bags = [part for part in signed.parts() if part.context == 0]
        found = bags[0].parts() if bags else ()
    except Malformed as error:
        raise BadReport(f"not PKCS#7: {error}") from None
    if not found:
        raise BadReport("PKCS#7 without certificates")
    if len(found) > MOST_CERTIFICATES:
        raise BadReport(f"more than {MOST_CERTIFICATES} certificates")
    for element in found:
        if element.tag == SEQUENCE:
            yield read_certificate(element.raw)
