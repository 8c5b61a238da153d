"""Servers that differ in suites and keys, among them those of the past."""

from infra.lab.tls.case import LONG, Plan

_RSA12 = {"protocols": "TLSv1.2"}
PLANS = (
    Plan(
        "cbc-only", "nginx", "B", "2009p: no AEAD", chain="rsa",
        settings={**_RSA12, "ciphers": "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA"},
    ),
    Plan(
        "cbc-below-13", "nginx", "A+", "AEAD is what clients of today get", chain="rsa",
        settings={"ciphers": "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA"},
    ),
    Plan(
        "no-forward-secrecy", "nginx", "B", "2009p: no forward secrecy", chain="rsa",
        settings={**_RSA12, "ciphers": "AES256-GCM-SHA384:AES128-GCM-SHA256"},
    ),
    Plan(
        "forward-secrecy-last", "nginx", "B", "2009p: no forward secrecy with reference browsers", chain="rsa",
        settings={**_RSA12, "ciphers": "AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
    ),
    Plan(
        "dh1024", "nginx", "B", "2009j: DH parameters below 2048", chain="rsa",
        settings={**_RSA12, "ciphers": "DHE-RSA-AES256-GCM-SHA384", "dh": "{folder}/dh1024.pem"},
    ),
    Plan(
        "dh1024-last", "nginx", "B", "2009j: DH parameters below 2048, whoever uses them", chain="rsa",
        settings={"ciphers": "ECDHE+AESGCM:DHE-RSA-AES128-GCM-SHA256", "dh": "{folder}/dh1024.pem"},
    ),
    Plan(
        "dh2048", "nginx", "A+", "2048 bits are enough, even of a common prime", chain="rsa",
        settings={"ciphers": "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256", "dh": "{folder}/dh2048.pem"},
    ),
    Plan(
        "dh512", "tlslite", "F", "2009i: DH parameters below 1024 (Logjam)", chain="rsa",
        settings={"most": "TLSv1_2", "ciphers": "aes128gcm", "exchanges": "dhe_rsa", "dh": "512"},
    ),
    Plan(
        "curve-p192", "python", "B", "ephemeral keys worth less than RSA 2048", chain="rsa",
        settings={"most": "TLSv1_2", "curve": "prime192v1"},
    ),
    Plan("curve-p384", "python", "A+", "P-384 is enough", settings={"curve": "secp384r1"}),
    Plan(
        "chacha-only", "nginx", "A-", "ChaCha20 is AEAD; without TLS 1.3 a warning", chain="rsa",
        settings={**_RSA12, "ciphers": "ECDHE-RSA-CHACHA20-POLY1305"},
    ),
    Plan(
        "null", "openssl", "F", "suites that encrypt nothing", chain="rsa", hsts=(),
        settings={"arguments": "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:NULL-SHA256:@SECLEVEL=0"},
    ),
    Plan(
        "anonymous", "openssl", "F", "suites that authenticate nobody", chain="rsa", hsts=(),
        settings={"arguments": "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:AECDH-AES128-SHA:@SECLEVEL=0"},
    ),
    Plan(
        "insecure-renegotiation", "openssl", "F", "2009c: renegotiates for clients without RFC 5746", chain="rsa",
        hsts=(),
        settings={
            "arguments": "-tls1_2 -legacy_renegotiation -client_renegotiation -cipher ECDHE-RSA-AES128-GCM-SHA256"
        },
    ),
    Plan(
        "openssl-plain", "openssl", "A-", "OpenSSL's defaults without HSTS", hsts=(),
        settings={"arguments": "-no_tls1 -no_tls1_1 -cipher ECDHE+AESGCM"},
    ),
    Plan(
        "stunnel-tls10", "stunnel", "B", "2009q: TLS 1.0 offered", hsts=(), chain="rsa",
        settings={"lines": "sslVersionMin = TLSv1;ciphers = ECDHE+AESGCM:ECDHE+AES:@SECLEVEL=0;securityLevel = 0"},
    ),
    Plan(
        "ssl3", "tlslite", "C", "2009g: SSL 3 with CBC (POODLE)", chain="rsa",
        settings={"least": "SSLv3", "ciphers": "aes128gcm aes256gcm aes128 aes256"},
    ),
    Plan(
        "ssl3-only", "tlslite", "F", "2009i: SSL 3 is the best", chain="rsa",
        settings={"least": "SSLv3", "most": "SSLv3", "ciphers": "aes128 aes256"},
    ),
    Plan(
        "rc4-last", "tlslite", "B", "2009i: RC4 offered, though last", chain="rsa",
        settings={"most": "TLSv1_2", "ciphers": "aes128gcm rc4", "first": "aes128gcm"},
    ),
    Plan(
        "rc4-first", "tlslite", "C", "2009j: RC4 used with TLS 1.2", chain="rsa",
        settings={"most": "TLSv1_2", "ciphers": "aes128gcm rc4", "first": "rc4"},
    ),
    Plan(
        "rc4-only", "tlslite", "F", "2009k: nothing but RC4", chain="rsa",
        settings={"most": "TLSv1_2", "ciphers": "rc4"},
    ),
    Plan(
        "3des-last", "tlslite", "A+", "2009n: a 64-bit block that nobody of today gets", chain="rsa",
        settings={"ciphers": "aes128gcm aes256gcm 3des", "first": "aes128gcm"},
    ),
    Plan(
        "3des-first", "tlslite", "C", "2009n: a 64-bit block cipher used with TLS 1.2", chain="rsa",
        settings={"most": "TLSv1_2", "ciphers": "aes128gcm 3des", "first": "3des"},
    ),
    Plan(
        "no-secure-renegotiation", "tlslite", "A-", "2009e: RFC 5746 not supported", chain="rsa",
        trick="no-renegotiation", settings={"ciphers": "aes128gcm aes256gcm"},
    ),
    Plan(
        "compression", "tlslite", "C", "2009j: TLS compression (CRIME)", chain="rsa", trick="compression",
        settings={"most": "TLSv1_2", "ciphers": "aes128gcm aes256gcm"},
    ),
    Plan(
        "robot", "tlslite", "F", "2009p: tells right from wrong padding", chain="rsa", trick="robot",
        settings={"most": "TLSv1_2", "ciphers": "aes128gcm"},
    ),
    Plan(
        "ssl2", "python", "F", "2009c: SSL 2 offered (its hello is all that is really there)", chain="rsa",
        trick="ssl2", hsts=(LONG,),
    ),
    Plan(
        "export", "python", "F", "export suites (their first flight is all that is really there)", chain="rsa",
        trick="export", settings={"least": "TLSv1", "ciphers": "ECDHE+AESGCM:ECDHE+AES"},
    ),
)  # fmt: skip
