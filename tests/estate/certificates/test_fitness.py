"""Chains that lead to a root and are fit for a server, or are not: our judgement, and OpenSSL's as the judge of it."""

from datetime import timedelta

import pytest

from estate.certificates.verdicts import HARMLESS_TO_TRUST, Problem

DAY = timedelta(days=1)
CLIENT = "1.3.6.1.5.5.7.3.2"
NAME_CONSTRAINTS = "2.5.29.30"


def signed_with_sha1(w):
    root = w.root(kind="rsa2048", key_label="root")
    return w.case([w.issue("web.example", root, hash="sha1")], [root], Problem.SHA1)


def middle_signed_with_md5(w):
    root = w.root(kind="rsa2048", key_label="root")
    middle = w.issue("Middle", root, authority=True, hash="md5")
    return w.case([w.issue("web.example", middle), middle], [root], Problem.MD5)


def root_signed_with_sha1(w):
    root = w.root(kind="rsa2048", key_label="root", hash="sha1")
    return w.case([w.issue("web.example", root)], [root])


def rsa_1024(w):
    root = w.root()
    return w.case([w.issue("web.example", root, kind="rsa1024")], [root], Problem.WEAK_KEY)


def p192(w):
    root = w.root()
    return w.case([w.issue("web.example", root, kind="ec192")], [root], Problem.WEAK_KEY)


def p224(w):
    root = w.root()
    return w.case([w.issue("web.example", root, kind="ec224")], [root])


def weak_middle(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, kind="rsa1024")
    return w.case([w.issue("web.example", middle), middle], [root], Problem.WEAK_KEY)


def other_name(w):
    root = w.root()
    return w.case([w.issue("other.example", root)], [root], Problem.NAME_MISMATCH)


def common_name_only(w):
    root = w.root()
    leaf = w.issue("web.example", root, names=())
    return w.case([leaf], [root], Problem.NAME_MISMATCH)


def wildcard(w):
    root = w.root()
    return w.case([w.issue("x", root, names=("*.example.net",))], [root], name="web.example.net")


def wildcard_two_labels(w):
    root = w.root()
    leaf = w.issue("x", root, names=("*.example.net",))
    return w.case([leaf], [root], Problem.NAME_MISMATCH, name="a.b.example.net")


def wildcard_not_itself(w):
    root = w.root()
    leaf = w.issue("x", root, names=("*.example.net",))
    return w.case([leaf], [root], Problem.NAME_MISMATCH, name="example.net")


def wildcard_of_a_top_domain(w):
    root = w.root()
    return w.case([w.issue("x", root, names=("*.net",))], [root], Problem.NAME_MISMATCH, name="example.net")


def nul_in_name(w):
    root = w.root()
    leaf = w.issue("x", root, names=(b"web.example\0.evil.example",))
    return w.case([leaf], [root], Problem.NAME_MISMATCH)


def upper_case(w):
    root = w.root()
    return w.case([w.issue("x", root, names=("WEB.Example",))], [root], name="web.eXample")


def address(w):
    root = w.root()
    return w.case([w.issue("x", root, names=("192.0.2.7", "2001:db8::1"))], [root], name="2001:db8::1")


def address_as_name(w):
    root = w.root()
    leaf = w.issue("x", root, names=(b"192.0.2.7",))
    return w.case([leaf], [root], Problem.NAME_MISMATCH, name="192.0.2.7")


def for_clients(w):
    root = w.root()
    return w.case([w.issue("web.example", root, purposes=(CLIENT,))], [root], Problem.WRONG_USAGE)


def no_purposes(w):
    root = w.root()
    return w.case([w.issue("web.example", root, purposes=(), usages=())], [root])


def may_only_sign_crls(w):
    root = w.root()
    return w.case([w.issue("web.example", root, usages=(6,))], [root], Problem.WRONG_USAGE)


def middle_for_clients(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, purposes=(CLIENT,))
    return w.case([w.issue("web.example", middle), middle], [root], Problem.WRONG_USAGE)


def issued_by_a_leaf(w):
    root = w.root()
    leaf = w.issue("not-a-ca.example", root)
    return w.case([w.issue("web.example", leaf), leaf], [root], Problem.WRONG_USAGE)


def middle_may_not_sign(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, usages=(6,))
    return w.case([w.issue("web.example", middle), middle], [root], Problem.WRONG_USAGE)


