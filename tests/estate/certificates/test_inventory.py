import itertools
import time
from datetime import timedelta

import pytest

from estate.assets import host
from estate.certificates.facts import describe
from estate.certificates.inventory import Held, Leaf, relate
from estate.findings import Detection, Severity

DAY = timedelta(days=1)
GONE_DARK, SILENT = Detection.UNOBSERVED, Detection.SUSPECTED_ABSENT


@pytest.fixture(scope="module")
def root(workshop):
    return workshop.root()


@pytest.fixture(scope="module")
def see(workshop):
    def seen(
        made, asset, *, sni="web.example", port=443, path=None, zone="default", vantage="inside",
        detection=Detection.PRESENT,
    ):  # fmt: skip
        place = f"certificate-file/{path}" if path else f"certificate/{port}/{sni or '-'}"
        leaf = Leaf.of(describe(made.certificate))
        assert leaf is not None
        return Held(host(asset, zone), vantage, place, leaf, detection)

    return seen


def told(workshop, *held):
    """The assets at which each rule fires, with what is known of it now."""
    found: dict[str, dict[str, str]] = {}
    for _, ruling in relate(held, workshop.now):
        found.setdefault(ruling.rule.name, {})[ruling.asset.key] = ruling.detection.value
    return found


def present(workshop, *held):
    """The places at which each rule fires."""
    return {rule: set(assets) for rule, assets in told(workshop, *held).items()}


def test_two_services_with_one_key_are_a_reuse(workshop, root, see):
    one = workshop.issue("a.example", root, key_label="shared")
    two = workshop.issue("b.example", root, key_label="shared")
    held = (see(one, "10.0.0.1", sni="a.example"), see(two, "10.0.0.2", sni="b.example"))
    assert present(workshop, *held) == {"key-reuse": {"10.0.0.1", "10.0.0.2"}}
    vantage, ruling = next(iter(relate(held, workshop.now)))
    spki = one.certificate.key.spki_sha256[:16]
    assert ruling.evidence == f"the same key ({spki}) at 10.0.0.2:443 as b.example"
    assert (vantage, ruling.locator) == ("inside", "certificate/443/a.example/problem/key-reuse")
    assert ruling.subject == "Several places share one private key: 10.0.0.1:443 as a.example"


def test_replicas_of_one_service_are_no_reuse_named_or_not(workshop, root, see):
    one = workshop.issue("web.example", root)
    replicas = (f"10.0.0.{number}" for number in (1, 2))
    held = [see(one, asset, sni=sni) for asset in replicas for sni in ("web.example", None)]
    assert present(workshop, *held) == {}


def test_one_certificate_under_two_names_on_two_machines_is_a_reuse(workshop, root, see):
    both = workshop.issue("both", root, names=("a.example", "b.example"))
    held = [see(both, f"10.0.0.{number}", sni=f"{letter}.example") for number, letter in enumerate("ab")]
    assert set(present(workshop, *held)) == {"key-reuse"}
    assert {ruling.severity for _, ruling in relate(held, workshop.now)} == {Severity.LOW}


def test_own_keys_are_no_reuse(workshop, root, see):
    one, two = workshop.issue("a.example", root), workshop.issue("b.example", root)
    assert present(workshop, see(one, "10.0.0.1", sni="a.example"), see(two, "10.0.0.2", sni="b.example")) == {}


def test_one_endpoint_from_two_vantages_is_one_place(workshop, root, see):
    one = workshop.issue("a.example", root)
    held = [see(one, "10.0.0.1", sni="a.example", vantage=vantage) for vantage in ("inside", "internet")]
    assert present(workshop, *held) == {}


def test_another_zone_shares_keys_as_well(workshop, root, see):
    one = workshop.issue("a.example", root, key_label="shared")
    two = workshop.issue("b.example", root, key_label="shared")
    held = (see(one, "10.0.0.1", sni="a.example"), see(two, "10.0.0.1", sni="b.example", zone="berlin"))
    rulings = [(ruling.asset.zone, ruling.rule.name) for _, ruling in relate(held, workshop.now)]
    assert sorted(rulings) == [("berlin", "key-reuse"), ("default", "key-reuse")]


@pytest.mark.parametrize("detection", [GONE_DARK, SILENT])
def test_what_holds_only_with_a_place_that_is_not_seen_is_not_seen_either(workshop, root, see, detection):
    one = workshop.issue("a.example", root, key_label="shared")
    two = workshop.issue("b.example", root, key_label="shared")
    held = (see(one, "10.0.0.1", sni="a.example"), see(two, "10.0.0.2", sni="b.example", detection=detection))
    assert told(workshop, *held) == {"key-reuse": {"10.0.0.1": detection.value, "10.0.0.2": detection.value}}


