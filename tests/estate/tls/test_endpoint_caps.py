import pytest

from estate.tls.caps import BY_RULE, CAPS
from estate.tls.case import Blind, Case

RSA_GCM, RC4, TRIPLE = "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"
CBC = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
DHE = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"


def cases(tls):
    """Per rule: what makes it fire, what is close and does not, and what leaves it without an answer."""
    on, off, blind = tls.offered, tls.off, tls.blind()
    no = {"state": "no"}
    yield (
        "ssl2-offered",
        {"protocols/SSL2": {"state": "offered"}},
        {"protocols/SSL3": on(CBC)},
        {"protocols/SSL2": blind},
    )
    yield "ssl3-offered", {"protocols/SSL3": on(CBC)}, {"protocols/TLS1.0": on(CBC)}, {"protocols/SSL3": blind}
    only_ssl3 = {"protocols/SSL3": on(CBC), "protocols/TLS1.2": off, "protocols/TLS1.3": off}
    yield "ssl3-best", only_ssl3, {"protocols/SSL3": on(CBC)}, {**only_ssl3, "protocols/TLS1.1": blind}
    yield "poodle", {"protocols/SSL3": on(CBC)}, {"protocols/SSL3": on(RC4)}, {"protocols/SSL3": {"state": "offered"}}
    yield "tls10-offered", {"protocols/TLS1.0": on(CBC)}, {"protocols/TLS1.1": on(CBC)}, {"protocols/TLS1.0": blind}
    yield "tls11-offered", {"protocols/TLS1.1": on(CBC)}, {"protocols/TLS1.0": on(CBC)}, {"protocols/TLS1.1": blind}
    neither = {"protocols/TLS1.1": on(CBC), "protocols/TLS1.2": off, "protocols/TLS1.3": off}
    yield "no-tls12", neither, {"protocols/TLS1.2": off}, {**neither, "protocols/TLS1.2": blind}
    yield "no-tls13", {"protocols/TLS1.3": off}, {"protocols/TLS1.2": off}, {"protocols/TLS1.3": blind}
    with_rc4 = {"protocols/TLS1.2": on(tls.gcm, RC4)}
    yield "rc4-offered", with_rc4, {"protocols/TLS1.2": on(CBC)}, {"protocols/TLS1.1": blind}
    yield (
        "rc4-preferred",
        {"protocols/TLS1.2": on(RC4, tls.gcm)},
        with_rc4,
        {"protocols/TLS1.2": {**on(tls.gcm, RC4), "preferred": None}},
    )
    only_rc4 = {"protocols/TLS1.2": on(RC4), "protocols/TLS1.3": off}
    yield "rc4-only", only_rc4, {**only_rc4, "protocols/TLS1.1": on(CBC)}, {**only_rc4, "protocols/TLS1.1": blind}
    yield (
        "small-blocks-preferred",
        {"protocols/TLS1.1": on(tls.suite(TRIPLE, 112))},
        {
            "protocols/TLS1.2": on(tls.gcm, tls.suite(TRIPLE, 112)),
            "protocols/TLS1.0": on(tls.suite(TRIPLE, 112)),
        },
        {"protocols/TLS1.1": blind},
    )
    export = tls.suite("TLS_RSA_EXPORT_WITH_RC4_40_MD5", 40)
    yield "export-suites", {"protocols/TLS1.0": on(export)}, with_rc4, {"protocols/TLS1.0": blind}
    null = tls.suite("TLS_RSA_WITH_NULL_SHA256", 0)
    yield (
        "null-suites",
        {"protocols/TLS1.2": on(tls.gcm, null)},
        {"protocols/TLS1.0": on(export)},
        {"protocols/TLS1.2": {"state": "offered"}},
    )
    anonymous = tls.suite("TLS_DH_anon_WITH_AES_128_GCM_SHA256")
    yield "anonymous-suites", {"protocols/TLS1.2": on(tls.gcm, anonymous)}, with_rc4, {"protocols/SSL3": blind}
    single = tls.suite("TLS_RSA_WITH_DES_CBC_SHA", 56)
    yield "weak-suites", {"protocols/TLS1.0": on(single)}, {"protocols/TLS1.0": on(export)}, {"protocols/TLS1.0": blind}
    yield (
        "no-aead",
        {
            "protocols/TLS1.2": on(CBC),
            "protocols/TLS1.3": off,
            "modern/suite": CBC,
        },
        {"protocols/TLS1.3": off, "modern/suite": tls.gcm},
        {"modern": blind},
    )
    yield (
        "no-forward-secrecy",
        {"protocols/TLS1.2": on(RSA_GCM, tls.gcm), "modern/suite": RSA_GCM},
        {
            "protocols/TLS1.2": on(tls.gcm, RSA_GCM),
            "modern/suite": tls.gcm,
        },
        {"modern": blind},
    )
    for rule, weak, fine in (("key-exchange-insecure", 512, 1024), ("key-exchange-weak", 1024, 2048)):
        sized = {"protocols/TLS1.2": on(tls.gcm, tls.suite(DHE, dh_bits=weak))}
        yield (
            rule,
            sized,
            {"protocols/TLS1.2": on(tls.gcm, tls.suite(DHE, dh_bits=fine))},
            {"protocols/TLS1.2": on(tls.gcm, tls.suite(DHE, dh_bits=None))},
        )
    yield (
        "insecure-renegotiation",
        {"checks/client_renegotiation": {"state": "yes"}},
        {"checks/client_renegotiation": {"state": "not-applicable"}},
        {"checks/client_renegotiation": {"state": "blind"}},
    )
    for rule, name in (("heartbleed",) * 2, ("robot",) * 2, ("compression",) * 2, ("ccs-injection", "ccs_injection")):
        yield rule, {f"checks/{name}": {"state": "yes"}}, {f"checks/{name}": no}, {f"checks/{name}": {"state": "blind"}}
    yield (
        "no-secure-renegotiation",
        {"checks/secure_renegotiation": no},
        {
            "checks/secure_renegotiation": no,
            "protocols/TLS1.2": off,
        },
        {"checks/secure_renegotiation": {"state": "blind"}},
    )
    hsts = {"hsts": blind}
    yield "hsts-missing", {"hsts": {"state": "absent"}}, {"hsts": {"state": "not-http"}}, hsts
    yield (
        "hsts-invalid",
        {"hsts": {"state": "invalid", "values": ["max-age=for\x1bever"]}},
        {"hsts/values": ["max-age=63072000", "max-age=1"]},
        hsts,
    )
    yield "hsts-disabled", {"hsts/max_age": 0}, {"hsts/max_age": 1}, hsts
    yield "hsts-short", {"hsts/max_age": 15_551_999}, {"hsts/max_age": 15_552_000}, hsts
    yield "no-hsts-possible", {"hsts": {"state": "not-http"}}, {"hsts": {"state": "absent"}}, hsts


