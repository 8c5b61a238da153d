from datetime import timedelta

import pytest

from estate.assets import Asset, host
from estate.certificates.facts import (
    asked_keys,
    describe,
    elsewhere_reading,
    finding,
    key_of,
    place_reading,
    problem_key,
    spell_place,
    split_problem,
    unseen_reading,
)
from estate.certificates.rules import WEAKNESSES
from estate.certificates.shown import FILE, show
from estate.certificates.trust import TrustStore
from estate.coverage import Keys, Verdict
from estate.diff import Kind, Past, Rules, compare
from estate.findings import Detection
from estate.observations import merge

DAY = timedelta(days=1)
KEY = "certificate/443/web.example"


@pytest.fixture(scope="module")
def root(workshop):
    return workshop.root()


@pytest.fixture(scope="module")
def shown(workshop, root):
    def make(*chain, place="443", name="web.example"):
        roots = TrustStore.of([root.certificate], mozilla=False)
        return show(place, name, [made.certificate for made in chain], workshop.now, roots, host="web.example")

    return make


def test_a_reading_answers_everything_that_was_asked_and_nothing_twice(workshop, root, shown):
    asked = asked_keys("443", "web.example")
    reading = place_reading("10.0.0.7", "443", "web.example", [shown(workshop.issue("web.example", root))])
    assert len(asked) == 2 * (1 + len(WEAKNESSES))
    sight = merge("10.0.0.7", asked, [reading])
    assert set(sight.present) == {KEY}
    assert not sight.blind
    assert not sight.silent
    (look,) = sight.negative
    assert len(look.keys) + 1 == len(asked)


def test_what_is_wrong_is_a_key_of_its_own_and_a_finding(workshop, root, shown):
    made = workshop.issue("web.example", root, end=workshop.now - DAY)
    reading = place_reading("10.0.0.7", "443", "web.example", [shown(made)])
    key = problem_key(KEY, "expired")
    assert key in reading.present
    ruling = finding(host("10.0.0.7"), key, reading.present[key], Detection.PRESENT)
    assert ruling is not None
    assert (ruling.rule.name, ruling.locator, ruling.severity.value) == ("expired", key, "critical")
    assert ruling.subject == "A certificate is expired: 10.0.0.7:443 as web.example"
    assert ruling.evidence == "CN=web.example expired on 2026-11-23 12:00 UTC"
    assert finding(host("10.0.0.7"), KEY, (), Detection.PRESENT) is None
    assert finding(host("10.0.0.7"), "tls/443/-/problem/expired", (), Detection.PRESENT) is None


def test_certificates_in_use_are_facts_of_the_asset_and_roots_are_not(workshop, root, shown):
    middle = workshop.issue("Middle", root, authority=True)
    leaf = workshop.issue("web.example", middle)
    reading = place_reading("10.0.0.7", "443", "web.example", [shown(leaf, middle, root)])
    assert {key for key in reading.present if key.startswith("cert/")} == {
        f"cert/{made.certificate.sha256}" for made in (leaf, middle)
    }


def test_a_renewal_is_one_change_of_the_place(workshop, root, shown):
    asked = asked_keys("443", "web.example") | Keys({"cert": None})
    readings = [
        [
            place_reading("10.0.0.7", "443", "web.example", [shown(workshop.issue("web.example", root, begin=begin))]),
            elsewhere_reading("10.0.0.7", ""),
        ]
        for begin in (workshop.now - 30 * DAY, workshop.now - DAY)
    ]
    asset = host("10.0.0.7")
    first, second = (merge("10.0.0.7", asked, each) for each in readings)
    known = dict(compare(asset, "certificate", {}, first, lambda _: Past.NEVER_TARGETED, Rules()).facts)
    changes = compare(asset, "certificate", known, second, lambda _: Past.PROVED, Rules()).changes
    told = {(change.kind, change.key.partition("/")[0]) for change in changes}
    assert told == {(Kind.CHANGED, "certificate"), (Kind.GONE, "cert"), (Kind.APPEARED, "cert")}


def test_a_second_certificate_has_its_own_place_and_its_absence_is_known_or_not(workshop, root, shown):
    one, two = shown(workshop.issue("web.example", root)), shown(workshop.issue("web.example", root, kind="rsa2048"))
    both = place_reading("10.0.0.7", "443", "web.example", [one, two])
    assert dict(both.present[f"{KEY}+other"])["key"] == "RSA 2048"
    single = place_reading("10.0.0.7", "443", "web.example", [one], others_unknown="reset")
    sight = merge("10.0.0.7", asked_keys("443", "web.example"), [single])
    look = sight.verdict(f"{KEY}+other")
    assert look is not None
    assert (look.verdict, look.reason) == (Verdict.BLIND, "reset")


def test_a_place_that_shows_nothing_is_refuted_or_out_of_sight_as_a_whole():
    asked = asked_keys("443", None)
    for verdict in (Verdict.NEGATIVE, Verdict.SILENT, Verdict.BLIND):
        sight = merge("10.0.0.7", asked, [unseen_reading("10.0.0.7", "443", None, verdict, "some reason")])
        look = sight.verdict("certificate/443/-")
        assert look is not None
        assert (look.verdict, look.reason, look.keys) == (verdict, "some reason", asked)


def test_what_could_not_be_looked_at_may_still_show_the_old_one():
    assert elsewhere_reading("10.0.0.7", "timeout").looks[0].verdict is Verdict.BLIND
    assert elsewhere_reading("10.0.0.7", "").looks[0].verdict is Verdict.NEGATIVE


def test_places_are_spelled_as_people_do():
    assert spell_place(host("10.0.0.7"), "certificate/443/-") == "10.0.0.7:443"
    assert spell_place(host("2001:db8::1"), "certificate/443/a.example+other") == "[2001:db8::1]:443 as a.example"
    assert spell_place(host("web.example"), "certificate/443/web.example") == "web.example:443"
    assert spell_place(Asset("host", "web-7"), key_of(FILE, "/etc/ssl/a b.pem")) == "/etc/ssl/a b.pem on web-7"
    assert split_problem(problem_key(key_of(FILE, "/x/y.pem"), "expired")) == ("certificate-file//x/y.pem", "expired")
    assert split_problem(KEY) is None


def test_hostile_and_endless_names_stay_one_line_of_bounded_length(workshop, root):
    names = tuple(f"{number}.example" for number in range(5000))
    value = dict(describe(workshop.issue("\x1b[2J\n", root, names=names).certificate))
    assert all(text.isprintable() and len(text) <= 20_000 for text in value.values())
    assert value["names"].split()[-1].startswith("and-4900-more-")
    other = dict(describe(workshop.issue("x", root, names=(*names, "new.example")).certificate))
    assert other["names"] != value["names"]


def test_every_attribute_has_a_word_for_nothing(workshop):
    bare = workshop.issue("x", None, names=(), usages=(), purposes=(), subject=workshop.name())
    value = dict(describe(bare.certificate, (bare.certificate,)))
    assert (value["subject"], value["names"], value["purposes"], value["intermediates"]) == ("-", "-", "any", "-")
