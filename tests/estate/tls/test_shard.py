"""Which endpoints a shard asks, and what their evidence proves of each asset."""

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest

from estate.coverage import Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.tls.shard import Endpoint, TlsShard, sights
from infra.lab.tls_rounds import chain, roots, shown, silence, told_by

NOW = datetime.now(UTC).replace(microsecond=0)
WEB = Endpoint("a.example", "10.0.0.1", 443, "a.example")
TWIN = replace(WEB, address="10.0.0.2")
MAIL = Endpoint("10.0.0.9", "10.0.0.9", 25, "mail.example", "smtp")
GRADE = "tls/443/a.example/grade"


@pytest.fixture(scope="module")
def good():
    return shown(chain("a.example"))


def shard_of(*endpoints, profile="full"):
    return TlsShard(endpoints, profile, roots())


def seen(shard, *said):
    notes = Notes()
    documents = [told_by(endpoint, NOW, each, shard.profile, look) for look, (endpoint, each) in enumerate(said)]
    return {sight.subject: sight for sight in sights(shard, documents, notes)}, notes


def test_a_plan_comes_back_as_it_was_stored():
    shard = shard_of(WEB, MAIL, profile="watch")
    assert TlsShard.from_json(shard.to_json()) == shard
    assert len(shard) == 2


def test_own_roots_decide_with_mozillas_whether_a_chain_is_trusted(good):
    trusted, _ = seen(shard_of(WEB), (WEB, good))
    assert dict(trusted["a.example"].present[GRADE])["grade"] == "A+"
    strange, _ = seen(TlsShard((WEB,), "full"), (WEB, good))
    told = dict(strange["a.example"].present[GRADE])
    assert (told["grade"], told["trust-ignored"]) == ("T", "A+")


def test_an_endpoint_without_evidence_is_out_of_sight(good):
    found, _ = seen(shard_of(WEB, MAIL), (WEB, good))
    look = found["10.0.0.9"].verdict("tls/25/mail.example/grade")
    assert (look.verdict, look.reason) == (Verdict.BLIND, "no-evidence")
    assert found["10.0.0.9"].present == {}


def test_what_nobody_asked_for_is_noted_and_counts_nowhere(good):
    stranger = replace(WEB, name="b.example")
    found, notes = seen(shard_of(WEB), (WEB, good), (stranger, good))
    assert notes.outside == 1
    assert {key.split("/")[2] for key in found["a.example"].present} == {"a.example"}


def test_the_way_into_tls_belongs_to_the_endpoint(good):
    _, notes = seen(shard_of(MAIL), (replace(MAIL, starttls=None), good))
    assert notes.outside == 1


def test_of_two_addresses_the_worse_grade_is_the_assets(good):
    worse = {**good, "hsts": {"state": "absent"}}
    found, _ = seen(shard_of(WEB, TWIN), (WEB, good), (TWIN, worse))
    assert dict(found["a.example"].present[GRADE])["grade"] == "A-"


def test_an_address_that_nobody_could_see_may_be_the_worst(good):
    found, _ = seen(shard_of(WEB, TWIN), (WEB, good), (TWIN, silence("reset")))
    look = found["a.example"].verdict(GRADE)
    assert (look.verdict, look.reason) == (Verdict.BLIND, "reset")


def test_a_second_look_that_answers_goes_before_a_first_that_did_not(good):
    found, _ = seen(shard_of(WEB), (WEB, silence()), (WEB, good))
    assert dict(found["a.example"].present[GRADE])["grade"] == "A+"


def test_two_names_at_one_port_are_two_endpoints(good):
    other = replace(WEB, name="b.example")
    found, _ = seen(shard_of(WEB, other), (WEB, good), (other, good))
    grades = {key: dict(value)["grade"] for key, value in found["a.example"].present.items() if key.endswith("/grade")}
    assert grades == {GRADE: "A+", "tls/443/b.example/grade": "M"}


def test_a_chain_that_cannot_be_read_leaves_no_grade():
    bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    found, _ = seen(shard_of(WEB), (WEB, shown([bad])))
    look = found["a.example"].verdict(GRADE)
    assert look.verdict is Verdict.BLIND
    assert look.reason.startswith("not gradable")


def test_evidence_of_another_kind_is_refused():
    with pytest.raises(BadReport, match="no reader for nmap"):
        list(sights(shard_of(WEB), [Document("nmap", 0, BytesIO())], Notes()))


GUESS = Endpoint("10.0.0.9", "10.0.0.9", 8000, guess=True)
ANY_ENDPOINT = "tls/8000/-/endpoint"


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        ("plaintext", Verdict.NEGATIVE), ("garbage", Verdict.NEGATIVE), ("refused", Verdict.NEGATIVE),
        ("silent", Verdict.SILENT), ("reset", Verdict.SILENT), ("unreachable", Verdict.BLIND),
    ],
)  # fmt: skip
def test_of_a_wrong_guess_one_thing_is_known_and_no_other_was_asked(outcome, verdict):
    found, _ = seen(shard_of(GUESS), (GUESS, silence(outcome)))
    sight = found["10.0.0.9"]
    assert list(sight.asked) == [ANY_ENDPOINT]
    look = sight.verdict(ANY_ENDPOINT)
    assert look is not None
    assert (look.verdict, look.reason) == (verdict, outcome)


def test_a_right_guess_is_asked_and_told_like_any_endpoint(good):
    found, _ = seen(shard_of(GUESS), (GUESS, good))
    assert {ANY_ENDPOINT, "tls/8000/-/grade"} <= set(found["10.0.0.9"].present)


def test_a_guess_that_nobody_asked_is_one_blind_key():
    found, _ = seen(shard_of(GUESS))
    assert [str(look.keys) for look in found["10.0.0.9"].blind] == [ANY_ENDPOINT]


def test_a_guess_beside_an_endpoint_takes_nothing_from_it(good):
    known = replace(GUESS, port=443, guess=False)
    found, _ = seen(shard_of(known, GUESS), (known, good), (GUESS, silence("plaintext")))
    assert "tls/443/-/grade" in found["10.0.0.9"].present
    assert TlsShard.from_json(shard_of(known, GUESS).to_json()).endpoints == (known, GUESS)
