"""Ports that are no good TLS servers: slow, rude, silent, or something else altogether."""

from infra.lab.tls.case import Plan

PLANS = (
    Plan("hangs", "raw", None, "accepts and stays silent", trick="hang", speaks_tls=False),
    Plan("resets", "raw", None, "resets what connects", trick="reset", speaks_tls=False),
    Plan("plaintext", "raw", None, "speaks HTTP without TLS", trick="plaintext", speaks_tls=False),
    Plan("banner", "raw", None, "greets as SSH does", trick="banner", speaks_tls=False),
    Plan("garbage", "raw", None, "answers with noise", trick="garbage", speaks_tls=False),
    Plan("closed", "raw", None, "nothing listens", trick="closed", speaks_tls=False),
    Plan("slow", "python", "A+", "speaks TLS, but only after five seconds", trick="slow", may_stay_unknown=True),
    Plan(
        "rate-limited", "python", "B", "2009q: TLS 1.0 offered, and every second connection reset: never better",
        trick="every-second", chain="rsa", settings={"least": "TLSv1", "ciphers": "ECDHE+AESGCM:ECDHE+AES"},
        may_stay_unknown=True,
    ),
    Plan(
        "refuses-unknown-names", "nginx", None, "no handshake without the right name", None, asked="-",
        settings={"refuse-unknown": "yes"},
    ),
    Plan("knows-its-name", "nginx", "A+", "as perfect when asked by its name", settings={"refuse-unknown": "yes"}),
    Plan(
        "client-certificate", "nginx", "A+", "asks for a client certificate, and says HSTS with its refusal",
        settings={"directives": "ssl_verify_client on; ssl_client_certificate {folder}/chain.pem;"},
    ),
    Plan(
        "client-certificate-first", "python", "A-", "2009r: no TLS 1.3, a warning that no HSTS undoes",
        trick="client-certificate",
    ),
    Plan("many-names", "nginx", None, "a certificate with a megabyte of names", None, chain="many-names"),
    Plan("endless-chain", "raw", None, "ten megabytes of certificates", None, trick="endless"),
    *(
        Plan(f"{protocol}-starttls", "python", "A", "no HTTP, so no HSTS, so no A+", hsts=None, starttls=protocol)
        for protocol in ("smtp", "imap", "pop3", "ftp", "ldap", "postgres", "xmpp", "mysql")
    ),
    Plan(
        "smtp-starttls-tls10", "python", "B", "2009q: TLS 1.0 offered", hsts=None, starttls="smtp", chain="rsa",
        settings={"least": "TLSv1", "ciphers": "ECDHE+AESGCM:ECDHE+AES"},
    ),
    Plan(
        "smtp-without-tls", "python", None, "offers no STARTTLS", hsts=None, starttls="smtp", trick="no-starttls",
        speaks_tls=False,
    ),
    Plan(
        "smtp-bad-greeting", "raw", None, "greets with 554 and a byte of Latin-1", starttls="smtp",
        trick="bad-greeting", speaks_tls=False,
    ),
)  # fmt: skip

TRUE_REASONS = {
    "hangs": "stays silent",
    "resets": "resets the connection",
    "plaintext": "no TLS",
    "banner": "no TLS",
    "garbage": "no TLS",
    "closed": "closed",
    "smtp-without-tls": "STARTTLS",
    "smtp-bad-greeting": "STARTTLS",
}
"""What has to be said of each port that speaks no TLS."""
