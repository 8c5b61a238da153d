"""An endpoint that was known without a name and has one now is not known twice for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from estate.tls.shard import Endpoint
from infra.lab.tls_documents import offered
from infra.lab.tls_rounds import chain, settle_tls, shown

NAMELESS = Endpoint("10.0.0.1", "10.0.0.1", 443)
NAMED = replace(NAMELESS, name="a.example")
ASSET = Endpoint("a.example", "10.0.0.1", 443, "a.example")
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
TLS11 = {"protocols/TLS1.1": offered("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")}


@pytest.fixture(scope="module")
def good():
    return shown(chain("a.example"))


@pytest.mark.parametrize("scan", ["tls", "certificates"])
@pytest.mark.parametrize("later", [NAMED, ASSET])
def test_what_was_known_without_a_name_goes_out_of_sight_once(estate_on_both, good, scan, later):
    estate = estate_on_both
    settle_tls(estate, NOW, {NAMELESS: good}, scan=scan)
    named = settle_tls(estate, NOW + DAY, {later: good}, scan=scan)
    out = [one for one in estate.changes(named.run) if one["kind"] == "rescoped_out"]
    why = "asked by name now" if later is NAMED else "10.0.0.1 is a.example now"
    assert out
    assert {(one["asset"], one["cause"], one["reason"]) for one in out} == {("host:10.0.0.1", "scope", why)}
    assert not any("/-" in key for row in estate.here_assets() for key in row["keys"])
    before = estate.dump()
    settle_tls(estate, NOW + 2 * DAY, {later: good}, scan=scan)
    assert estate.dump() == before


def test_its_findings_are_neither_there_nor_gone(estate, good):
    settle_tls(estate, NOW, {NAMELESS: {**good, **TLS11}})
    settle_tls(estate, NOW + DAY, {NAMED: {**good, **TLS11}})
    told = {
        one["locator"].split("/")[2]: one["detection"] for one in estate.findings() if one["rule"] == "tls11-offered"
    }
    assert told == {"-": "unobserved", "a.example": "present"}


def test_who_is_asked_both_ways_keeps_both(estate, good):
    settle_tls(estate, NOW, {NAMELESS: good})
    both = settle_tls(estate, NOW + DAY, {NAMELESS: good, NAMED: good})
    assert "rescoped_out" not in estate.kinds(both)


def test_another_port_keeps_what_is_known_of_it(estate, good):
    other = replace(NAMELESS, port=8443)
    settle_tls(estate, NOW, {NAMELESS: good, other: good})
    settle_tls(estate, NOW + DAY, {NAMED: good, other: good})
    keys = {key for row in estate.here_assets() for key in row["keys"]}
    assert any(key.startswith("tls/8443/-/") for key in keys)
    assert not any(key.startswith("tls/443/-/") for key in keys)


def test_the_old_way_asked_again_brings_it_back_into_sight(estate, good):
    settle_tls(estate, NOW, {NAMELESS: good})
    settle_tls(estate, NOW + DAY, {NAMED: good})
    back = settle_tls(estate, NOW + 2 * DAY, {NAMELESS: good})
    assert set(estate.kinds(back)) == {"sight_regained"}
