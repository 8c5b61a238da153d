from datetime import timedelta

import pytest

from estate.tls.caps import BY_RULE, CAPS
from estate.tls.case import Blind, Case

OF_PROBLEMS = {
    "certificate-expired": "expired",
    "certificate-not-yet-valid": "not-yet-valid",
    "certificate-revoked": "revoked",
    "certificate-distrusted": "distrusted",
    "certificate-self-signed": "self-signed",
    "certificate-unknown-ca": "unknown-ca",
    "certificate-incomplete": "incomplete",
    "certificate-bad-signature": "bad-signature",
    "certificate-wrong-usage": "wrong-usage",
    "certificate-path-length": "path-length",
    "certificate-sha1": "sha1",
    "certificate-name": "name-mismatch",
    "certificate-md5": "md5",
    "chain-incomplete": "completable",
}


def answer(tls, rule, chain, changes=None):
    return BY_RULE[rule].applies(Case(tls.evidence(changes), chain, tls.now))


@pytest.mark.parametrize(("rule", "problem"), OF_PROBLEMS.items())
def test_a_problem_of_the_chain_is_one_rule_and_no_other(tls, rule, problem):
    assert answer(tls, rule, tls.chain(problem)) != ""
    assert answer(tls, rule, tls.chain()) == ""
    fired = {other for other in BY_RULE if answer(tls, other, tls.chain(problem)) != ""}
    assert fired == {rule}


def test_every_rule_of_the_chain_is_blind_without_one(tls):
    of_chains = [cap.rule for cap in CAPS if cap.applies.__module__.endswith("chain_caps")]
    assert len(of_chains) == len(OF_PROBLEMS) + 3
    assert all(isinstance(answer(tls, rule, None), Blind) for rule in of_chains)


def test_a_chain_that_ended_since_it_was_judged_has_expired(tls):
    ended = tls.chain(expires=tls.now - timedelta(seconds=1))
    assert answer(tls, "certificate-expired", ended) == "expired on 2026-11-24 14:59 UTC"
    assert answer(tls, "certificate-expired", tls.chain(expires=tls.now + timedelta(seconds=1))) == ""
    assert answer(tls, "certificate-expired", tls.chain(expires=None)) == ""


def test_the_issuer_has_the_last_word_on_revocation(tls):
    revoked = {"revocation": {"state": "revoked", "how": "crl"}}
    assert answer(tls, "certificate-revoked", tls.chain(), revoked) == "revoked, says crl"
    assert answer(tls, "certificate-revoked", None, revoked) == "revoked, says crl"
    for state in ("good", "unknown", "not-asked"):
        assert answer(tls, "certificate-revoked", tls.chain(), {"revocation": {"state": state}}) == ""
    assert isinstance(answer(tls, "certificate-revoked", tls.chain(), {"revocation": tls.blind()}), Blind)


def test_a_chain_may_be_untrusted_for_a_reason_without_a_name(tls):
    assert answer(tls, "certificate-untrusted", tls.chain(trusted=False))
    assert answer(tls, "certificate-untrusted", tls.chain("name-mismatch", trusted=False))
    assert answer(tls, "certificate-untrusted", tls.chain("unknown-ca", trusted=False)) == ""


@pytest.mark.parametrize(
    ("bits", "exponent", "problems", "fired"),
    [
        (512, 65537, ("weak-key",), "key-insecure"),
        (1023, 65537, ("weak-key",), "key-insecure"),
        (1024, 65537, ("weak-key",), "key-weak"),
        (2047, 65537, ("weak-key",), "key-weak"),
        (2048, 65537, (), None),
        (2048, 1, ("weak-key",), "key-insecure"),
        (2048, 65537, ("weak-key",), "key-insecure"),
    ],
)
def test_a_key_is_as_good_as_its_bits_unless_it_is_known(tls, bits, exponent, problems, fired):
    chain = tls.chain(*problems, key_kind="RSA", key_bits=bits, rsa_equivalent_bits=bits, rsa_exponent=exponent)
    found = {rule for rule in ("key-insecure", "key-weak") if answer(tls, rule, chain)}
    assert found == ({fired} if fired else set())


def test_a_key_that_nobody_can_weigh_is_no_weak_one(tls):
    chain = tls.chain(key_kind="unknown", key_bits=0, rsa_equivalent_bits=0)
    assert answer(tls, "key-insecure", chain) == Blind("certificate key", "of a kind that we do not know")


@pytest.mark.parametrize("signature_hash", ["md5", "MD2"])
def test_a_leaf_signed_over_md5_is_broken_even_if_its_judge_missed_it(tls, signature_hash):
    assert answer(tls, "certificate-md5", tls.chain(signature_hash=signature_hash))


def test_the_judges_own_words_are_the_evidence(tls):
    chain = tls.chain("expired")
    told = tls.chain("expired", explained=tuple((problem, "ended last week") for problem in chain.problems))
    assert answer(tls, "certificate-expired", told) == "ended last week"


def test_nothing_but_anonymous_suites_has_no_certificate_to_judge(tls):
    bare = {
        "certificates": {"state": "known"},
        "protocols/TLS1.2": tls.offered("TLS_DH_anon_WITH_AES_128_GCM_SHA256"),
        "protocols/TLS1.3": tls.off,
    }
    assert answer(tls, "certificate-untrusted", None, bare) == ""
    assert isinstance(answer(tls, "certificate-untrusted", None, {"certificates": {"state": "known"}}), Blind)
