import pytest

from estate.tls.case import Case
from estate.tls.mozilla import GUIDELINES, Compliance, compare, strictest

CBC, TRIPLE = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"


def compared(tls, changes=None, chain=None):
    return compare(Case(tls.evidence(changes), chain or tls.chain(), tls.now))


def modern(tls):
    return {"protocols/TLS1.2": tls.off}


def rsa(tls, bits=2048):
    return tls.chain(key_kind="RSA", key_bits=bits, rsa_equivalent_bits=bits)


def test_tls_13_alone_with_an_ec_key_is_modern(tls):
    found = compared(tls, modern(tls))
    assert found["modern"] == Compliance(True, ())
    assert strictest(found) == "modern"


def test_tls_12_beside_it_is_intermediate(tls):
    found = compared(tls)
    assert found["modern"].ok is False
    assert found["modern"].issues[0] == "TLS1.2 is offered"
    assert found["intermediate"] == Compliance(True, ())
    assert strictest(found) == "intermediate"


def test_old_versions_and_suites_are_old(tls):
    changes = {"protocols/TLS1.0": tls.offered(CBC, tls.suite(TRIPLE, 112))}
    found = compared(tls, changes, rsa(tls))
    assert found["intermediate"].ok is False
    assert found["old"] == Compliance(True, ())
    assert strictest(found) == "old"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protocols/SSL3": {"state": "offered"}}, "SSL3 is offered"),
        ({"curves/names": ["x25519", "X448"]}, "the group X448 is offered"),
        ({"hsts/max_age": 31_536_000}, "HSTS is not set for 63072000 seconds"),
        ({"hsts": {"state": "absent"}}, "HSTS is not set for 63072000 seconds"),
    ],
)
def test_what_no_guideline_wants_is_an_issue_of_each(tls, changes, words):
    found = compared(tls, changes)
    assert all(words in each.issues for each in found.values())
    assert strictest(found) == "none"


def test_suites_and_keys_are_held_against_the_guideline(tls):
    suites = tls.offered(tls.gcm, tls.suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", dh_bits=1024))
    found = compared(tls, {"protocols/TLS1.2": suites}, rsa(tls, 1024))["intermediate"]
    assert found.issues == (
        "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 is offered",
        "an ephemeral key is worth 1024 bits of RSA, less than 2048",
        "the certificate's key has 1024 bits, less than 2048",
    )


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ({"key_kind": "Ed25519"}, "the certificate's key is ed25519, not ec"),
        ({"key_bits": 521}, "the certificate's key is on a curve of 521 bits, not P-256 or P-384"),
        ({"signature_hash": "sha1"}, "the certificate is signed over sha1"),
        ({"signature_hash": ""}, "the certificate is signed over no named hash"),
    ],
)
def test_the_certificate_is_held_against_the_guideline(tls, chain, words):
    assert compared(tls, modern(tls), tls.chain(**chain))["modern"].issues == (words,)


def test_groups_have_several_names(tls):
    names = {"curves/names": ["X25519MLKEM768", "X25519", "prime256v1", "P-384"]}
    assert compared(tls, names)["intermediate"].ok


@pytest.mark.parametrize(
    "changes",
    [
        {"curves": {"state": "blind"}},
        {"hsts": {"state": "blind"}},
        {"protocols/TLS1.0": {"state": "blind"}},
        {"protocols/TLS1.2": {"state": "offered"}},
    ],
)
def test_a_missing_part_leaves_compliance_open_and_an_issue_closes_it(tls, changes):
    found = compared(tls, changes)
    assert found["intermediate"] == Compliance(None, ())
    assert strictest(found) is None
    worse = compared(tls, {**changes, "protocols/SSL3": {"state": "offered"}})
    assert worse["intermediate"].ok is False


def test_without_a_chain_nothing_is_certain(tls):
    case = Case(tls.evidence(modern(tls)), None, tls.now)
    assert compare(case)["modern"] == Compliance(None, ())


def test_what_offers_nothing_that_is_allowed_is_not_compliant(tls):
    changes = {"protocols/TLS1.3": tls.off}
    assert "none of TLS1.3 is offered" in compared(tls, changes)["modern"].issues


def test_mail_owes_no_hsts(tls):
    assert compared(tls, {"hsts": {"state": "not-http"}})["intermediate"].ok


def test_the_guidelines_grow_from_strict_to_lax():
    suites = [guideline.suites for guideline in GUIDELINES.values()]
    assert suites[0] < suites[1] < suites[2]
    assert [len(found) for found in suites] == [0, 6, 21]
