"""Servers that differ in what they send as their certificate."""

from infra.lab.tls.case import Plan

PLANS = (
    Plan("rsa-ecdsa", "nginx", "A+", "a certificate of each kind, both good", chain="rsa-ecdsa"),
    Plan("expired", "nginx", "T", "2009c: expired", "A+", "expired"),
    Plan("future", "nginx", "T", "not yet valid", "A+", "future"),
    Plan("self-signed", "nginx", "T", "self-signed", "A+", "self-signed"),
    Plan("unknown-ca", "nginx", "T", "a root that nobody trusts", "A+", "unknown-ca"),
    Plan("wrong-name", "nginx", "M", "the certificate is for another name", "A+", "wrong-name"),
    Plan("incomplete", "nginx", "B", "2009i: incomplete, but known from other servers", "B", "incomplete"),
    Plan("incomplete-for-good", "nginx", "T", "no path, nor one from outside", "A+", "incomplete-for-good"),
    Plan("wrong-order", "nginx", "A+", "order and extra certificates change nothing", chain="wrong-order"),
    Plan("sha1", "nginx", "T", "SHA-1 signature in the leaf", "A+", "sha1"),
    Plan("md5", "nginx", "F", "2009e: MD5 signature", "F", "md5"),
    Plan("revoked", "nginx", "T", "revoked, says the staple", "A+", "revoked"),
    Plan("stapled", "nginx", "A+", "a good staple changes nothing", chain="stapled"),
    Plan("must-staple", "nginx", "A+", "stapling changes no grade, though strict clients fail", chain="must-staple"),
    Plan("wildcard", "nginx", "A+", "a wildcard changes nothing", chain="wildcard"),
    Plan("days900", "nginx", "A+", "length of validity changes nothing", chain="days900"),
    Plan("intermediate-ends-first", "nginx", "A+", "every certificate is valid now", chain="intermediate-ends-first"),
    Plan("rsa1024", "nginx", "B", "2009e: key below 2048 bits", chain="rsa1024"),
    Plan("rsa768", "nginx", "F", "2009e: key below 1024 bits", chain="rsa768", settings={"protocols": "TLSv1.2"}),
    Plan(
        "p192", "nginx", "B", "a key worth less than RSA 2048 (NIST SP 800-57: P-192 is below 112 bits)", chain="p192",
        settings={"protocols": "TLSv1.2"},
    ),
    Plan("hostile-names", "nginx", "A+", "one of the names is right, whatever the others are", chain="hostile"),
    Plan("reissued", "nginx", "A+", "as perfect; `reconfigure` reissues it with the same key"),
    Plan("default-certificate", "nginx", "M", "an unknown name gets another's", "A+", asked="nobody.lab.example"),
)  # fmt: skip
