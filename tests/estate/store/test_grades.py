"""What is listed of grades and certificates: what is known now, in one zone and from one vantage."""

from datetime import UTC, datetime, timedelta

import pytest

from estate.exports.expiries import render_expiries
from estate.exports.grades import render_grades
from estate.store.grades import list_certificates, list_grades
from estate.tls.shard import Endpoint
from infra.lab.tls_rounds import chain, settle_tls, shown, silence

WEB = Endpoint("10.0.0.1", "10.0.0.1", 443, "a.example")
BARE = Endpoint("10.0.0.2", "10.0.0.2", 8443)
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def good():
    return shown(chain("a.example", ends=60 * DAY))


@pytest.fixture(scope="module")
def warned(good):
    return {**shown(chain("b.example", ends=20 * DAY)), "hsts": {"state": "absent"}}


def test_every_endpoint_is_listed_with_its_grade_and_the_rules_that_made_it(estate_on_both, good, warned):
    run = settle_tls(estate_on_both, NOW, {WEB: good, BARE: warned}).run
    first, second = list_grades(estate_on_both.database, run)
    assert first == {
        "asset": "10.0.0.1",
        "endpoint": "443 a.example",
        "grade": "A+",
        "trust-ignored": "A+",
        "ssllabs": "",
        "reasons": "",
    }
    assert (second["endpoint"], second["grade"], second["reasons"]) == ("8443", "A-", "hsts-missing")


def test_what_is_gone_has_no_grade_and_what_is_out_of_sight_keeps_its_last(estate, good, warned):
    settle_tls(estate, NOW, {WEB: good, BARE: warned})
    run = settle_tls(estate, NOW + DAY, {WEB: silence("refused"), BARE: silence("reset")}).run
    assert [row["asset"] for row in list_grades(estate.database, run)] == ["10.0.0.2"]


def test_certificates_are_listed_by_place_and_not_their_problems(estate_on_both, good, warned):
    run = settle_tls(estate_on_both, NOW, {WEB: good, BARE: warned}, scan="certificates").run
    rows = list(list_certificates(estate_on_both.database, run))
    assert [(row["asset"], row["place"], row["names"]) for row in rows] == [
        ("10.0.0.1", "443 a.example", "a.example"),
        ("10.0.0.2", "8443", "b.example"),
    ]
    assert all(row["until"].startswith("20") and "intermediate" in row["issuer"] for row in rows)


def test_the_worst_grade_is_on_top_and_the_first_end(estate, good, warned):
    run = settle_tls(estate, NOW, {WEB: good, BARE: warned}).run
    page = render_grades(list_grades(estate.database, run))
    assert page.index("10.0.0.2") < page.index("10.0.0.1")
    run = settle_tls(estate, NOW, {WEB: good, BARE: warned}, scan="certificates").run
    page = render_expiries(list_certificates(estate.database, run), NOW)
    assert page.index("b.example") < page.index("a.example")
