"""Servers that differ in suites and keys."""

from infra.lab.tls.case import Plan

PLANS = (
    Plan(
        "cbc-only", "nginx", "B", "2009p: no AEAD", chain="rsa",
        settings={"protocols": "TLSv1.2", "ciphers": "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA"},
    ),
    Plan(
        "cbc-below-13", "nginx", "A+", "AEAD is what clients of today get", chain="rsa",
        settings={"ciphers": "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA"},
    ),
    Plan(
        "no-forward-secrecy", "nginx", "B", "2009p: no forward secrecy", chain="rsa",
        settings={"protocols": "TLSv1.2", "ciphers": "AES256-GCM-SHA384:AES128-GCM-SHA256"},
    ),
    Plan(
        "forward-secrecy-last", "nginx", "B", "2009p: no forward secrecy with reference browsers", chain="rsa",
        settings={"protocols": "TLSv1.2", "ciphers": "AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
    ),
)  # fmt: skip
