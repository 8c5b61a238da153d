"""Chains of every kind: our judgement, and OpenSSL's as the judge of it."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from estate.certificates.chains import judge_chain
from estate.certificates.reading import spell_pem
from estate.certificates.trust import TrustStore
from estate.certificates.verdicts import ChainVerdict, Problem

DAY = timedelta(days=1)
CLIENT = "1.3.6.1.5.5.7.3.2"
NAME_CONSTRAINTS = "2.5.29.30"


@dataclass(frozen=True)
class Case:
    """A chain as sent, what is known besides, whom to trust, for which name."""

    sent: tuple
    roots: tuple
    expected: frozenset
    extra: tuple = ()
    name: str = "web.example"
    moment: timedelta = timedelta(0)


def case(sent, roots, *expected: Problem, **more) -> Case:
    return Case(tuple(sent), tuple(roots), frozenset(expected), **more)


def plain(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, end=w.now + 900 * DAY)
    return root, middle, w.issue("web.example", middle)


def sound(w):
    root, middle, leaf = plain(w)
    return case([leaf, middle], [root])


def root_sent_too(w):
    root, middle, leaf = plain(w)
    return case([leaf, middle, root], [root])


def wrong_order(w):
    root, middle, leaf = plain(w)
    lower = w.issue("Lower", middle, authority=True)
    return case([w.issue("web.example", lower), root, middle, lower, leaf], [root])


def issued_by_the_root(w):
    root = w.root()
    return case([w.issue("web.example", root)], [root])


def rsa_signed(w):
    root = w.root(kind="rsa2048", key_label="root")
    return case([w.issue("web.example", root, kind="rsa2048")], [root])


def ed25519_signed(w):
    root = w.root(kind="ed25519")
    return case([w.issue("web.example", root)], [root])


def expired(w):
    root = w.root()
    leaf = w.issue("web.example", root, begin=w.now - 90 * DAY, end=w.now - DAY)
    return case([leaf], [root], Problem.EXPIRED)


def future(w):
    root = w.root()
    leaf = w.issue("web.example", root, begin=w.now + DAY)
    return case([leaf], [root], Problem.NOT_YET_VALID)


def middle_expired(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, end=w.now - DAY)
    return case([w.issue("web.example", middle), middle], [root], Problem.EXPIRED)


def root_expired(w):
    root = w.root(end=w.now - DAY)
    return case([w.issue("web.example", root)], [root], Problem.EXPIRED)


def judged_in_a_year(w):
    root, middle, leaf = plain(w)
    return case([leaf, middle], [root], Problem.EXPIRED, moment=365 * DAY)


def self_signed(w):
    return case([w.issue("web.example", None)], [w.root()], Problem.SELF_SIGNED)


def self_signed_and_trusted(w):
    leaf = w.issue("web.example", None)
    return case([leaf], [leaf])


def unknown_root_sent(w):
    root, middle, leaf = plain(w)
    return case([leaf, middle, root], [w.root("Another Root")], Problem.UNKNOWN_CA)


def unknown_root_unsent(w):
    _, middle, leaf = plain(w)
    return case([leaf, middle], [w.root("Another Root")], Problem.UNKNOWN_CA)


def bare(w):
    root, _, leaf = plain(w)
    return case([leaf], [root], Problem.INCOMPLETE)


def completable(w):
    root, middle, leaf = plain(w)
    return case([leaf], [root], Problem.COMPLETABLE, extra=(middle,))


def stranger_signed(w):
    root = w.root()
    return case([w.issue("web.example", root, spoil=True)], [root], Problem.BAD_SIGNATURE)


def middle_forged(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, spoil=True)
    return case([w.issue("web.example", middle), middle], [root], Problem.BAD_SIGNATURE)


def root_of_the_same_name(w):
    root, middle, leaf = plain(w)
    return case([leaf, middle], [w.root()], Problem.UNKNOWN_CA)


def signed_with_sha1(w):
    root = w.root(kind="rsa2048", key_label="root")
    return case([w.issue("web.example", root, hash="sha1")], [root], Problem.SHA1)


def middle_signed_with_md5(w):
    root = w.root(kind="rsa2048", key_label="root")
    middle = w.issue("Middle", root, authority=True, hash="md5")
    return case([w.issue("web.example", middle), middle], [root], Problem.MD5)


def root_signed_with_sha1(w):
    root = w.root(kind="rsa2048", key_label="root", hash="sha1")
    return case([w.issue("web.example", root)], [root])


def rsa_1024(w):
    root = w.root()
    return case([w.issue("web.example", root, kind="rsa1024")], [root], Problem.WEAK_KEY)


def p192(w):
    root = w.root()
    return case([w.issue("web.example", root, kind="ec192")], [root], Problem.WEAK_KEY)


def p224(w):
    root = w.root()
    return case([w.issue("web.example", root, kind="ec224")], [root])


def weak_middle(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, kind="rsa1024")
    return case([w.issue("web.example", middle), middle], [root], Problem.WEAK_KEY)


def other_name(w):
    root = w.root()
    return case([w.issue("other.example", root)], [root], Problem.NAME_MISMATCH)


def common_name_only(w):
    root = w.root()
    leaf = w.issue("web.example", root, names=())
    return case([leaf], [root], Problem.NAME_MISMATCH)


def wildcard(w):
    root = w.root()
    return case([w.issue("x", root, names=("*.example.net",))], [root], name="web.example.net")


def wildcard_two_labels(w):
    root = w.root()
    leaf = w.issue("x", root, names=("*.example.net",))
    return case([leaf], [root], Problem.NAME_MISMATCH, name="a.b.example.net")


def wildcard_not_itself(w):
    root = w.root()
    leaf = w.issue("x", root, names=("*.example.net",))
    return case([leaf], [root], Problem.NAME_MISMATCH, name="example.net")


def wildcard_of_a_top_domain(w):
    root = w.root()
    return case([w.issue("x", root, names=("*.net",))], [root], Problem.NAME_MISMATCH, name="example.net")


def nul_in_name(w):
    root = w.root()
    leaf = w.issue("x", root, names=(b"web.example\0.evil.example",))
    return case([leaf], [root], Problem.NAME_MISMATCH)


def upper_case(w):
    root = w.root()
    return case([w.issue("x", root, names=("WEB.Example",))], [root], name="web.eXample")


def address(w):
    root = w.root()
    return case([w.issue("x", root, names=("192.0.2.7", "2001:db8::1"))], [root], name="2001:db8::1")


def address_as_name(w):
    root = w.root()
    leaf = w.issue("x", root, names=(b"192.0.2.7",))
    return case([leaf], [root], Problem.NAME_MISMATCH, name="192.0.2.7")


def for_clients(w):
    root = w.root()
    return case([w.issue("web.example", root, purposes=(CLIENT,))], [root], Problem.WRONG_USAGE)


def no_purposes(w):
    root = w.root()
    return case([w.issue("web.example", root, purposes=(), usages=())], [root])


def may_only_sign_crls(w):
    root = w.root()
    return case([w.issue("web.example", root, usages=(6,))], [root], Problem.WRONG_USAGE)


def middle_for_clients(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, purposes=(CLIENT,))
    return case([w.issue("web.example", middle), middle], [root], Problem.WRONG_USAGE)


def issued_by_a_leaf(w):
    root = w.root()
    leaf = w.issue("not-a-ca.example", root)
    return case([w.issue("web.example", leaf), leaf], [root], Problem.WRONG_USAGE)


def middle_may_not_sign(w):
    root = w.root()
    middle = w.issue("Middle", root, authority=True, usages=(6,))
    return case([w.issue("web.example", middle), middle], [root], Problem.WRONG_USAGE)


def path_too_long(w):
    root = w.root(path_length=0)
    middle = w.issue("Middle", root, authority=True)
    return case([w.issue("web.example", middle), middle], [root], Problem.PATH_LENGTH)


def path_just_fits(w):
    root = w.root(path_length=1)
    middle = w.issue("Middle", root, authority=True, path_length=0)
    return case([w.issue("web.example", middle), middle], [root])


def inside_constraint(w):
    root = w.root()
    value = w.tlv(0x30, w.tlv(0xA0, w.tlv(0x30, w.tlv(0x82, b"example"))))
    middle = w.issue("Middle", root, authority=True, more=(w.extension(NAME_CONSTRAINTS, value, critical=True),))
    return case([w.issue("web.example", middle), middle], [root])


def outside_constraint(w):
    root = w.root()
    value = w.tlv(0x30, w.tlv(0xA0, w.tlv(0x30, w.tlv(0x82, b"other.example"))))
    middle = w.issue("Middle", root, authority=True, more=(w.extension(NAME_CONSTRAINTS, value, critical=True),))
    return case([w.issue("web.example", middle), middle], [root], Problem.WRONG_USAGE)


def excluded_address(w):
    root = w.root()
    value = w.tlv(0x30, w.tlv(0xA1, w.tlv(0x30, w.tlv(0x87, b"\xc0\0\x02\0\xff\xff\xff\0"))))
    middle = w.issue("Middle", root, authority=True, more=(w.extension(NAME_CONSTRAINTS, value, critical=True),))
    leaf = w.issue("web.example", middle, names=("web.example", "192.0.2.9"))
    return case([leaf, middle], [root], Problem.WRONG_USAGE)


def unknown_and_critical(w):
    root = w.root()
    leaf = w.issue("web.example", root, more=(w.extension("1.3.6.1.4.1.55555.1", b"\x05\0", critical=True),))
    return case([leaf], [root], Problem.WRONG_USAGE)


def unknown_and_not_critical(w):
    root = w.root()
    return case([w.issue("web.example", root, more=(w.extension("1.3.6.1.4.1.55555.1", b"\x05\0"),))], [root])


def no_key_identifiers(w):
    root = w.root(key_ids=False)
    return case([w.issue("web.example", root, key_ids=False)], [root])


def cross_signed(w):
    old, new = w.root("Old Root", end=w.now - DAY), w.root("New Root", key_label="new")
    crossed = w.issue("New Root", old, authority=True, key_label="new", end=w.now + DAY)
    middle = w.issue("Middle", new, authority=True)
    return case([w.issue("web.example", middle), middle, crossed], [old, new])


def version_one_root(w):
    root = w.root(version=1)
    return case([w.issue("web.example", root)], [root])


def anchored_in_the_middle(w):
    _, middle, leaf = plain(w)
    return case([leaf], [middle])


def mutual(w):
    one = w.root("One", key_label="one")
    two = w.root("Two", key_label="two")
    circle = (
        w.issue("One", two, authority=True, key_label="one"),
        w.issue("Two", one, authority=True, key_label="two"),
    )
    return case([w.issue("web.example", one), *circle], [w.root("Far")], Problem.UNKNOWN_CA)


def several_at_once(w):
    root = w.root(kind="rsa2048", key_label="root")
    leaf = w.issue("other.example", root, kind="rsa1024", hash="sha1", end=w.now - DAY, purposes=(CLIENT,))
    wrong = (Problem.EXPIRED, Problem.SHA1, Problem.WEAK_KEY, Problem.NAME_MISMATCH, Problem.WRONG_USAGE)
    return case([leaf], [root], *wrong)


CASES: tuple[Callable, ...] = (
    sound, root_sent_too, wrong_order, issued_by_the_root, rsa_signed, ed25519_signed, expired, future, middle_expired,
    root_expired, judged_in_a_year, self_signed, self_signed_and_trusted, unknown_root_sent, unknown_root_unsent, bare,
    completable, stranger_signed, middle_forged, root_of_the_same_name, signed_with_sha1, middle_signed_with_md5,
    root_signed_with_sha1, rsa_1024, p192, p224, weak_middle, other_name, common_name_only, wildcard,
    wildcard_two_labels, wildcard_not_itself, wildcard_of_a_top_domain, nul_in_name, upper_case, address,
    address_as_name, for_clients, no_purposes, may_only_sign_crls, middle_for_clients, issued_by_a_leaf,
    middle_may_not_sign, path_too_long, path_just_fits, inside_constraint, outside_constraint, excluded_address,
    unknown_and_critical, unknown_and_not_critical, no_key_identifiers, cross_signed, version_one_root,
    anchored_in_the_middle, mutual, several_at_once,
)  # fmt: skip

OURS_ALONE = {common_name_only}
"""RFC 9525 and every browser look at the alternative names alone; OpenSSL still takes the common name."""

OPENSSL = {
    7: Problem.BAD_SIGNATURE, 9: Problem.NOT_YET_VALID, 10: Problem.EXPIRED, 18: Problem.SELF_SIGNED,
    19: Problem.UNKNOWN_CA, 24: Problem.WRONG_USAGE, 25: Problem.PATH_LENGTH, 26: Problem.WRONG_USAGE,
    32: Problem.WRONG_USAGE, 34: Problem.WRONG_USAGE, 47: Problem.WRONG_USAGE, 48: Problem.WRONG_USAGE,
    62: Problem.NAME_MISMATCH, 64: Problem.NAME_MISMATCH, 66: Problem.WEAK_KEY, 67: Problem.WEAK_KEY,
    79: Problem.WRONG_USAGE,
}  # fmt: skip
"""OpenSSL's error numbers (x509_vfy.h) in our words; 20 is an issuer not found, 68 a broken hash."""