def test_what_holds_without_it_is_seen_all_the_same(workshop, root, see):
    made = [workshop.issue(f"{name}.example", root, key_label="shared") for name in "abc"]
    held = [
        see(
            each, f"10.0.0.{number}", sni=f"{number}.example", detection=GONE_DARK if number == 2 else Detection.PRESENT
        )
        for number, each in enumerate(made)
    ]
    assert told(workshop, *held)["key-reuse"] == {
        "10.0.0.0": "present", "10.0.0.1": "present", "10.0.0.2": "unobserved"
    }  # fmt: skip


def test_a_wildcard_on_three_machines_is_spread_and_on_two_is_not(workshop, root, see):
    wild = workshop.issue("wild", root, names=("*.example.net",))
    places = [see(wild, f"10.0.0.{number}", sni=None) for number in range(1, 4)]
    assert present(workshop, *places) == {"wildcard-spread": {"10.0.0.1", "10.0.0.2", "10.0.0.3"}}
    assert present(workshop, *places[:2]) == {}
    ten = [see(wild, f"10.0.0.{number}", sni=None) for number in range(1, 11)]
    rulings = [ruling for _, ruling in relate(ten, workshop.now) if ruling.rule.name == "wildcard-spread"]
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
    held = (see(new, "10.0.0.1", path="/etc/ssl/web.pem"), see(old, "10.0.0.1"))
    assert present(workshop, *held) == {"deployment-lag": {"10.0.0.1"}}
    ((_, lag),) = relate(held, workshop.now)
    assert lag.locator == "certificate/443/web.example/problem/deployment-lag"
    assert lag.severity is Severity.HIGH  # 30 of its 90 days are left.
    assert "/etc/ssl/web.pem on 10.0.0.1 has that of 2026-11-19" in lag.evidence


def test_a_roll_out_has_a_day(workshop, root, see, renewed):
    fresh = workshop.issue("web.example", root, begin=workshop.now - DAY / 2, end=workshop.now + 89 * DAY)
    file = see(fresh, "10.0.0.1", path="/etc/ssl/web.pem")
    assert present(workshop, file, see(renewed[1], "10.0.0.1")) == {}


def test_an_old_copy_on_a_disk_is_no_lag(workshop, see, renewed):
    old, new = renewed
    assert present(workshop, see(new, "10.0.0.1"), see(old, "10.0.0.1", path="/old/web.pem")) == {}


def test_replicas_that_disagree_are_half_rolled_out_and_told_once(workshop, see, renewed):
    old, new = renewed
    held = (see(new, "10.0.0.1"), see(old, "10.0.0.2"))
    assert present(workshop, *held) == {"half-rolled-out": {"10.0.0.2"}}


def test_replicas_from_two_vantages_may_differ_since_a_proxy_may_stand_between(workshop, see, renewed):
    old, new = renewed
    held = (see(new, "10.0.0.1", vantage="internet"), see(old, "10.0.0.2", vantage="inside"))
    assert "half-rolled-out" not in present(workshop, *held)


def test_two_kinds_of_key_side_by_side_are_no_roll_out(workshop, root, see):
    one = workshop.issue("web.example", root, begin=workshop.now - 9 * DAY)
    two = workshop.issue("web.example", root, kind="rsa2048", begin=workshop.now - 2 * DAY)
    assert present(workshop, see(one, "10.0.0.1"), see(two, "10.0.0.2")) == {}


def test_the_order_of_facts_does_not_matter(workshop, see, renewed):
    old, new = renewed
    held = [see(old, "10.0.0.1"), see(new, "10.0.0.2"), see(new, "10.0.0.3", port=8443), see(old, "10.0.0.4", sni=None)]
    first = list(relate(held, workshop.now))
    for order in itertools.permutations(held):
        assert list(relate(order, workshop.now)) == first


def test_a_place_without_a_relation_is_not_mentioned(workshop, see, renewed):
    assert list(relate([see(renewed[1], "10.0.0.1")], workshop.now)) == []


def test_what_is_no_certificate_is_left_out():
    assert Leaf.of((("found", "expired"),)) is None
    assert Leaf.of(()) is None


def test_a_certificate_without_a_subject_is_called_by_its_name(workshop, root):
    made = workshop.issue("web.example", root)
    value = tuple((name, "-" if name == "subject" else told) for name, told in describe(made.certificate))
    assert str(Leaf.of(value)) == "web.example"


def test_a_thousand_places_of_one_wildcard_are_judged_at_once(workshop, root, see):
    wild = workshop.issue("wild", root, names=("*.example.net",))
    held = [see(wild, f"10.0.{number // 250}.{number % 250}", sni=f"s{number}.example.net") for number in range(1000)]
    began = time.monotonic()
    assert len(list(relate(held, workshop.now))) == 2000
    assert time.monotonic() - began < 10
