import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.tls.caps import GRADES
from estate.tls.evidence import CHECKS, VERSIONS
from estate.tls.rating import rate, weakest_chain

CBC, RSA_GCM, RC4 = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_RC4_128_SHA"
TRIPLE = {"name": "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "bits": 112}
DHE = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"


def servers(tls):
    """Kinds of servers, with the grade that the guide gives them and the rule that decides it."""
    on, off = tls.offered, tls.off
    good = (tls.gcm, tls.suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256))
    no13 = {"protocols/TLS1.3": off, "modern/version": "TLS1.2", "modern/suite": tls.gcm}
    yield "perfect", {}, (), "A+", ""
    yield "tls13-only", {"protocols/TLS1.2": off}, (), "A+", ""
    yield "tls12-only", no13, (), "A-", "no-tls13"
    yield "tls10-on", {"protocols/TLS1.0": on(CBC)}, (), "B", "tls10-offered"
    yield "tls11-on", {"protocols/TLS1.1": on(CBC)}, (), "B", "tls11-offered"
    yield (
        "tls10-only",
        {
            "protocols/TLS1.0": on(CBC),
            "protocols/TLS1.2": off,
            **no13,
            "modern/suite": CBC,
        },
        (),
        "C",
        "no-tls12",
    )
    yield "ssl3-cbc", {"protocols/SSL3": on(CBC)}, (), "C", "poodle"
    yield "ssl3-rc4", {"protocols/SSL3": on(RC4)}, (), "B", "ssl3-offered"
    yield "ssl3-only", {"protocols/SSL3": on(CBC), "protocols/TLS1.2": off, **no13}, (), "F", "ssl3-best"
    yield "ssl2", {"protocols/SSL2": {"state": "offered"}}, (), "F", "ssl2-offered"
    yield "rc4-first", {"protocols/TLS1.2": on(RC4, *good)}, (), "C", "rc4-preferred"
    yield "rc4-last", {"protocols/TLS1.2": on(*good, RC4)}, (), "B", "rc4-offered"
    yield "rc4-only", {**no13, "protocols/TLS1.2": on(RC4), "modern/suite": RC4}, (), "F", "rc4-only"
    yield "3des-first", {"protocols/TLS1.2": on(TRIPLE, *good)}, (), "C", "small-blocks-preferred"
    yield "3des-last", {"protocols/TLS1.2": on(*good, TRIPLE)}, (), "A+", ""
    yield (
        "fs-last",
        {**no13, "protocols/TLS1.2": on(RSA_GCM, *good), "modern/suite": RSA_GCM},
        (),
        "B",
        ("no-forward-secrecy"),
    )
    yield "no-aead", {**no13, "protocols/TLS1.2": on(CBC), "modern/suite": CBC}, (), "B", "no-aead"
    yield (
        "anonymous",
        {"protocols/TLS1.2": on(*good, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA")},
        (),
        "F",
        ("anonymous-suites"),
    )
    yield "null", {"protocols/TLS1.2": on(*good, tls.suite("TLS_RSA_WITH_NULL_SHA", 0))}, (), "F", "null-suites"
    yield "export", {"protocols/TLS1.0": on(tls.suite("TLS_RSA_EXPORT_WITH_RC4_40_MD5", 40))}, (), "F", "export-suites"
    yield "dh1024", {"protocols/TLS1.2": on(*good, tls.suite(DHE, dh_bits=1024))}, (), "B", "key-exchange-weak"
    yield (
        "dh512",
        {
            **dict.fromkeys((f"protocols/{version}" for version in VERSIONS), tls.blind("dh key too small")),
            "hello/dh_bits": 512,
        },
        (),
        "F",
        "key-exchange-insecure",
    )
    yield (
        "p192",
        {
            **no13,
            "protocols/TLS1.2": on(tls.suite(tls.gcm, curve="secp192r1", curve_bits=192)),
            "hello/curve": "secp192r1",
        },
        (),
        "B",
        "key-exchange-weak",
    )
    yield "compression", {"checks/compression": {"state": "yes"}}, (), "C", "compression"
    yield "heartbleed", {"checks/heartbleed": {"state": "yes"}}, (), "F", "heartbleed"
    yield "robot", {"checks/robot": {"state": "yes"}}, (), "F", "robot"
    yield (
        "insecure-renegotiation",
        {"checks/client_renegotiation": {"state": "yes"}},
        (),
        "F",
        ("insecure-renegotiation"),
    )
    yield "no-rfc5746", {"checks/secure_renegotiation": {"state": "no"}}, (), "A-", "no-secure-renegotiation"
    yield "no-fallback-scsv", {"checks/fallback_scsv": {"state": "no"}}, (), "A+", ""
    yield "hsts-none", {"hsts": {"state": "absent"}}, (), "A-", "hsts-missing"
    yield "hsts-zero", {"hsts/max_age": 0}, (), "A-", "hsts-disabled"
    yield "hsts-short", {"hsts/max_age": 86400}, (), "A-", "hsts-short"
    yield "hsts-invalid", {"hsts": {"state": "invalid", "values": ["max-age=forever"]}}, (), "A-", "hsts-invalid"
    yield "smtp", {"hsts": {"state": "not-http"}, "asked/starttls": "smtp"}, (), "A", "no-hsts-possible"
    for problem, rule in (
        *(("expired", "certificate-expired"), ("not-yet-valid", "certificate-not-yet-valid")),
        *(("self-signed", "certificate-self-signed"), ("unknown-ca", "certificate-unknown-ca")),
        *(("incomplete", "certificate-incomplete"), ("revoked", "certificate-revoked"), ("sha1", "certificate-sha1")),
    ):
        yield problem, {}, (problem,), "T", rule
    yield "wrong-name", {}, ("name-mismatch",), "M", "certificate-name"
    yield "wrong-name-and-expired", {}, ("name-mismatch", "expired"), "T", "certificate-expired"
    yield "incomplete-chain", {}, ("completable",), "B", "chain-incomplete"
    yield "md5", {}, ("md5",), "F", "certificate-md5"


def test_servers_get_the_grade_of_the_guide_for_the_reason_that_decides(tls):
    for name, changes, problems, grade, rule in servers(tls):
        rating = tls.rate(changes, tls.chain(*problems))
        assert rating.grade == grade, (name, rating.not_gradable, rating.reasons)
        assert rating.not_gradable == ""
        assert [reason.rule for reason in rating.reasons][:1] == ([rule] if rule else []), name
        assert rating.criteria == "2009r"


def test_rsa_with_1024_bits_is_b(tls):
    chain = tls.chain("weak-key", key_kind="RSA", key_bits=1024, rsa_equivalent_bits=1024)
    assert tls.rate(chain=chain).grade == "B"


def test_a_score_below_80_is_a_reason_of_its_own(tls):
    suites = tls.offered(tls.gcm, {"name": "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "bits": 168})
    rating = tls.rate({"protocols/TLS1.2": suites, "protocols/TLS1.3": tls.off, "modern/suite": tls.gcm})
    assert rating.grade == "B"
    assert rating.scores.total == 77
    assert (rating.reasons[-1].rule, rating.reasons[-1].effect) == ("score", "is B")


@pytest.mark.parametrize(
    ("problems", "changes", "grade", "aside"),
    [
        (("self-signed",), {}, "T", "A+"),
        (("name-mismatch",), {"checks/robot": {"state": "yes"}}, "M", "F"),
        (("unknown-ca",), {"hsts": {"state": "absent"}}, "T", "A-"),
        (("completable",), {}, "B", "B"),
        (("expired",), {"checks/robot": {"state": "blind"}}, "T", None),
    ],
)
def test_trust_can_be_set_aside(tls, problems, changes, grade, aside):
    rating = tls.rate(changes, tls.chain(*problems))
    assert (rating.grade, rating.grade_trust_ignored) == (grade, aside)


@pytest.mark.parametrize(
    ("changes", "part", "at_best"),
    [
        ({"checks/robot": {"state": "blind", "detail": "CONNECTIVITY_ISSUE: reset"}}, "robot (CONNECTIVITY", "A+"),
        ({"hsts": {"state": "blind", "reason": "client certificate needed"}}, "hsts (client cert", "A+"),
        ({"protocols/TLS1.0": {"state": "blind", "reason": "reset"}}, "protocol TLS1.0 (reset)", "A+"),
        ({"protocols/TLS1.3": {"state": "blind"}}, "protocol TLS1.3", "A+"),
        ({"modern": {"state": "blind"}}, "modern client", "A+"),
        ({"certificates": {"state": "blind", "reason": "cut off"}}, "certificates (cut off)", "A+"),
        ({"revocation": {"state": "blind", "reason": "no answer"}}, "revocation (no answer)", "A+"),
        ({"checks/robot": {"state": "blind"}, "protocols/TLS1.1": {"state": "blind"}}, "robot", "A+"),
        ({"checks/robot": {"state": "blind"}, "checks/compression": {"state": "yes"}}, "robot", "C"),
    ],
)
def test_half_an_answer_is_no_grade(tls, changes, part, at_best):
    rating = tls.rate(changes)
    assert rating.grade is None
    assert rating.not_gradable.startswith("not gradable: could not determine ")
    assert part in rating.not_gradable
    assert rating.at_best == at_best


def test_a_missing_part_that_can_change_nothing_does_not_matter(tls):
    tls11 = {"protocols/TLS1.1": tls.offered(CBC)}
    rating = tls.rate({**tls11, "hsts": tls.blind("timeout")})
    assert (rating.grade, rating.missing) == ("B", ())
    assert [str(blind) for blind in rating.blind] == ["hsts (timeout)"]
    assert tls.rate({"checks/heartbleed": {"state": "yes"}, "checks/robot": {"state": "blind"}}).grade == "F"


def test_f_is_not_told_while_nobody_saw_the_certificate(tls):
    rating = rate(tls.evidence({"protocols/SSL2": {"state": "offered"}}), None, tls.now)
    assert (rating.grade, rating.grade_trust_ignored, rating.at_best) == (None, "F", "F")


def test_a_blind_revocation_leaves_the_grade_that_trust_is_no_part_of(tls):
    rating = tls.rate({"revocation": tls.blind()})
    assert (rating.grade, rating.grade_trust_ignored) == (None, "A+")
    assert tls.rate({"revocation": {"state": "not-asked"}}).grade == "A+"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("refused", "the port is closed"),
        ("unreachable", "out of reach"),
        ("silent", "accepts and stays silent"),
        ("reset", "resets the connection"),
        ("plaintext", "speaks, but no TLS"),
        ("garbage", "answers with something that is no TLS"),
        ("starttls-refused", "refuses STARTTLS"),
    ],
)
def test_a_port_without_tls_has_no_grade_and_a_true_reason(tls, outcome, words):
    dark = dict.fromkeys(("protocols", "checks", "modern", "hsts", "certificates"), tls.gone)
    rating = tls.rate({**dark, "hello": {"outcome": outcome, "detail": "SSH-2.0-x\x1b[2J"}})
    assert rating.grade is None
    assert rating.grade_trust_ignored is None
    assert rating.not_gradable == f"not gradable: {words} (SSH-2.0-x\\x1b[2J)"
    assert rating.reasons == ()


def test_a_server_that_refuses_every_version_has_no_grade(tls):
    off = dict.fromkeys((f"protocols/{version}" for version in VERSIONS), tls.off)
    rating = tls.rate({**off, "hello/alert": "unrecognized_name"})
    assert rating.not_gradable == "not gradable: refuses every version of the protocol (unrecognized_name)"


def test_a_server_that_dislikes_our_hello_alone_is_graded(tls):
    assert tls.rate({"hello": {"outcome": "reset"}}).grade == "A+"


def test_where_only_the_certificate_was_asked_for_nothing_is_graded(tls):
    rating = tls.rate({"asked/profile": "certificate"})
    assert rating.not_gradable == "not gradable: only the certificate was asked for"


def test_advice_names_each_remedy_once_with_all_rules_it_answers(tls):
    rating = tls.rate({"protocols/TLS1.0": tls.offered(CBC), "protocols/TLS1.1": tls.offered(CBC)})
    (advice,) = rating.advice
    assert advice.rules == ("tls10-offered", "tls11-offered")
    assert advice.snippets["nginx"] == "ssl_protocols TLSv1.2 TLSv1.3;"
    assert tls.rate().advice == ()


def test_what_nobody_looks_for_is_said(tls):
    assert "GOLDENDOODLE" in tls.rate({"protocols/TLS1.2": tls.offered(tls.gcm, CBC)}).not_tested
    assert "GOLDENDOODLE" not in tls.rate().not_tested
    assert "Ticketbleed" in tls.rate().not_tested


def test_of_two_chains_whatever_is_wrong_with_either_is_wrong(tls):
    rsa = tls.chain("expired", key_kind="RSA", key_bits=2048, rsa_equivalent_bits=2048, rsa_exponent=65537)
    ec = tls.chain("name-mismatch", signature_hash="sha1")
    for both in ((rsa, ec), (ec, rsa)):
        found = weakest_chain(both)
        assert found is not None
        assert found.problems == rsa.problems | ec.problems
        assert not found.trusted
        assert not found.name_matches
        assert (found.key_kind, found.key_bits, found.signature_hash) == ("RSA", 2048, "sha1")
    assert weakest_chain(()) is None
    assert weakest_chain((ec,)) is ec


WEAKER = (
    *("SSL2", "SSL3", "TLS1.0", "TLS1.1", "rc4", "3des", "null", "export", "anonymous", "des", "dh512", "dh1024"),
    *("dh?", "p192", "compression", "heartbleed", "ccs_injection", "robot", "client_renegotiation"),
    *("no-renegotiation", "hsts-absent", "modern-rsa", "modern-cbc", "prefers-rc4", "expired", "revoked"),
    *("unknown-ca", "name-mismatch", "md5", "sha1", "completable", "rsa1024"),
)
PARTS = (
    *(f"protocols/{version}" for version in VERSIONS),
    *(f"checks/{name}" for name in CHECKS),
    *("modern", "curves", "client_certificate", "certificates", "hsts", "revocation"),
    *(f"protocols/{version}/preferred" for version in ("TLS1.1", "TLS1.2")),
    *("keys", "suites"),
)
SUITES = {
    "rc4": {"name": RC4, "bits": 128},
    "3des": TRIPLE,
    "null": {"name": "TLS_RSA_WITH_NULL_SHA", "bits": 0},
    "export": {"name": "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", "bits": 40},
    "anonymous": {"name": "TLS_DH_anon_WITH_AES_128_CBC_SHA", "bits": 128, "anonymous": True, "dh_bits": 2048},
    "des": {"name": "TLS_RSA_WITH_DES_CBC_SHA", "bits": 56},
    "dh512": {"name": "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "bits": 128, "dh_bits": 512},
    "dh1024": {"name": "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "bits": 128, "dh_bits": 1024},
    "dh?": {"name": "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", "bits": 128},
    "p192": {"name": "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "bits": 128, "curve_bits": 192},
}
CHAINS = {"expired", "revoked", "unknown-ca", "name-mismatch", "md5", "sha1", "completable"}


def weakened(tls, weaknesses):
    """The document and the chain of a server with all of these weaknesses, which has TLS 1.2 in any case."""
    changes: dict[str, object] = {}
    for weakness in weaknesses:
        if weakness in VERSIONS:
            changes[f"protocols/{weakness}"] = tls.offered(CBC)
        elif weakness in CHECKS:
            changes[f"checks/{weakness}"] = {"state": "yes"}
    document = tls.document(changes)
    tls12 = document["protocols"]["TLS1.2"]
    tls12["suites"] += [SUITES[weakness] for weakness in weaknesses if weakness in SUITES]
    if "no-renegotiation" in weaknesses:
        document["checks"]["secure_renegotiation"] = {"state": "no"}
    if "hsts-absent" in weaknesses:
        document["hsts"] = {"state": "absent"}
    if {"modern-rsa", "modern-cbc"} & set(weaknesses):
        document["modern"]["suite"] = "TLS_RSA_WITH_AES_128_CBC_SHA" if "modern-cbc" in weaknesses else RSA_GCM
    if {"prefers-rc4", "rc4"} <= set(weaknesses):
        tls12["preferred"] = RC4
    small = {"key_kind": "RSA", "key_bits": 1024, "rsa_equivalent_bits": 1024} if "rsa1024" in weaknesses else {}
    return document, tls.chain(*(weakness for weakness in weaknesses if weakness in CHAINS), **small)


def blinded(document, part):
    if part == "keys":
        for protocol in document["protocols"].values():
            for suite in protocol.get("suites", ()):
                suite.update(dh_bits=None, curve_bits=None, curve=None)
    elif part == "suites":
        for protocol in document["protocols"].values():
            protocol.pop("suites", None)
    elif part.endswith("/preferred"):
        document["protocols"][part.split("/")[1]]["preferred"] = None
    elif "/" in part:
        above, name = part.split("/")
        document[above][name] = {"state": "blind"}
    else:
        document[part] = {"state": "blind"}


def badness(grade):
    return -1 if grade is None else GRADES.index(grade)


@given(st.data())
def test_turning_parts_blind_takes_the_grade_or_leaves_it_as_it_is(tls, data):
    weaknesses = data.draw(st.lists(st.sampled_from(WEAKER), max_size=4, unique=True))
    document, chain = weakened(tls, weaknesses)
    before = rate(tls.read(document), chain, tls.now)
    for part in data.draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4, unique=True)):
        blinded(document, part)
        after = rate(tls.read(document), chain, tls.now)
        assert after.grade in (before.grade, None)
        assert after.grade_trust_ignored in (before.grade_trust_ignored, None)
        assert badness(after.at_best) <= badness(before.at_best)
        assert (after.grade is None) == (after.not_gradable != "") == bool(after.missing)
        before = after


@given(st.data())
def test_one_more_weakness_never_improves_a_grade(tls, data):
    weaknesses = data.draw(st.lists(st.sampled_from(WEAKER), max_size=5, unique=True))
    more = data.draw(st.sampled_from(WEAKER))
    before, after = (
        rate(tls.read(document), chain, tls.now)
        for document, chain in (weakened(tls, weaknesses), weakened(tls, [*weaknesses, more]))
    )
    assert badness(after.at_best) >= badness(before.at_best)
    if after.grade is not None and before.grade is not None:
        assert badness(after.grade) >= badness(before.grade)
    if after.grade_trust_ignored is not None and before.grade_trust_ignored is not None:
        assert badness(after.grade_trust_ignored) >= badness(before.grade_trust_ignored)


@pytest.mark.parametrize("part", [part for part in PARTS if part not in {"curves", "client_certificate"}])
def test_each_part_that_the_grade_uses_takes_it_from_a_perfect_endpoint(tls, part):
    document = tls.document({"protocols/TLS1.1": {"state": "not-offered"}})
    blinded(document, part)
    graded = {f"checks/{name}" for name in CHECKS[6:]} | {"protocols/TLS1.1/preferred", "protocols/TLS1.2/preferred"}
    assert (rate(tls.read(document), tls.chain(), tls.now).grade is None) is (part not in graded)
