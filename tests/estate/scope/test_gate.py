"""What the gate admits and refuses, and the words in which it says why."""

from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address

import pytest

from estate.errors import BadTarget, OutOfScope, ScopeNotValid
from estate.scope import Scope

NOW = datetime(2031, 5, 7, 12, tzinfo=UTC)


def scope(*networks: str, **fields) -> Scope:
    return Scope.model_validate(
        {"name": "lab", "networks": networks or ("10.0.0.0/24",), "authorised_by": "Ada Lovelace", **fields}
    )


def refusal(of: Scope, address: str) -> str:
    with pytest.raises(OutOfScope) as caught:
        of.admit(address, NOW)
    return str(caught.value)


def test_an_address_inside_a_network_is_admitted() -> None:
    assert scope().admit("10.0.0.9", NOW) == ip_address("10.0.0.9")
    assert scope("2001:db8::/64").admit("2001:DB8:0::9", NOW) == ip_address("2001:db8::9")


def test_an_address_outside_is_refused_with_the_networks() -> None:
    told = refusal(scope(), "10.0.1.9")
    assert "10.0.1.9 is in none of its networks (10.0.0.0/24)" in told
    assert "'lab'" in told


def test_exclusion_wins_over_the_very_same_entry() -> None:
    assert "excluded by 10.0.0.9/32" in refusal(scope("10.0.0.9", exclude=["10.0.0.9"]), "10.0.0.9")


@pytest.mark.parametrize(
    ("wide", "address", "own"),
    [
        ("0.0.0.0/0", "127.0.0.1", "127.0.0.1/32"),
        ("0.0.0.0/0", "127.5.0.1", "127.0.0.0/8"),
        ("::/0", "::1", "::1/128"),
        ("0.0.0.0/0", "169.254.7.7", "169.254.0.0/16"),
        ("::/0", "fe80::1", "fe80::/64"),
        ("0.0.0.0/0", "224.0.0.1", "224.0.0.0/24"),
        ("::/0", "ff02::1", "ff02::1/128"),
        ("0.0.0.0/0", "255.255.255.255", "255.255.255.255/32"),
        ("0.0.0.0/0", "0.0.0.0", "0.0.0.0/32"),
        ("::/0", "::", "::/128"),
        ("0.0.0.0/0", "240.0.0.1", "240.0.0.0/8"),
        ("169.254.0.0/16", "169.254.169.254", "169.254.169.254/32"),
        ("169.254.169.252/30", "169.254.169.254", "169.254.169.254/32"),
        ("100.64.0.0/10", "100.100.100.200", "100.100.100.200/32"),
        ("168.63.129.0/24", "168.63.129.16", "168.63.129.16/32"),
        ("192.0.0.0/24", "192.0.0.192", "192.0.0.192/32"),
        ("fd00::/8", "fd00:ec2::254", "fd00:ec2::254/128"),
        ("fd20:ce::/64", "fd20:ce::254", "fd20:ce::254/128"),
        ("10.0.0.0/24", "10.0.0.255", "10.0.0.255/32"),
        ("127.0.0.0/8", "127.255.255.255", "127.255.255.255/32"),
        ("2001::/23", "2001:0:1::1", "2001::/32"),
    ],
)
def test_a_special_address_needs_an_entry_of_its_own(wide: str, address: str, own: str) -> None:
    assert "of its own" in refusal(scope(wide), address)
    assert scope(wide, own).admit(address, NOW) == ip_address(address)
    assert scope(own).admit(address, NOW) == ip_address(address)


def test_what_lies_beside_a_special_address_is_ordinary() -> None:
    ordinary = scope("0.0.0.0/0")
    for address in ("126.255.255.255", "128.0.0.0", "169.253.0.1", "100.100.100.201", "223.255.255.254", "1.0.0.0"):
        ordinary.admit(address, NOW)


def test_both_ends_of_a_two_host_network_are_hosts() -> None:
    scope("10.0.0.8/31").admit("10.0.0.9", NOW)
    assert "broadcast" in refusal(scope("10.0.0.8/30"), "10.0.0.11")


def test_a_mapped_address_is_the_ipv4_address_that_it_means() -> None:
    assert scope().admit("::ffff:10.0.0.9", NOW) == ip_address("10.0.0.9")
    assert "excluded" in refusal(scope(exclude=["10.0.0.9"]), "::ffff:10.0.0.9")
    assert refusal(scope("::/0"), "::ffff:10.0.0.9")
    scope("::ffff:10.0.0.0/120").admit("10.0.0.9", NOW)


