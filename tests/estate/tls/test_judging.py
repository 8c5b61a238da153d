"""An endpoint's grade from what it served, chain by chain."""

from datetime import UTC, datetime, timedelta

import pytest

from estate.certificates.reading import read_certificates
from estate.certificates.trust import TrustStore
from estate.certificates.verdicts import Problem
from estate.tls.judging import judge_endpoint
from infra.lab.tls_rounds import authority, chain, roots, shown

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def trusted():
    return TrustStore.of(read_certificates(roots().encode()))


@pytest.fixture(scope="module")
def good():
    return chain("a.example")


def problems(judged):
    assert judged.chain is not None
    return judged.chain.problems


def test_a_good_chain_lets_the_grade_be(tls, trusted, good):
    judged = judge_endpoint(tls.evidence(shown(good)), trusted, NOW)
    assert (judged.rating.grade, judged.unreadable) == ("A+", "")
    assert [leaf.names for leaf in judged.leaves] == [("a.example",)]


def test_a_root_that_nobody_trusts_is_a_t(tls, good):
    judged = judge_endpoint(tls.evidence(shown(good)), TrustStore.of(()), NOW)
    assert (judged.rating.grade, judged.rating.grade_trust_ignored) == ("T", "A+")


def test_the_moment_is_what_an_expiry_is_measured_against(tls, trusted, good):
    judged = judge_endpoint(tls.evidence(shown(good)), trusted, NOW + timedelta(days=100))
    assert judged.rating.grade == "T"
    assert Problem.EXPIRED in problems(judged)


def test_of_two_certificates_the_worse_one_counts(tls, trusted, good):
    judged = judge_endpoint(tls.evidence(shown(good, chain("other.example"))), trusted, NOW)
    assert judged.rating.grade == "M"
    assert len(judged.leaves) == 2


def test_a_chain_that_cannot_be_read_may_be_the_worst(tls, trusted, good):
    judged = judge_endpoint(tls.evidence(shown(good, ["no certificate"])), trusted, NOW)
    assert judged.rating.grade is None
    assert judged.chain is None
    assert judged.unreadable
    assert "certificate" in judged.rating.not_gradable


def test_a_revoked_leaf_is_not_trusted(tls, trusted, good):
    judged = judge_endpoint(
        tls.evidence({**shown(good), "revocation": {"state": "revoked", "how": "staple"}}), trusted, NOW
    )
    assert judged.rating.grade == "T"
    assert Problem.REVOKED in problems(judged)


def test_known_intermediates_complete_a_chain_that_lacks_one(tls, trusted, good):
    evidence = tls.evidence(shown(good[:1]))
    known = read_certificates(good[1].encode())
    assert Problem.COMPLETABLE in problems(judge_endpoint(evidence, trusted, NOW, known))
    assert judge_endpoint(evidence, trusted, NOW).rating.grade == "T"
    assert authority().intermediate.certificate.subject is not None