def judge(workshop, made: Case) -> ChainVerdict:
    roots = TrustStore.of([one.certificate for one in made.roots], mozilla=False)
    sent = [one.certificate for one in made.sent]
    extra = [one.certificate for one in made.extra]
    return judge_chain(sent, made.name, workshop.now + made.moment, roots, extra)


def ask_openssl(workshop, made: Case, folder: Path) -> set[int]:
    """The error numbers that OpenSSL finds, at the level that refuses SHA-1 and 1024 bits."""
    for label, found in (("leaf", made.sent[:1]), ("sent", (*made.sent[1:], *made.extra)), ("roots", made.roots)):
        (folder / label).write_text("".join(spell_pem(one.certificate) for one in found))
    untrusted = ["-untrusted", "sent"] if made.sent[1:] or made.extra else []
    kind = "-verify_ip" if ":" in made.name or made.name[-1].isdigit() else "-verify_hostname"
    when = str(int((workshop.now + made.moment).timestamp()))
    command = ["openssl", "verify", "-purpose", "sslserver", "-partial_chain", "-auth_level", "2", "-attime", when]
    command += ["-no-CAfile", "-no-CApath", "-no-CAstore", kind, made.name, "-trusted", "roots", *untrusted, "leaf"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return {int(number) for number in re.findall(r"^error (\d+) at", told.stderr, re.MULTILINE)}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_chain_is_judged_with_every_problem_that_it_has(workshop, make):
    made = make(workshop)
    verdict = judge(workshop, made)
    assert verdict.problems == made.expected
    assert verdict.trusted is not bool(made.expected - {Problem.COMPLETABLE, Problem.WEAK_KEY, Problem.NAME_MISMATCH})
    assert {problem for problem, _ in verdict.explained} == verdict.problems
    assert verdict.name_matches is (Problem.NAME_MISMATCH not in made.expected)
    assert verdict.path[0] == made.sent[0].certificate.sha256


@pytest.mark.parametrize("make", sorted(set(CASES) - OURS_ALONE, key=CASES.index), ids=lambda make: make.__name__)
def test_openssl_agrees(workshop, tmp_path, make):
    made = make(workshop)
    verdict = judge(workshop, made)
    errors = ask_openssl(workshop, made, tmp_path)
    assert bool(errors) is bool(verdict.problems - {Problem.COMPLETABLE}), errors
    for error in errors - {20, 21, 68}:
        assert OPENSSL[error] in verdict.problems, error
    if 20 in errors:
        assert verdict.problems & {Problem.INCOMPLETE, Problem.UNKNOWN_CA}
    if 68 in errors:
        assert verdict.problems & {Problem.SHA1, Problem.MD5}
