import itertools
import time
from datetime import timedelta

import pytest

from estate.assets import host
from estate.certificates.inventory import Inventory, Sighting
from estate.findings import Detection, Severity

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def root(workshop):
    return workshop.root()


@pytest.fixture
def see(workshop):
    def seen(made, asset, *, sni="web.example", port=443, source="tls", role="leaf", at=0, path=None):
        place = f"certificate-file/{path}" if path else f"certificate/{port}/{sni or '-'}"
        when = workshop.now + at * DAY
        return Sighting(made.certificate, host(asset), source, place, role, asset, sni, when)

    return seen


def present(workshop, *sightings):
    """The places at which each rule fires."""
    told: dict[str, set[str]] = {}
    for ruling in Inventory.of(sightings).judge(workshop.now):
        if ruling.detection is Detection.PRESENT:
            told.setdefault(ruling.rule.name, set()).add(ruling.asset.key)
    return told


def test_two_services_with_one_key_are_a_reuse(workshop, root, see):
    one = workshop.issue("a.example", root, key_label="shared")
    two = workshop.issue("b.example", root, key_label="shared")
    sightings = (see(one, "10.0.0.1", sni="a.example"), see(two, "10.0.0.2", sni="b.example"))
    assert present(workshop, *sightings) == {"key-reuse": {"10.0.0.1", "10.0.0.2"}}
    ruling = next(iter(Inventory.of(sightings).judge(workshop.now)))
    assert ruling.evidence == "the same key at 10.0.0.2:443 as b.example"


def test_replicas_of_one_service_are_no_reuse_named_or_not(workshop, root, see):
    one = workshop.issue("web.example", root)
    replicas = (f"10.0.0.{number}" for number in (1, 2))
    found = [see(one, asset, sni=sni) for asset in replicas for sni in ("web.example", None)]
    assert present(workshop, *found) == {}


def test_own_keys_are_no_reuse(workshop, root, see):
    one, two = workshop.issue("a.example", root), workshop.issue("b.example", root)
    assert present(workshop, see(one, "10.0.0.1", sni="a.example"), see(two, "10.0.0.2", sni="b.example")) == {}


def test_a_wildcard_on_three_machines_is_spread_and_on_two_is_not(workshop, root, see):
    wild = workshop.issue("wild", root, names=("*.example.net",))
    places = [see(wild, f"10.0.0.{number}", sni=None) for number in range(1, 4)]
    assert present(workshop, *places) == {"wildcard-spread": {"10.0.0.1", "10.0.0.2", "10.0.0.3"}}
    assert present(workshop, *places[:2]) == {}
    ten = [see(wild, f"10.0.0.{number}", sni=None) for number in range(1, 11)]
    rulings = [ruling for ruling in Inventory.of(ten).judge(workshop.now) if ruling.rule.name == "wildcard-spread"]
    assert {ruling.severity for ruling in rulings} == {Severity.MEDIUM}
    assert rulings[0].evidence.startswith("the key of *.example.net is on 10 machines, also 10.0.0.10:443")
    assert rulings[0].evidence.endswith("and 6 more")


@pytest.fixture(scope="module")
def renewed(workshop, root):
    begin = workshop.now - 60 * DAY
    old = workshop.issue("web.example", root, begin=begin, end=begin + 90 * DAY)
    new = workshop.issue("web.example", root, begin=workshop.now - 5 * DAY, end=workshop.now + 85 * DAY)
    return old, new


def test_a_file_that_was_renewed_and_a_server_that_was_not_are_a_lag(workshop, see, renewed):
    old, new = renewed
    found = (see(new, "10.0.0.1", source="file", path="/etc/ssl/web.pem"), see(old, "10.0.0.1"))
    assert present(workshop, *found) == {"deployment-lag": {"10.0.0.1"}}
    lag = next(one for one in Inventory.of(found).judge(workshop.now) if one.detection is Detection.PRESENT)
    assert lag.locator == "certificate/443/web.example/problem/deployment-lag"
    assert lag.severity is Severity.HIGH  # 30 of its 90 days are left.
    assert "/etc/ssl/web.pem on 10.0.0.1 has that of 2026-11-19" in lag.evidence


def test_a_roll_out_has_a_day(workshop, root, see, renewed):
    fresh = workshop.issue("web.example", root, begin=workshop.now - DAY / 2, end=workshop.now + 89 * DAY)
    file = see(fresh, "10.0.0.1", source="file", path="/etc/ssl/web.pem")
    assert present(workshop, file, see(renewed[1], "10.0.0.1")) == {}


def test_an_old_copy_on_a_disk_is_no_lag(workshop, see, renewed):
    old, new = renewed
    assert present(workshop, see(new, "10.0.0.1"), see(old, "10.0.0.1", source="file", path="/old/web.pem")) == {}


def test_replicas_that_disagree_are_half_rolled_out_and_told_once(workshop, see, renewed):
    old, new = renewed
    found = (see(new, "10.0.0.1"), see(old, "10.0.0.2"))
    assert present(workshop, *found) == {"half-rolled-out": {"10.0.0.2"}}


def test_two_kinds_of_key_side_by_side_are_no_roll_out(workshop, root, see):
    one = workshop.issue("web.example", root, begin=workshop.now - 9 * DAY)
    two = workshop.issue("web.example", root, kind="rsa2048", begin=workshop.now - 2 * DAY)
    assert present(workshop, see(one, "10.0.0.1"), see(two, "10.0.0.2")) == {}


def test_only_the_latest_sighting_of_a_place_counts_in_any_order(workshop, see, renewed):
    old, new = renewed
    found = [see(old, "10.0.0.1", at=-9), see(new, "10.0.0.1", at=-1), see(new, "10.0.0.2", at=-1)]
    for order in itertools.permutations(found):
        assert present(workshop, *order) == {}
    assert {seen.asset.key for seen in Inventory.of(found).places(new.certificate.sha256)} == {"10.0.0.1", "10.0.0.2"}


def test_intermediates_are_expected_everywhere(workshop, root, see):
    found = [see(root, f"10.0.0.{number}", role="root", sni=f"{number}.example") for number in range(20)]
    assert present(workshop, *found) == {}


def test_every_place_gets_every_word_so_that_findings_can_close(workshop, see, renewed):
    rulings = list(Inventory.of([see(renewed[1], "10.0.0.1")]).judge(workshop.now))
    assert [ruling.detection for ruling in rulings] == [Detection.ABSENT] * 4
    assert len({ruling.fingerprint for ruling in rulings}) == 4


def test_a_thousand_places_of_one_wildcard_are_judged_at_once(workshop, root, see):
    wild = workshop.issue("wild", root, names=("*.example.net",))
    found = [see(wild, f"10.0.{number // 250}.{number % 250}", sni=f"s{number}.example.net") for number in range(1000)]
    began = time.monotonic()
    assert len(list(Inventory.of(found).judge(workshop.now))) == 4000
    assert time.monotonic() - began < 10
