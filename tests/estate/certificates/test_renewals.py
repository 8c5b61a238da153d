from datetime import timedelta

import pytest

from estate.assets import host
from estate.certificates.facts import describe
from estate.certificates.renewals import explain_renewal, renewal_rulings
from estate.findings import Detection

DAY = timedelta(days=1)
KEY = "certificate/443/web.example"


@pytest.fixture(scope="module")
def issue(workshop):
    roots = {name: workshop.root(name) for name in ("One CA", "Another CA")}

    def made(*, by="One CA", key="web", start=0, life=90, names=("web.example",), kind="ec", path=(), **more):
        begin = workshop.now + start * DAY
        leaf = workshop.issue(
            "web.example", roots[by], key_label=key, begin=begin, end=begin + life * DAY, names=names, kind=kind, **more
        )
        return describe(leaf.certificate, (leaf.certificate, *(one.certificate for one in path)))

    return made


def present(before, after) -> set[str]:
    rulings = renewal_rulings(host("10.0.0.7"), KEY, before, after)
    return {ruling.rule.name for ruling in rulings if ruling.detection is Detection.PRESENT}


def test_a_renewal_with_a_new_key_is_told_and_is_no_finding(issue):
    before, after = issue(start=-60), issue(start=0, key="new")
    assert explain_renewal(before, after) == "reissued with a new key; now until 2027-02-22"
    assert present(before, after) == set()


def test_a_renewal_with_the_same_key_is_a_finding_until_the_next_with_a_new_one(issue):
    first, second, third = issue(start=-60), issue(), issue(start=30, key="new")
    assert explain_renewal(first, second).startswith("reissued with the same key; ")
    assert present(first, second) == {"same-key-after-reissue"}
    assert present(second, third) == set()
    absent = {ruling.rule.name: ruling for ruling in renewal_rulings(host("10.0.0.7"), KEY, second, third)}
    assert absent["same-key-after-reissue"].detection is Detection.ABSENT
    opened = renewal_rulings(host("10.0.0.7"), KEY, first, second)[0]
    assert absent["same-key-after-reissue"].fingerprint == opened.fingerprint


def test_another_ca_is_named(issue):
    before, after = issue(), issue(by="Another CA", key="new")
    assert "issuer changed from CN=One CA to CN=Another CA" in explain_renewal(before, after)
    assert present(before, after) == {"issuer-changed"}


def test_an_older_certificate_again_is_a_roll_back(issue):
    before, after = issue(key="new"), issue(start=-60)
    assert explain_renewal(before, after).startswith("rolled back to the certificate of 2026-09-25")
    assert present(before, after) == {"rolled-back"}


def test_names_kinds_purposes_and_lives_are_told(issue):
    before = issue(names=("a.example", "b.example"), purposes=("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"))
    after = issue(names=("b.example", "*.c.example"), key="new", kind="rsa2048", life=47)
    assert explain_renewal(before, after) == (
        "reissued with a new key; key type changed from EC secp256r1 to RSA 2048; names added: *.c.example; "
        "names removed: a.example; lives 47 days instead of 90; no longer for client-auth; now until 2027-01-10"
    )


def test_a_certificate_for_quite_other_names_is_a_replacement(issue):
    told = explain_renewal(issue(), issue(names=("other.example",), key="new"))
    assert told.startswith("replaced with a new key")


def test_other_intermediates_under_the_same_leaf_are_told(issue, workshop):
    root = workshop.root()
    one, two = (workshop.issue("Middle", root, authority=True) for _ in range(2))
    leaf = workshop.issue("web.example", one)
    values = [describe(leaf.certificate, (leaf.certificate, above.certificate)) for above in (one, two)]
    assert explain_renewal(*values) == "the intermediates that come with it changed"
    assert renewal_rulings(host("10.0.0.7"), KEY, *values) == ()


def test_the_same_certificate_is_no_renewal(issue):
    value = issue()
    assert explain_renewal(value, value) == ""
    assert renewal_rulings(host("10.0.0.7"), KEY, value, value) == ()


@pytest.mark.parametrize("half", [(), (("sha256", "ab"),), (("not_before", "yesterday"), ("sha256", "ab"))])
def test_values_of_which_half_is_missing_are_no_crash(issue, half):
    assert isinstance(explain_renewal(half, issue()), str)
    assert isinstance(explain_renewal(issue(), half), str)
