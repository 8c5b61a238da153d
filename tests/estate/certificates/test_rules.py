"""Each rule has a case that fires and one that is quiet."""

from dataclasses import replace
from datetime import timedelta

import pytest

from estate.certificates.ocsp import Staple, StapleVerdict
from estate.certificates.rules import RULES, WEAKNESSES, weaknesses_of
from estate.certificates.shown import FILE, show
from estate.certificates.trust import TrustStore

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Look:
    """Shows certificates of a private CA at a port, or in a file."""

    def __init__(self, workshop) -> None:
        self.w = workshop
        self.root = workshop.root()

    def at(self, *chain, place="443", host="web.example", public=False, trusted=True, staple=None, **more):
        roots = TrustStore.of([self.root.certificate] if trusted else [], mozilla=False)
        shown = show(place, host, [made.certificate for made in chain], self.w.now, roots, host=host, **more)
        verdict = replace(shown.verdict, anchor="mozilla") if public else shown.verdict
        return replace(shown, verdict=verdict, staple=staple)

    def leaf(self, **more):
        return self.w.issue("web.example", more.pop("issuer", self.root), **more)

    def left(self, life, left):
        return self.leaf(begin=self.w.now + left - life, end=self.w.now + left)

    def staple_extension(self):
        return (self.w.extension("1.3.6.1.5.5.7.1.24", self.w.tlv(0x30, self.w.integer(5))),)

    def stamps(self, count):
        stamps = b"".join(b"\0\x01x" for _ in range(count))
        return (self.w.extension("1.3.6.1.4.1.11129.2.4.2", self.w.tlv(0x04, len(stamps).to_bytes(2, "big"), stamps)),)


@pytest.fixture(scope="module")
def look(workshop) -> Look:
    return Look(workshop)


def middle(look, **more):
    return look.w.issue("Middle", look.root, authority=True, **more)


def below(look, **more):
    above = middle(look, **more)
    return look.leaf(issuer=above), above


def reissued_by_itself(look):
    return look.w.issue("web.example", None)


