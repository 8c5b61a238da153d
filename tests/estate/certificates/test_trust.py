from datetime import UTC, datetime, timedelta

import certifi
import pytest
from cryptography import x509

from estate.certificates.chains import judge_chain
from estate.certificates.distrust import DISTRUSTED, distrusted
from estate.certificates.signatures import Signed, check, verify
from estate.certificates.trust import TrustStore, mozilla_roots
from estate.certificates.verdicts import Problem
from estate.errors import BadReport

DAY = timedelta(days=1)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_mozillas_roots_are_all_read_and_prove_themselves():
    theirs = x509.load_pem_x509_certificates(certifi.contents().encode())
    assert len(mozilla_roots()) == len(theirs) > 100
    assert all(check(root, root.key) is Signed.GOOD for root in mozilla_roots() if root.self_issued)


def test_a_root_is_mozillas_or_our_own_or_nobodys(workshop):
    own, stranger = workshop.root().certificate, workshop.root("Stranger").certificate
    both, alone = TrustStore.of([own]), TrustStore.of([own], mozilla=False)
    public = mozilla_roots()[0]
    assert (both.anchor(own), both.anchor(public), both.anchor(stranger)) == ("own", "mozilla", "")
    assert (alone.anchor(own), alone.anchor(public)) == ("own", "")


def test_a_public_root_judged_as_a_leaf_is_anchored_publicly():
    now = datetime(2026, 11, 24, tzinfo=UTC)
    root = next(root for root in mozilla_roots() if root.not_after > now)
    verdict = judge_chain([root], None, now, TrustStore.of())
    assert verdict.anchor == "mozilla"


def test_a_chain_without_certificates_is_no_chain(workshop):
    with pytest.raises(BadReport):
        judge_chain([], None, workshop.now, TrustStore.of())


@pytest.mark.parametrize(
    ("organisation", "issued", "fires"),
    [
        ("Entrust, Inc.", datetime(2024, 12, 1, tzinfo=UTC), True),
        ("Entrust, Inc.", datetime(2024, 11, 30, tzinfo=UTC), False),
        ("Symantec Corporation", datetime(2016, 1, 1, tzinfo=UTC), True),
        ("Example Corporation", datetime(2026, 1, 1, tzinfo=UTC), False),
    ],
)
def test_distrust_begins_with_its_day(workshop, organisation, issued, fires):
    root = workshop.root(organisation=organisation)
    leaf = workshop.issue("web.example", root, begin=issued)
    assert bool(distrusted((leaf.certificate, root.certificate))) is fires
    assert bool(distrusted((leaf.certificate,))) is fires


def test_the_operators_own_root_is_trusted_whatever_its_name(workshop):
    root = workshop.root(organisation="Symantec Corporation")
    leaf = workshop.issue("web.example", root)
    own = TrustStore.of([root.certificate], mozilla=False)
    assert judge_chain([leaf.certificate], None, workshop.now, own).trusted
    verdict = judge_chain([leaf.certificate], None, workshop.now, TrustStore.of(mozilla=False))
    assert {Problem.DISTRUSTED, Problem.INCOMPLETE} <= verdict.problems


def test_every_distrust_has_names_in_lower_case_and_a_source():
    assert all(rule.source and rule.organisations for rule in DISTRUSTED)
    assert all(name == name.casefold() for rule in DISTRUSTED for name in rule.organisations)


def test_a_signature_of_another_kind_of_key_is_bad_and_an_unknown_one_unchecked(workshop):
    root = workshop.root(kind="rsa2048")
    leaf = workshop.issue("web.example", root).certificate
    assert check(leaf, root.certificate.key) is Signed.GOOD
    assert check(leaf, leaf.key) is Signed.BAD
    w = workshop
    alien = w.tlv(0x30, w.tlv(0x30, w.oid("1.2.3.4")), w.tlv(0x03, b"\0abc"))
    strange = w.issue("x", root, public_key=alien).certificate
    assert verify(leaf.signature, strange.key) is Signed.UNCHECKED


def test_a_thousand_cross_signatures_end(workshop):
    labels = [f"x{number}" for number in range(12)]
    roots = [workshop.root("Same", key_label=label) for label in labels]
    crossed = [
        workshop.issue("Same", above, authority=True, key_label=label)
        for label in labels
        for above in roots
        if above.key is not workshop.key("ec", label)
    ]
    leaf = workshop.issue("web.example", roots[0])
    verdict = judge_chain([one.certificate for one in (leaf, *crossed)], None, workshop.now, TrustStore.of())
    assert not verdict.trusted