@pytest.mark.parametrize("form", ["64:ff9b::10.0.0.9", "2002:a00:9::1"])
def test_a_translated_address_needs_both_of_its_addresses_in_scope(form: str) -> None:
    scope("10.0.0.0/24", "64:ff9b::/96", "2002::/16").admit(form, NOW)
    assert "delivered to 10.0.0.9" in refusal(scope("64:ff9b::/96", "2002::/16"), form)
    assert "in none of its networks" in refusal(scope("10.0.0.0/24"), form)
    behind = scope("10.0.0.0/24", "64:ff9b::/96", "2002::/16", exclude=["10.0.0.9"])
    assert "delivered to 10.0.0.9, and 10.0.0.9 is excluded" in refusal(behind, form)


@pytest.mark.parametrize("address", ["fe80::1%eth0", "10.0.0.1/32", "10.0.0.01", "0x0a000001", "167772161", "10.1", ""])
def test_what_is_no_plain_address_is_refused_as_such(address: str) -> None:
    with pytest.raises(BadTarget):
        scope("::/0", "0.0.0.0/0").admit(address, NOW)


def test_a_name_is_admitted_when_all_its_addresses_are() -> None:
    named = scope("10.0.0.0/24", "2001:db8::/64", names=["www.example.org"])
    found = named.admit_name("WWW.example.org.", ["10.0.0.9", "2001:db8::9", "10.0.0.9"], NOW)
    assert found == (ip_address("10.0.0.9"), ip_address("2001:db8::9"))
    assert named.admit_name("www.example.org", [], NOW) == ()


def test_a_name_that_resolves_outside_is_refused_with_both_facts() -> None:
    with pytest.raises(OutOfScope) as caught:
        scope(names=["www.example.org"]).admit_name("www.example.org", ["10.0.0.9", "192.0.2.1"], NOW)
    told = str(caught.value)
    assert "www.example.org is one of its names" in told
    assert "resolves to 10.0.0.9, 192.0.2.1" in told
    assert "192.0.2.1 is in none of its networks (10.0.0.0/24)" in told


def test_a_name_that_resolves_to_loopback_is_refused_even_in_a_scope_of_everything() -> None:
    with pytest.raises(OutOfScope, match="loopback"):
        scope("0.0.0.0/0", names=["rebound.example.org"]).admit_name("rebound.example.org", ["127.0.0.1"], NOW)


def test_a_name_that_resolves_to_an_address_of_one_interface_is_refused() -> None:
    with pytest.raises(OutOfScope, match="fe80::1%eth0 means another host on every machine"):
        scope("fe80::/64", names=["printer.local"]).admit_name("printer.local", ["fe80::1%eth0"], NOW)


def test_a_name_that_nobody_listed_is_refused() -> None:
    with pytest.raises(OutOfScope, match="not one of its names"):
        scope().admit_name("www.example.org", ["10.0.0.9"], NOW)


def test_an_excluded_name_takes_the_names_below_it_along() -> None:
    below = scope(names=["db.pay.example.org", "repay.example.org"], exclude=["pay.example.org"])
    with pytest.raises(OutOfScope, match="excluded by pay"):
        below.admit_name("db.pay.example.org", ["10.0.0.9"], NOW)
    assert below.admit_name("repay.example.org", ["10.0.0.9"], NOW)
    assert below.targets(NOW).names == ("repay.example.org",)


def test_the_addresses_of_excluded_names_are_excluded_once_known() -> None:
    before = scope(exclude=["printer.example.org"])
    after = before.excluding({"printer.example.org": ["10.0.0.9", "::ffff:10.0.0.10"]})
    assert "excluded" in refusal(after, "10.0.0.9")
    assert "excluded" in refusal(after, "10.0.0.10")
    after.admit("10.0.0.11", NOW)


def test_an_excluded_name_without_addresses_stops_everything() -> None:
    with pytest.raises(OutOfScope, match=r"printer\.example\.org, which cannot be resolved"):
        scope(exclude=["printer.example.org"]).excluding({"printer.example.org": []})


def test_an_excluded_name_that_turns_out_to_be_the_canary_is_said() -> None:
    canary = {"address": "10.0.0.9", "port": "tcp/22", "expect": "open"}
    with pytest.raises(OutOfScope, match="its own canary"):
        scope(exclude=["gw.example.org"], canaries=[canary]).excluding({"gw.example.org": ["10.0.0.9"]})


def test_a_day_begins_and_ends_in_utc() -> None:
    dated = scope(valid_from=date(2031, 5, 7), valid_until=date(2031, 5, 8))
    dated.check_valid(datetime(2031, 5, 7, tzinfo=UTC))
    dated.check_valid(datetime(2031, 5, 8, 23, 59, 59, tzinfo=UTC))
    with pytest.raises(ScopeNotValid, match="not valid before Wed 2031-05-07 00:00 UTC"):
        dated.check_valid(datetime(2031, 5, 6, 23, 59, tzinfo=UTC))
    with pytest.raises(ScopeNotValid, match=r"expired at Fri 2031-05-09 00:00 UTC.*Ada Lovelace"):
        dated.check_valid(datetime(2031, 5, 9, tzinfo=UTC))