FIRES = {
    "expired": lambda look: look.at(look.leaf(end=look.w.now - HOUR)),
    "expiring-critical": lambda look: look.at(look.left(90 * DAY, 20 * HOUR)),
    "expiring-days": lambda look: look.at(look.left(200 * DAY, 2 * DAY)),
    "expiring-week": lambda look: look.at(look.left(200 * DAY, 6 * DAY)),
    "expiring-high": lambda look: look.at(look.left(90 * DAY, 5 * DAY)),
    "expiring-warn": lambda look: look.at(look.left(90 * DAY, 12 * DAY)),
    "expiring-watch": lambda look: look.at(look.left(90 * DAY, 25 * DAY)),
    "not-yet-valid": lambda look: look.at(look.leaf(begin=look.w.now + HOUR)),
    "expiring-intermediate": lambda look: look.at(
        *below(look, begin=look.w.now - 900 * DAY, end=look.w.now + 20 * DAY)
    ),
    "revoked": lambda look: look.at(leaf := look.leaf(), revoked={leaf.certificate.sha256}),
    "distrusted": lambda look: look.at(look.leaf(issuer=look.w.root(organisation="WoSign CA Limited")), trusted=False),
    "weak-key": lambda look: look.at(look.leaf(kind="rsa1024")),
    "weak-signature": lambda look: look.at(*below_sha1(look)),
    "too-long-validity": lambda look: look.at(look.left(201 * DAY, 150 * DAY), public=True),
    "self-signed": lambda look: look.at(reissued_by_itself(look)),
    "unknown-root": lambda look: look.at(*below(look), trusted=False),
    "incomplete-chain": lambda look: look.at(below(look)[0]),
    "broken-chain": lambda look: look.at(look.leaf(spoil=True)),
    "name-mismatch": lambda look: look.at(look.leaf(), host="other.example"),
    "missing-sct": lambda look: look.at(look.leaf(more=look.stamps(1)), public=True),
    "must-staple-without-staple": lambda look: look.at(look.leaf(more=look.staple_extension())),
    "malformed": lambda look: look.at(look.leaf(serial=-5)),
}
QUIET = {
    "expired": lambda look: look.at(look.leaf(end=look.w.now + HOUR)),
    "expiring-critical": lambda look: look.at(look.left(90 * DAY, 2 * DAY)),
    "expiring-days": lambda look: look.at(look.left(200 * DAY, 4 * DAY)),
    "expiring-week": lambda look: look.at(look.left(90 * DAY, 6 * DAY)),
    "expiring-high": lambda look: look.at(look.left(90 * DAY, 10 * DAY)),
    "expiring-warn": lambda look: look.at(look.left(90 * DAY, 20 * DAY)),
    "expiring-watch": lambda look: look.at(look.left(90 * DAY, 40 * DAY)),
    "not-yet-valid": lambda look: look.at(look.leaf(begin=look.w.now - HOUR)),
    "expiring-intermediate": lambda look: look.at(
        *below(look, begin=look.w.now - 900 * DAY, end=look.w.now + 900 * DAY)
    ),
    "revoked": lambda look: look.at(look.leaf(), revoked={"0" * 64}),
    "distrusted": lambda look: look.at(look.leaf(issuer=look.w.root(organisation="WoSign Fans")), trusted=False),
    "weak-key": lambda look: look.at(look.leaf(kind="rsa2048")),
    "weak-signature": lambda look: look.at(look.leaf()),
    "too-long-validity": lambda look: look.at(look.left(201 * DAY, 150 * DAY), public=False),
    "self-signed": lambda look: look.at(look.w.root("Our Root"), place=FILE, host=None),
    "unknown-root": lambda look: look.at(*below(look)),
    "incomplete-chain": lambda look: look.at(*below(look)),
    "broken-chain": lambda look: look.at(look.leaf(purposes=("1.3.6.1.5.5.7.3.2",)), place=FILE),
    "name-mismatch": lambda look: look.at(look.leaf(), host=None),
    "missing-sct": lambda look: look.at(look.leaf(more=look.stamps(2)), public=True),
    "must-staple-without-staple": lambda look: look.at(
        look.leaf(more=look.staple_extension()), staple=StapleVerdict(Staple.GOOD)
    ),
    "malformed": lambda look: look.at(look.leaf(serial=5)),
}


def below_sha1(look):
    above = middle(look, kind="rsa2048")
    return look.leaf(issuer=above, hash="sha1"), above


@pytest.mark.parametrize("rule", WEAKNESSES)
def test_a_rule_fires_where_it_should_and_says_why(look, rule):
    evidence = dict(weaknesses_of(FIRES[rule](look)))
    assert rule in evidence
    assert evidence[rule].isprintable()
    assert len(evidence[rule]) > 20


@pytest.mark.parametrize("rule", WEAKNESSES)
def test_a_rule_is_quiet_where_it_should_be(look, rule):
    assert rule not in dict(weaknesses_of(QUIET[rule](look)))


def test_a_sound_certificate_has_nothing(look):
    assert dict(weaknesses_of(look.at(look.leaf()))) == {}


def test_only_one_rung_at_a_time(look):
    for left in (-1, 0.5, 5, 12, 25, 60):
        fired = dict(weaknesses_of(look.at(look.left(90 * DAY, left * DAY))))
        assert len([rule for rule in fired if rule.startswith("expir")]) <= 1


def test_a_stale_staple_is_none_and_its_reason_is_told(look):
    stale = StapleVerdict(Staple.STALE, "it was good until yesterday")
    fired = dict(weaknesses_of(look.at(look.leaf(more=look.staple_extension()), staple=stale)))
    assert "until yesterday" in fired["must-staple-without-staple"]


def test_every_rule_says_what_to_do(look):
    assert len(RULES) == len(WEAKNESSES) + 8
    assert all(rule.title and rule.remediation.endswith(".") for rule in RULES.values())
    assert all(namespace == "certificates" and rule.name == name for (namespace, name), rule in RULES.items())
