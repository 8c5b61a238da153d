"""The life of grades and certificates over many runs: from evidence to changes and findings, through a database."""

from datetime import UTC, datetime, timedelta

import pytest

from estate.tls.shard import Endpoint
from infra.lab.tls.authority import authority as new_authority
from infra.lab.tls.authority import ec_key
from infra.lab.tls_documents import blind, offered
from infra.lab.tls_rounds import chain, settle_tls, shown, silence

WEB = Endpoint("10.0.0.1", "10.0.0.1", 443, "a.example")
HERE, CERTIFICATE = "tls/443/a.example/", "certificate/443/a.example"
CBC = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
TLS11 = {"protocols/TLS1.1": offered(CBC)}


@pytest.fixture(scope="module")
def good():
    return shown(chain("a.example"))


@pytest.fixture
def graded(estate_on_both, good):
    settle_tls(estate_on_both, NOW, {WEB: good})
    return estate_on_both


@pytest.fixture
def seen(estate):
    """An estate that knows a certificate, and the key of it."""
    key = ec_key()
    settle_tls(estate, NOW, {WEB: shown(chain("a.example", key))}, scan="certificates")
    return estate, key


def told(estate, settled):
    return {(one["kind"], one["key"].removeprefix(HERE)): one for one in estate.changes(settled.run)}


def rules(estate, **more):
    return {one["rule"]: one["detection"] for one in estate.findings(everything=True)}


def open_facts(estate):
    return estate.dump()["fact"]


def test_a_first_look_is_news_to_us_and_no_alarm(graded):
    assert {one["kind"] for one in graded.changes()} == {"first_observed"}
    (grade,) = (one for one in graded.changes() if one["key"] == f"{HERE}grade")
    assert grade["after"]["grade"] == "A+"
    assert graded.findings() == []


def test_the_same_look_again_writes_no_fact(graded, good):
    before = open_facts(graded)
    with graded.counting_writes() as writes:
        again = settle_tls(graded, NOW + DAY, {WEB: good})
    assert (graded.kinds(again), open_facts(graded)) == ({}, before)
    assert sum(writes) <= 16


def test_switching_tls_11_on_is_a_grade_that_fell_and_a_protocol_that_appeared(graded, good):
    worse = settle_tls(graded, NOW + DAY, {WEB: {**good, **TLS11}})
    found = told(graded, worse)
    assert set(found) == {("changed", "grade"), ("appeared", "protocol/TLS1.1")}
    grade = found["changed", "grade"]
    assert grade["reason"] == "grade fell from A+ to B: TLS 1.1 is offered"
    assert (grade["before"]["grade"], grade["after"]["grade"], grade["cause"]) == ("A+", "B", "estate")
    assert found["appeared", "protocol/TLS1.1"]["certainty"] == "proved"
    (finding,) = graded.findings()
    assert (finding["rule"], finding["locator"]) == ("tls11-offered", f"{HERE}protocol/TLS1.1")
    better = settle_tls(graded, NOW + 2 * DAY, {WEB: good})
    assert told(graded, better)["changed", "grade"]["reason"].startswith("grade rose from B to A+")
    assert rules(graded) == {"tls11-offered": "absent"}


def test_what_could_not_be_seen_is_out_of_sight_and_never_a_better_grade(graded, good):
    settle_tls(graded, NOW + DAY, {WEB: {**good, **TLS11}})
    dark = settle_tls(graded, NOW + 2 * DAY, {WEB: {**good, "protocols/TLS1.1": blind("reset")}})
    assert set(told(graded, dark)) == {("lost_sight", "grade"), ("lost_sight", "protocol/TLS1.1")}
    assert told(graded, dark)["lost_sight", "grade"]["reason"] == "not gradable: protocol TLS1.1"
    assert rules(graded) == {"tls11-offered": "unobserved"}
    back = settle_tls(graded, NOW + 3 * DAY, {WEB: {**good, **TLS11}})
    assert set(told(graded, back)) == {("sight_regained", "grade"), ("sight_regained", "protocol/TLS1.1")}


def test_a_refused_port_proves_everything_gone(graded):
    gone = settle_tls(graded, NOW + DAY, {WEB: silence("refused")})
    changes = graded.changes(gone.run)
    assert {(one["kind"], one["certainty"], one["reason"]) for one in changes} == {("gone", "proved", "refused")}
    assert f"{HERE}endpoint" in {one["key"] for one in changes}


def test_a_silent_port_is_only_suspected_until_the_third_time(graded):
    kinds = [set(graded.kinds(settle_tls(graded, NOW + n * DAY, {WEB: silence()}))) for n in (1, 2, 3)]
    assert kinds == [{"suspected_gone"}, set(), {"gone"}]


