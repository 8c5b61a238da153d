import pytest

from estate.tls.case import Case
from estate.tls.scores import Scores, letter, score

TRIPLE = "TLS_RSA_WITH_3DES_EDE_CBC_SHA"
RSA = {"key_kind": "RSA", "rsa_exponent": 65537}


def scored(tls, changes, **chain):
    return score(Case(tls.evidence(changes), tls.chain(**chain), tls.now))


def only(tls, version, *suites):
    return {"protocols/TLS1.2": tls.off, "protocols/TLS1.3": tls.off, f"protocols/{version}": tls.offered(*suites)}


def test_the_perfect_endpoint_has_the_best_protocol_and_ciphers_of_both_sizes(tls):
    assert scored(tls, {}) == Scores(protocol=100, key_exchange=90, cipher=90, total=93)


def test_nothing_but_256_bits_and_a_long_key_is_a_hundred(tls):
    suites = tls.offered(tls.suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256, curve_bits=384))
    changes = {"protocols/TLS1.2": suites, "protocols/TLS1.3": tls.off, "hello/curve": "secp384r1"}
    assert scored(tls, changes, rsa_equivalent_bits=4096, **RSA).total == 100


@pytest.mark.parametrize(
    ("version", "points"), [("SSL3", 80), ("TLS1.0", 90), ("TLS1.1", 95), ("TLS1.2", 100), ("TLS1.3", 100)]
)
def test_a_version_alone_has_the_points_of_the_guides_table(tls, version, points):
    assert scored(tls, only(tls, version, tls.gcm)).protocol == points


def test_ssl_2_halves_the_protocol_score_and_alone_makes_all_of_it_nothing(tls):
    assert scored(tls, {"protocols/SSL2": {"state": "offered"}}).protocol == 50
    assert scored(tls, {**only(tls, "TLS1.2", tls.gcm), "protocols/TLS1.2": tls.off}).total == 0


@pytest.mark.parametrize(
    ("bits", "points"), [(511, 20), (512, 40), (1023, 40), (1024, 80), (2047, 80), (2048, 90), (4095, 90), (4096, 100)]
)
def test_the_key_exchange_is_worth_its_weakest_key(tls, bits, points):
    strong = {"hello/curve": "secp384r1", **only(tls, "TLS1.2", tls.suite(tls.gcm, curve_bits=384))}
    assert scored(tls, strong, rsa_equivalent_bits=bits, **RSA).key_exchange == points
    ephemeral = only(tls, "TLS1.2", tls.suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", dh_bits=bits))
    found = scored(tls, {**strong, **ephemeral}, rsa_equivalent_bits=4096, **RSA)
    assert found.key_exchange == points


def test_anonymous_is_worth_nothing_and_export_forty(tls):
    anonymous = scored(tls, only(tls, "TLS1.2", tls.gcm, "TLS_DH_anon_WITH_AES_128_GCM_SHA256"))
    assert (anonymous.key_exchange, anonymous.total) == (0, 0)
    assert scored(tls, only(tls, "TLS1.0", tls.suite("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", 40))).key_exchange == 40


@pytest.mark.parametrize(("bits", "points"), [(0, 0), (40, 20), (127, 20), (128, 80), (255, 80), (256, 100)])
def test_a_cipher_alone_has_the_points_of_the_guides_table(tls, bits, points):
    assert scored(tls, only(tls, "TLS1.2", tls.suite("TLS_RSA_WITH_SOMETHING_SHA", bits))).cipher == points


def test_three_keys_of_des_count_as_112_bits_whatever_the_scanner_says(tls):
    assert scored(tls, only(tls, "TLS1.2", tls.suite(TRIPLE, 168))).cipher == 20


def test_the_sum_is_rounded_down_once(tls):
    # 97.5, 90 and 90 weigh 92.25.
    changes = {"protocols/TLS1.1": tls.offered("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")}
    found = scored(tls, changes)
    assert (found.protocol, found.total) == (97, 92)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"protocols/TLS1.1": {"state": "blind"}}, ["protocol TLS1.1"]),
        ({"protocols/TLS1.2": {"state": "offered"}}, ["suites of TLS1.2"]),
    ],
)
def test_what_is_missing_leaves_no_sum(tls, changes, missing):
    found = scored(tls, changes)
    assert found.total is None
    assert [blind.part for blind in found.hidden] == missing


def test_a_key_that_was_not_told_leaves_no_sum(tls):
    changes = {"protocols/TLS1.2": tls.offered(tls.suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", dh_bits=None))}
    assert scored(tls, changes).key_exchange is None
    assert scored(tls, {}, key_kind="unknown", rsa_equivalent_bits=0).total is None
    assert score(Case(tls.evidence(), None, tls.now)).total is None


@pytest.mark.parametrize(
    ("total", "grade"), [(80, "A"), (79, "B"), (65, "B"), (64, "C"), (50, "C"), (35, "D"), (20, "E"), (19, "F")]
)
def test_a_sum_alone_gives_the_guides_letter(total, grade):
    assert letter(total) == grade