def test_an_expired_scope_admits_nothing_in_any_form() -> None:
    expired = scope(names=["www.example.org"], valid_until="2031-05-07T14:00:00+02:00")
    for admitted in (
        lambda: expired.admit("10.0.0.9", NOW),
        lambda: expired.admit_name("www.example.org", ["10.0.0.9"], NOW),
        lambda: expired.targets(NOW),
        lambda: expired.open_until(NOW),
    ):
        with pytest.raises(ScopeNotValid):
            admitted()
    expired.admit("10.0.0.9", NOW - timedelta(seconds=1))


def test_outside_its_windows_a_scope_says_when_the_next_one_opens() -> None:
    night = scope(windows=[{"opens": "22:00", "closes": "05:00", "timezone": "Europe/Berlin"}])
    with pytest.raises(ScopeNotValid, match="the next one opens at Wed 2031-05-07 20:00 UTC"):
        night.admit("10.0.0.9", NOW)
    assert night.open_until(NOW + timedelta(hours=9)) == datetime(2031, 5, 8, 3, tzinfo=UTC)


def test_scanning_stops_at_the_earlier_of_window_and_authorisation() -> None:
    both = scope(windows=[{"opens": "00:00", "closes": "24:00", "timezone": "UTC"}], valid_until="2031-05-07T13:00:00Z")
    assert both.open_until(NOW) == datetime(2031, 5, 7, 13, tzinfo=UTC)
    assert scope().open_until(NOW) is None


def test_targets_are_what_is_left_of_the_networks() -> None:
    assert scope("10.0.0.0/29", exclude=["10.0.0.2/31"], names=["a.example.org"]).targets(NOW).words() == (
        "10.0.0.0/31",
        "10.0.0.4/31",
        "10.0.0.6",
        "a.example.org",
    )


def test_a_wide_ipv4_network_is_not_spelled_out() -> None:
    assert len(scope("10.0.0.0/8", exclude=["10.1.0.0/16"]).targets(NOW)) == (1 << 24) - (1 << 16) - 1


def test_a_wide_ipv6_network_authorises_but_is_not_walked_through() -> None:
    both = scope("2001:db8::/64", "2001:db8::10", "10.0.0.0/30", names=["www.example.org"])
    assert both.targets(NOW).words() == ("10.0.0.0/31", "10.0.0.2", "2001:db8::10", "www.example.org")
    assert [str(network) for network in both.wide] == ["2001:db8::/64"]
    assert both.targets(NOW, ["2001:db8::77"]).words() == ("2001:db8::77",)
    assert len(scope("2001:db8::/108").targets(NOW)) == 1 << 20


def test_only_wide_ipv6_networks_are_an_error_that_says_what_to_list() -> None:
    with pytest.raises(BadTarget, match=r"name its hosts, as addresses .* or names"):
        scope("2001:db8::/64").targets(NOW)
    with pytest.raises(BadTarget, match="name its hosts"):
        scope("2001:db8::/64").targets(NOW, ["2001:db8::/65"])


def test_a_part_of_the_scope_can_be_asked_alone() -> None:
    part = scope(names=["www.example.org"], exclude=["10.0.0.3"])
    assert part.targets(NOW, ["10.0.0.1-3", "www.example.org"]).words() == ("10.0.0.1", "10.0.0.2", "www.example.org")
    assert str(part.targets(NOW, ["10.0.0.0/29"])) == "10.0.0.0/31,10.0.0.2,10.0.0.4/30"


@pytest.mark.parametrize("word", ["10.0.0.3", "10.0.0.0/23", "10.0.1.1", "192.0.2.0/24", "mail.example.org"])
def test_a_part_that_is_not_in_scope_is_refused(word: str) -> None:
    with pytest.raises(OutOfScope, match="out of scope 'lab'"):
        scope(names=["www.example.org"], exclude=["10.0.0.3"]).targets(NOW, ["10.0.0.1", word])


def test_a_scope_that_excludes_all_of_itself_leaves_nothing_to_ask() -> None:
    with pytest.raises(OutOfScope, match="leaves nothing to ask"):
        scope("10.0.0.0/24", exclude=["10.0.0.0/8"]).targets(NOW)


def test_fragile_addresses_are_known() -> None:
    printers = scope(fragile=["10.0.0.32/27", "10.0.0.9"])
    assert printers.is_fragile(ip_address("10.0.0.33"))
    assert printers.is_fragile(ip_address("10.0.0.9"))
    assert not printers.is_fragile(ip_address("10.0.0.10"))