def path_too_long(w):
    root = w.root(path_length=0)
    middle = w.issue("Middle", root, authority=True)
    return w.case([w.issue("web.example", middle), middle], [root], Problem.PATH_LENGTH)


def path_just_fits(w):
    root = w.root(path_length=1)
    middle = w.issue("Middle", root, authority=True, path_length=0)
    return w.case([w.issue("web.example", middle), middle], [root])


def inside_constraint(w):
    root = w.root()
    value = w.tlv(0x30, w.tlv(0xA0, w.tlv(0x30, w.tlv(0x82, b"example"))))
    middle = w.issue("Middle", root, authority=True, more=(w.extension(NAME_CONSTRAINTS, value, critical=True),))
    return w.case([w.issue("web.example", middle), middle], [root])


def outside_constraint(w):
    root = w.root()
    value = w.tlv(0x30, w.tlv(0xA0, w.tlv(0x30, w.tlv(0x82, b"other.example"))))
    middle = w.issue("Middle", root, authority=True, more=(w.extension(NAME_CONSTRAINTS, value, critical=True),))
    return w.case([w.issue("web.example", middle), middle], [root], Problem.WRONG_USAGE)


def excluded_address(w):
    root = w.root()
    value = w.tlv(0x30, w.tlv(0xA1, w.tlv(0x30, w.tlv(0x87, b"\xc0\0\x02\0\xff\xff\xff\0"))))
    middle = w.issue("Middle", root, authority=True, more=(w.extension(NAME_CONSTRAINTS, value, critical=True),))
    leaf = w.issue("web.example", middle, names=("web.example", "192.0.2.9"))
    return w.case([leaf, middle], [root], Problem.WRONG_USAGE)


def unknown_and_critical(w):
    root = w.root()
    leaf = w.issue("web.example", root, more=(w.extension("1.3.6.1.4.1.55555.1", b"\x05\0", critical=True),))
    return w.case([leaf], [root], Problem.WRONG_USAGE)


def unknown_and_not_critical(w):
    root = w.root()
    return w.case([w.issue("web.example", root, more=(w.extension("1.3.6.1.4.1.55555.1", b"\x05\0"),))], [root])


def several_at_once(w):
    root = w.root(kind="rsa2048", key_label="root")
    leaf = w.issue("other.example", root, kind="rsa1024", hash="sha1", end=w.now - DAY, purposes=(CLIENT,))
    wrong = (Problem.EXPIRED, Problem.SHA1, Problem.WEAK_KEY, Problem.NAME_MISMATCH, Problem.WRONG_USAGE)
    return w.case([leaf], [root], *wrong)


CASES = (
    signed_with_sha1, middle_signed_with_md5, root_signed_with_sha1, rsa_1024, p192, p224, weak_middle, other_name,
    common_name_only, wildcard, wildcard_two_labels, wildcard_not_itself, wildcard_of_a_top_domain, nul_in_name,
    upper_case, address, address_as_name, for_clients, no_purposes, may_only_sign_crls, middle_for_clients,
    issued_by_a_leaf, middle_may_not_sign, path_too_long, path_just_fits, inside_constraint, outside_constraint,
    excluded_address, unknown_and_critical, unknown_and_not_critical, several_at_once,
)  # fmt: skip
AS_OPENSSL = tuple(make for make in CASES if make is not common_name_only)
"""RFC 9525 and every browser look at the alternative names alone; OpenSSL still takes the common name."""


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_chain_is_judged_with_every_problem_that_it_has(workshop, make):
    made = make(workshop)
    verdict = workshop.judge(made)
    assert verdict.problems == made.expected
    assert verdict.trusted is not bool(made.expected - HARMLESS_TO_TRUST)
    assert {problem for problem, _ in verdict.explained} == verdict.problems
    assert verdict.name_matches is (Problem.NAME_MISMATCH not in made.expected)
    assert verdict.path[0] == made.sent[0].certificate.sha256


@pytest.mark.parametrize("make", AS_OPENSSL, ids=lambda make: make.__name__)
def test_openssl_agrees(workshop, tmp_path, make):
    made = make(workshop)
    errors = workshop.ask_openssl(made, tmp_path)
    verdict = workshop.judge(made)
    assert bool(errors) is bool(verdict.problems - {Problem.COMPLETABLE}), errors
    assert all(verdict.problems & meant for meant in errors.values()), errors
