"""Servers that differ in the versions they take and in Strict-Transport-Security."""

from infra.lab.tls.case import LONG, Plan

_OLD = "ECDHE+AESGCM:ECDHE+AES"
PLANS = (
    Plan("perfect", "nginx", "A+", "TLS 1.2 and 1.3 with AEAD and forward secrecy, HSTS of a year: nothing caps"),
    Plan("perfect-ipv6", "nginx", "A+", "as perfect, over IPv6", ipv6=True),
    Plan("perfect-rsa", "nginx", "A+", "as perfect, with an RSA key of 2048", chain="rsa"),
    Plan("tls13-only", "nginx", "A+", "2009r: fallback SCSV no longer counts", settings={"protocols": "TLSv1.3"}),
    Plan("tls12-only", "nginx", "A-", "2009r: no TLS 1.3 is a warning", settings={"protocols": "TLSv1.2"}),
    Plan(
        "tls11-on", "nginx", "B", "2009q: TLS 1.1 offered",
        settings={"protocols": "TLSv1.1 TLSv1.2 TLSv1.3", "ciphers": _OLD},
    ),
    Plan(
        "tls10-on", "nginx", "B", "2009q: TLS 1.0 offered",
        settings={"protocols": "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", "ciphers": _OLD},
    ),
    Plan(
        "tls10-only", "nginx", "C", "2009j: neither TLS 1.2 nor 1.3", chain="rsa",
        settings={"protocols": "TLSv1", "ciphers": _OLD},
    ),
    Plan(
        "tls11-only", "nginx", "C", "2009j: neither TLS 1.2 nor 1.3", chain="rsa",
        settings={"protocols": "TLSv1.1", "ciphers": _OLD},
    ),
    Plan("switching", "nginx", "A+", "as perfect, until it is configured otherwise"),
    Plan("hsts-absent", "nginx", "A-", "2009r: HSTS missing is a warning", hsts=()),
    Plan("hsts-short", "nginx", "A-", "2009r: HSTS below 180 days", hsts=("max-age=86400",)),
    Plan("hsts-zero", "nginx", "A-", "2009r: HSTS disabled", hsts=("max-age=0",)),
    Plan("hsts-invalid", "nginx", "A-", "2009r: HSTS invalid", hsts=("max-age=forever",)),
    Plan("hsts-twice", "nginx", "A+", "RFC 6797 8.1: the first of two counts", hsts=(LONG, "max-age=0")),
    Plan("hsts-twice-short-first", "nginx", "A-", "RFC 6797 8.1: the first counts", hsts=("max-age=60", LONG)),
    Plan("hsts-quoted", "nginx", "A+", "RFC 6797 6.1: a quoted number is legal", hsts=('max-age="31536000"',)),
    Plan("hsts-spelling", "nginx", "A+", "RFC 6797 6.1: any case, space around", hsts=("Max-Age = 31536000 ;",)),
    Plan("python-default", "python", "A+", "Python's own defaults, HSTS of a year"),
    Plan("stunnel-plain", "stunnel", "A-", "what it hides speaks HTTP without HSTS", hsts=(), chain="rsa"),
)  # fmt: skip