def test_a_reset_after_our_hello_loses_sight_and_closes_nothing(graded):
    for n in (1, 2, 3, 4):
        settle_tls(graded, NOW + n * DAY, {WEB: silence("reset")})
    assert {one["kind"] for one in graded.changes()} == {"first_observed", "lost_sight"}


def test_a_second_look_that_sees_it_leaves_nothing_to_tell(graded, good):
    settled = settle_tls(graded, NOW + DAY, {WEB: silence("reset")}, {WEB: good})
    assert graded.kinds(settled) == {}


def test_a_watch_after_a_full_round_tells_nothing_of_what_it_did_not_ask(graded, good):
    assert graded.kinds(settle_tls(graded, NOW + DAY, {WEB: good}, profile="watch")) == {}


def test_settling_again_gives_the_same(graded, good):
    worse = settle_tls(graded, NOW + DAY, {WEB: {**good, **TLS11}})
    before = graded.dump()
    graded.settler().settle(worse.run)
    assert graded.dump() == before


def test_a_renewal_is_a_change_of_its_place_in_words(seen):
    estate, _ = seen
    renewed = settle_tls(estate, NOW + DAY, {WEB: shown(chain("a.example"))}, scan="certificates")
    found = {one["key"].partition("/")[0]: one for one in estate.changes(renewed.run) if one["kind"] == "changed"}
    assert found["certificate"]["reason"].startswith("reissued with a new key")
    kinds = {(one["kind"], one["key"].partition("/")[0]) for one in estate.changes(renewed.run)}
    assert kinds == {("changed", "certificate"), ("gone", "cert"), ("appeared", "cert")}
    assert rules(estate).get("same-key-after-reissue") in {None, "absent"}


def test_a_reissue_with_the_same_key_is_told_and_found(seen):
    estate, key = seen
    again = settle_tls(estate, NOW + DAY, {WEB: shown(chain("a.example", key))}, scan="certificates")
    (change,) = (one for one in estate.changes(again.run) if one["kind"] == "changed")
    assert change["reason"].startswith("reissued with the same key")
    assert rules(estate)["same-key-after-reissue"] == "present"
    (finding,) = (one for one in estate.findings() if one["rule"] == "same-key-after-reissue")
    assert finding["locator"] == f"{CERTIFICATE}/problem/same-key-after-reissue"


def test_another_look_at_a_reissue_leaves_its_finding_as_it_is_and_a_new_key_ends_it(seen):
    estate, key = seen
    reissued = shown(chain("a.example", key))
    for n in (1, 2):
        settle_tls(estate, NOW + n * DAY, {WEB: reissued}, scan="certificates")
        assert rules(estate)["same-key-after-reissue"] == "present"
    settle_tls(estate, NOW + 3 * DAY, {WEB: shown(chain("a.example"))}, scan="certificates")
    assert rules(estate)["same-key-after-reissue"] == "absent"


def test_another_issuer_is_told_and_found(seen):
    estate, _ = seen
    other = new_authority("another root")
    moved = settle_tls(estate, NOW + DAY, {WEB: shown(chain("a.example", by=other))}, scan="certificates")
    (change,) = (one for one in estate.changes(moved.run) if one["kind"] == "changed")
    assert "issuer changed from" in change["reason"]
    assert "another root" in change["reason"]
    assert rules(estate)["issuer-changed"] == "present"


def test_a_certificate_expires_as_time_passes_though_nothing_is_served_otherwise(estate):
    served = shown(chain("a.example", ends=30 * DAY))
    settle_tls(estate, NOW, {WEB: served}, scan="certificates")
    assert estate.findings() == []
    later = settle_tls(estate, NOW + 31 * DAY, {WEB: served}, scan="certificates")
    assert ("appeared", f"{CERTIFICATE}/problem/expired") in {(c["kind"], c["key"]) for c in estate.changes(later.run)}
    assert rules(estate)["expired"] == "present"


def test_the_same_certificate_again_writes_no_fact(seen):
    estate, key = seen
    served = shown(chain("a.example", key))
    settle_tls(estate, NOW + DAY, {WEB: served}, scan="certificates")
    before = open_facts(estate)
    assert estate.kinds(settle_tls(estate, NOW + 2 * DAY, {WEB: served}, scan="certificates")) == {}
    assert open_facts(estate) == before


def test_grades_and_certificates_of_one_endpoint_do_not_disturb_each_other(graded, good):
    settle_tls(graded, NOW + DAY, {WEB: good}, scan="certificates")
    assert graded.kinds(settle_tls(graded, NOW + 2 * DAY, {WEB: good})) == {}
    assert {one["aspect"] for one in graded.changes()} == {"tls", "certificate"}
