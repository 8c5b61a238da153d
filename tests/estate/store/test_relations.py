"""What several places tell together: opened with both of them, ended by evidence, and never by a place that is away."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from estate.tls.shard import Endpoint
from infra.lab.tls.authority import ec_key
from infra.lab.tls_rounds import chain, settle_tls, shown, silence

ONE = Endpoint("10.0.0.1", "10.0.0.1", 443, "a.example")
TWO = Endpoint("10.0.0.2", "10.0.0.2", 443, "b.example")
SAME = Endpoint("10.0.0.2", "10.0.0.2", 443, "a.example")
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def key():
    return ec_key()


@pytest.fixture(scope="module")
def sharing(key):
    """Two names with one key."""
    return {ONE: shown(chain("a.example", key)), TWO: shown(chain("b.example", key))}


@pytest.fixture(scope="module")
def renewed():
    """The certificate of one name before and after its renewal."""
    old = chain("a.example", starts=-50 * DAY, ends=30 * DAY)
    return shown(old), shown(chain("a.example", starts=-5 * DAY))


def look(estate, day, told, **more):
    return settle_tls(estate, NOW + day * DAY, told, scan="certificates", **more)


def found(estate, rule):
    return {one["asset"]: one["detection"] for one in estate.findings(everything=True) if one["rule"] == rule}


def test_one_key_at_two_places_is_found_at_both_with_the_other_one(estate_on_both, sharing):
    look(estate_on_both, 0, sharing)
    assert found(estate_on_both, "key-reuse") == {"host:10.0.0.1": "present", "host:10.0.0.2": "present"}
    one, two = sorted(estate_on_both.findings(), key=lambda finding: finding["asset"])
    assert one["locator"] == "certificate/443/a.example/problem/key-reuse"
    assert "10.0.0.2:443 as b.example" in one["evidence"]
    assert "10.0.0.1:443 as a.example" in two["evidence"]
    assert one["last_seen"] is not None


def test_places_that_different_runs_look_at_are_compared(estate, sharing):
    look(estate, 0, {ONE: sharing[ONE]})
    assert estate.findings() == []
    look(estate, 1, {TWO: sharing[TWO]})
    assert found(estate, "key-reuse") == {"host:10.0.0.1": "present", "host:10.0.0.2": "present"}


def test_the_same_again_writes_nothing(estate, sharing):
    look(estate, 0, sharing)
    before = estate.dump()
    for day in (1, 2):
        look(estate, day, sharing)
    assert estate.dump() == before


def test_a_place_that_is_away_ends_nothing(estate, sharing):
    look(estate, 0, sharing)
    look(estate, 1, {ONE: sharing[ONE], TWO: silence("reset")})
    assert set(found(estate, "key-reuse").values()) == {"unobserved"}
    look(estate, 2, sharing)
    assert set(found(estate, "key-reuse").values()) == {"present"}


def test_a_silent_place_is_a_suspicion_until_it_is_gone(estate, sharing):
    look(estate, 0, sharing)
    look(estate, 1, {ONE: sharing[ONE], TWO: silence()})
    assert set(found(estate, "key-reuse").values()) == {"suspected_absent"}
    for day in (2, 3):
        look(estate, day, {ONE: sharing[ONE], TWO: silence()})
    assert set(found(estate, "key-reuse").values()) == {"absent"}


@pytest.mark.parametrize("ended", ["renewed", "refused"])
def test_a_key_of_its_own_or_a_port_that_is_closed_ends_it_at_both(estate, sharing, ended):
    look(estate, 0, sharing)
    after = silence("refused") if ended == "refused" else shown(chain("b.example"))
    look(estate, 1, {TWO: after})
    assert found(estate, "key-reuse") == {"host:10.0.0.1": "absent", "host:10.0.0.2": "absent"}
    look(estate, 2, {TWO: sharing[TWO]})
    assert set(found(estate, "key-reuse").values()) == {"present"}


def test_replicas_that_differ_are_half_rolled_out_until_both_have_the_new_one(estate, renewed):
    old, new = renewed
    look(estate, 0, {ONE: old, SAME: old})
    assert estate.findings() == []
    look(estate, 1, {ONE: new})
    assert found(estate, "half-rolled-out") == {"host:10.0.0.2": "present"}
    assert found(estate, "deployment-lag") == {}
    look(estate, 2, {SAME: new})
    assert found(estate, "half-rolled-out") == {"host:10.0.0.2": "absent"}


def test_the_old_one_under_another_port_lags_behind(estate, renewed):
    old, new = renewed
    other = replace(SAME, port=8443)
    look(estate, 0, {ONE: old, other: old})
    look(estate, 1, {ONE: new})
    assert found(estate, "deployment-lag") == {"host:10.0.0.2": "present"}
    look(estate, 2, {other: silence("unreachable")})
    assert found(estate, "deployment-lag") == {"host:10.0.0.2": "unobserved"}
    look(estate, 3, {other: new})
    assert found(estate, "deployment-lag") == {"host:10.0.0.2": "absent"}


def test_runs_in_any_order_come_to_the_same(open_estate, sharing, renewed):
    old, new = renewed
    rounds = [
        (0, {ONE: old, TWO: sharing[TWO]}),
        (1, {SAME: old}),
        (2, {ONE: sharing[ONE]}),
        (3, {ONE: new}),
    ]
    ends = set()
    for order in itertools.permutations(rounds):
        estate = open_estate()
        for day, told in order:
            look(estate, day, told)
        seen = [(one["fingerprint"], one["detection"]) for one in estate.findings(everything=True)]
        ends.add(frozenset(each for each in seen if each[1] != "absent"))
    assert len(ends) == 1


def test_a_settled_run_settled_again_says_the_same(estate, sharing):
    settled = look(estate, 0, sharing)
    before = estate.dump()
    estate.settler().settle(settled.run)
    assert estate.dump() == before


def test_another_kind_of_scan_leaves_them_alone(estate, sharing):
    look(estate, 0, sharing)
    settle_tls(estate, NOW + DAY, {ONE: silence("refused"), TWO: silence("refused")})
    assert set(found(estate, "key-reuse").values()) == {"present"}


NAMED = tuple(Endpoint("web.example", f"10.0.0.{number}", 443, "web.example") for number in (1, 2))


def at_both(first, second):
    return dict(zip(NAMED, (first, second), strict=True))


@pytest.fixture(scope="module")
def rolling():
    old = shown(chain("web.example", starts=-50 * DAY))
    return old, shown(chain("web.example", starts=-5 * DAY))


def test_addresses_of_one_name_that_differ_are_found_with_both(estate, rolling):
    old, new = rolling
    look(estate, 0, at_both(old, old))
    assert found(estate, "addresses-differ") == {}
    look(estate, 1, at_both(new, old))
    (finding,) = (one for one in estate.findings() if one["rule"] == "addresses-differ")
    assert finding["locator"] == "certificate/443/web.example/problem/addresses-differ"
    assert "10.0.0.1 shows that of" in finding["evidence"]
    assert "10.0.0.2 shows that of" in finding["evidence"]
    look(estate, 2, at_both(new, silence("reset")))
    assert found(estate, "addresses-differ") == {"host:web.example": "unobserved"}
    look(estate, 3, at_both(new, new))
    assert found(estate, "addresses-differ") == {"host:web.example": "absent"}


def fact_at(estate):
    rows = (row for row in estate.dump()["fact"] if row["key"] == "certificate/443/web.example")
    (fact,) = (row["value"] for row in rows if row["to_seq"] is None)
    return fact


def test_what_a_name_shows_is_one_whole_certificate_and_no_mixture(estate, rolling):
    old, new = rolling
    whole: set[str] = set()
    for told in (old, new):
        settled = look(estate, len(whole), at_both(told, told))
        whole.add(fact_at(estate))
        assert settled.state == "complete"
    for told in (at_both(new, old), at_both(old, new)):
        look(estate, 5, told)
        assert fact_at(estate) in whole