def answer(tls, rule, changes):
    return BY_RULE[rule].applies(Case(tls.evidence(changes), tls.chain(), tls.now))


def test_every_rule_of_the_endpoint_fires_stays_quiet_and_says_that_it_cannot_tell(tls):
    for rule, firing, quiet, unknown in cases(tls):
        fired = answer(tls, rule, firing)
        assert isinstance(fired, str), rule
        assert fired, rule
        assert fired.isprintable(), rule
        assert answer(tls, rule, quiet) == "", rule
        assert isinstance(answer(tls, rule, unknown), Blind), rule


def test_every_rule_of_the_endpoint_is_tried_here(tls):
    tried = {rule for rule, *_ in cases(tls)}
    assert {cap.rule for cap in CAPS if cap.applies.__module__.endswith("endpoint_caps")} == tried


def test_a_perfect_endpoint_meets_no_rule(tls):
    assert {cap.rule for cap in CAPS if answer(tls, cap.rule, {}) != ""} == set()


def test_what_the_first_hello_met_counts_where_nothing_else_got_through(tls):
    dark = {f"protocols/{version}": tls.blind() for version in ("TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3")}
    assert (
        answer(tls, "key-exchange-insecure", {**dark, "hello/dh_bits": 512}) == "an ephemeral key worth 512 bits of RSA"
    )
    assert answer(tls, "key-exchange-weak", {**dark, "hello/curve": "secp192r1"}).endswith("1536 bits of RSA")
    assert isinstance(answer(tls, "key-exchange-insecure", {**dark, "hello/curve": "secp192r1"}), Blind)


def test_a_long_list_of_suites_is_told_in_short(tls):
    many = [f"TLS_RSA_WITH_RC4_128_{number}" for number in range(5)]
    assert answer(tls, "rc4-offered", {"protocols/TLS1.2": tls.offered(*many)}).endswith("128_2 and 2 more")


@pytest.mark.parametrize("modern", ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"])
def test_aead_that_is_offered_but_not_negotiated_is_no_aead(tls, modern):
    assert answer(tls, "no-aead", {"modern/suite": modern}) == f"a client of today gets {modern}"


def test_rc4_in_tls_10_alone_is_not_used_with_anything_newer(tls):
    assert answer(tls, "rc4-preferred", {"protocols/TLS1.0": tls.offered(RC4)}) == ""
