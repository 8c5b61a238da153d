"""Chains that lead to a root, or do not: our judgement, and OpenSSL's as the judge of it."""

from datetime import timedelta

import pytest

from estate.certificates.verdicts import HARMLESS_TO_TRUST, Problem

DAY = timedelta(days=1)


def plain(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, end=w.now + 900 * DAY)
    return root, middle, w.issue("web.example", middle)


def sound(w):
    root, middle, leaf = plain(w)
    return w.case([leaf, middle], [root])


def root_sent_too(w):
    root, middle, leaf = plain(w)
    return w.case([leaf, middle, root], [root])


def wrong_order(w):
    root, middle, leaf = plain(w)
    lower = w.issue("Lower", middle, authority=True)
    return w.case([w.issue("web.example", lower), root, middle, lower, leaf], [root])


def issued_by_the_root(w):
    root = w.root()
    return w.case([w.issue("web.example", root)], [root])


def rsa_signed(w):
    root = w.root(kind="rsa2048", key_label="root")
    return w.case([w.issue("web.example", root, kind="rsa2048")], [root])


def ed25519_signed(w):
    root = w.root(kind="ed25519")
    return w.case([w.issue("web.example", root)], [root])


def expired(w):
    root = w.root()
    leaf = w.issue("web.example", root, begin=w.now - 90 * DAY, end=w.now - DAY)
    return w.case([leaf], [root], Problem.EXPIRED)


def future(w):
    root = w.root()
    leaf = w.issue("web.example", root, begin=w.now + DAY)
    return w.case([leaf], [root], Problem.NOT_YET_VALID)


def middle_expired(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, end=w.now - DAY)
    return w.case([w.issue("web.example", middle), middle], [root], Problem.EXPIRED)


def root_expired(w):
    root = w.root(end=w.now - DAY)
    return w.case([w.issue("web.example", root)], [root], Problem.EXPIRED)


def judged_in_a_year(w):
    root, middle, leaf = plain(w)
    return w.case([leaf, middle], [root], Problem.EXPIRED, moment=365 * DAY)


def self_signed(w):
    return w.case([w.issue("web.example", None)], [w.root()], Problem.SELF_SIGNED)


def self_signed_and_trusted(w):
    leaf = w.issue("web.example", None)
    return w.case([leaf], [leaf])


def unknown_root_sent(w):
    root, middle, leaf = plain(w)
    return w.case([leaf, middle, root], [w.root("Another Root")], Problem.UNKNOWN_CA)


def unknown_root_unsent(w):
    _, middle, leaf = plain(w)
    return w.case([leaf, middle], [w.root("Another Root")], Problem.UNKNOWN_CA)


def bare(w):
    root, _, leaf = plain(w)
    return w.case([leaf], [root], Problem.INCOMPLETE)


def completable(w):
    root, middle, leaf = plain(w)
    return w.case([leaf], [root], Problem.COMPLETABLE, extra=(middle,))


def stranger_signed(w):
    root = w.root()
    return w.case([w.issue("web.example", root, spoil=True)], [root], Problem.BAD_SIGNATURE)


def middle_forged(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, spoil=True)
    return w.case([w.issue("web.example", middle), middle], [root], Problem.BAD_SIGNATURE)


def root_of_the_same_name(w):
    _root, middle, leaf = plain(w)
    return w.case([leaf, middle], [w.root()], Problem.UNKNOWN_CA)


def no_key_identifiers(w):
    root = w.root(key_ids=False)
    return w.case([w.issue("web.example", root, key_ids=False)], [root])


def cross_signed(w):
    old, new = w.root("Old Root", end=w.now - DAY), w.root("New Root", key_label="new")
    crossed = w.issue("New Root", old, authority=True, key_label="new", end=w.now + DAY)
    middle = w.issue("Middle", new, authority=True)
    return w.case([w.issue("web.example", middle), middle, crossed], [old, new])


def version_one_root(w):
    root = w.root(version=1)
    return w.case([w.issue("web.example", root)], [root])


def anchored_in_the_middle(w):
    _, middle, leaf = plain(w)
    return w.case([leaf], [middle])


def mutual(w):
    one = w.root("One", key_label="one")
    two = w.root("Two", key_label="two")
    circle = (
        w.issue("One", two, authority=True, key_label="one"),
        w.issue("Two", one, authority=True, key_label="two"),
    )
    return w.case([w.issue("web.example", one), *circle], [w.root("Far")], Problem.UNKNOWN_CA)


CASES = (
    sound, root_sent_too, wrong_order, issued_by_the_root, rsa_signed, ed25519_signed, expired, future,
    middle_expired, root_expired, judged_in_a_year, self_signed, self_signed_and_trusted, unknown_root_sent,
    unknown_root_unsent, bare, completable, stranger_signed, middle_forged, root_of_the_same_name, no_key_identifiers,
    cross_signed, version_one_root, anchored_in_the_middle, mutual,
)  # fmt: skip


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_chain_is_judged_with_every_problem_that_it_has(workshop, make):
    made = make(workshop)
    verdict = workshop.judge(made)
    assert verdict.problems == made.expected
    assert verdict.trusted is not bool(made.expected - HARMLESS_TO_TRUST)
    assert {problem for problem, _ in verdict.explained} == verdict.problems
    assert verdict.name_matches is (Problem.NAME_MISMATCH not in made.expected)
    assert verdict.path[0] == made.sent[0].certificate.sha256


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_openssl_agrees(workshop, tmp_path, make):
    made = make(workshop)
    errors = workshop.ask_openssl(made, tmp_path)
    verdict = workshop.judge(made)
    assert bool(errors) is bool(verdict.problems - {Problem.COMPLETABLE}), errors
    assert all(verdict.problems & meant for meant in errors.values()), errors
