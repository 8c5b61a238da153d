"""What is expected of whom, and which row it belongs to."""

import ipaddress
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from estate.assets import Asset, host
from estate.manifest import Declared, load_manifest
from estate.policy import Policy

MANIFEST = load_manifest(
    """
[[assets]]
name = "web-7.example.org"
zone = "berlin"
addresses = ["10.20.1.7", "2001:db8::7"]
tags = ["web"]
owner = "team-web"
criticality = "high"

[[assets]]
name = "printer"
addresses = ["10.20.1.9"]
tags = ["printer"]
fragile = true

[[expected]]
network = "10.20.0.0/16"
ports = "tcp/22"
note = "wide"

[[expected]]
network = "10.20.1.0/24"
ports = "tcp/22,161 udp/161"
note = "narrow"

[[expected]]
tag = "web"
ports = "tcp/80,443"

[[expected]]
asset = "web-7.example.org"
ports = "tcp/8443"
note = "asset"

[[expected]]
asset = "10.20.9.9"
zone = "bonn"
ports = "tcp/25"

[[expected]]
network = "2001:db8::/32"
ports = "tcp/853"
"""
)
DECLARED = MANIFEST.declared


def test_the_manifest_is_the_policy() -> None:
    policy: Policy = DECLARED
    assert policy.owner(host("web-7.example.org", "berlin")) == "team-web"
    assert policy.criticality(host("web-7.example.org", "berlin")) == "high"
    assert policy.criticality(host("10.99.0.1")) == "normal"
    assert policy.owner(host("10.99.0.1")) == ""


def test_an_address_is_the_declared_asset_in_its_zone_only() -> None:
    assert DECLARED.asset_for("10.20.1.7", "berlin") == host("web-7.example.org", "berlin")
    assert DECLARED.asset_for("2001:db8::7", "berlin") == host("web-7.example.org", "berlin")
    assert DECLARED.asset_for("10.20.1.7", "bonn") == host("10.20.1.7", "bonn")
    assert DECLARED.asset_for("web-7.example.org", "berlin") == host("web-7.example.org", "berlin")


def test_expected_is_the_union_of_all_rows_that_apply() -> None:
    web = host("web-7.example.org", "berlin")
    assert str(DECLARED.expected(web)) == "tcp/22,80,161,443,853,8443 udp/161"
    assert str(DECLARED.expected(host("10.20.77.1"))) == "tcp/22"
    assert str(DECLARED.expected(host("2001:db8:ffff::1"))) == "tcp/853"
    assert not DECLARED.expected(host("192.0.2.1"))
    assert not DECLARED.expected(host("intranet.example.org"))
    assert not DECLARED.expected(Asset("image", "10.20.1.7"))


def test_an_address_of_a_declared_asset_has_its_expectations() -> None:
    assert DECLARED.expected(host("10.20.1.7", "berlin")) == DECLARED.expected(host("web-7.example.org", "berlin"))


def test_only_rows_for_the_very_asset_are_required() -> None:
    assert str(DECLARED.required(host("web-7.example.org", "berlin"))) == "tcp/8443"
    assert not DECLARED.required(host("10.20.77.1"))


def test_a_row_with_a_zone_says_nothing_elsewhere() -> None:
    assert str(DECLARED.required(host("10.20.9.9", "bonn"))) == "tcp/25"
    assert not DECLARED.required(host("10.20.9.9", "berlin"))


def test_a_port_belongs_to_the_most_specific_row() -> None:
    web = host("web-7.example.org", "berlin")
    for key, note in {"tcp/8443": "asset", "tcp/443": None, "tcp/22": "narrow", "udp/161": "narrow"}.items():
        row = DECLARED.expectation(web, key)
        assert row is not None
        assert row.note == note
    wide = DECLARED.expectation(host("10.20.77.1"), "tcp/22")
    assert wide is not None
    assert wide.note == "wide"
    assert DECLARED.expectation(web, "tcp/23") is None


def test_fragile_assets_are_known_by_name_and_address() -> None:
    assert DECLARED.is_fragile(host("printer"))
    assert DECLARED.is_fragile(DECLARED.asset_for("10.20.1.9", "default"))
    assert not DECLARED.is_fragile(host("web-7.example.org", "berlin"))
    assert DECLARED.tags(host("printer")) == ("printer",)


def test_the_version_is_that_of_what_decides() -> None:
    rows, assets = MANIFEST.expected, MANIFEST.assets
    assert Declared(assets[::-1], rows[::-1]).sha256 == DECLARED.sha256
    explained = rows[0].model_copy(update={"note": "other", "accepted_by": "Ada", "accepted_on": date(2031, 1, 1)})
    assert Declared(assets, (explained, *rows[1:])).sha256 == DECLARED.sha256
    wider = rows[0].model_copy(update={"ports": "tcp/22-23"})
    assert Declared(assets, (wider, *rows[1:])).sha256 != DECLARED.sha256
    retagged = assets[0].model_copy(update={"tags": ("mail",)})
    assert Declared((retagged, *assets[1:]), rows).sha256 != DECLARED.sha256
    assert Declared((), ()).sha256 == ""


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(24, 32), st.integers(1, 9)), max_size=12),
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
)
def test_networks_are_found_as_by_looking_at_every_row(rows: list[tuple[int, int, int]], hosts: list[int]) -> None:
    networks = [(ipaddress.ip_network((0x0A000000 + low, prefix), strict=False), port) for low, prefix, port in rows]
    text = "".join(f'[[expected]]\nnetwork = "{network}"\nports = "tcp/{port}"\n' for network, port in networks)
    declared = load_manifest(text).declared
    for number in hosts:
        address = ipaddress.IPv4Address(0x0A000000 + number)
        ports = {f"tcp/{port}" for network, port in networks if address in network}
        assert set(declared.expected(host(str(address)))) == ports
        for key in ports:
            row = declared.expectation(host(str(address)), key)
            assert row is not None
            assert row.network is not None
            assert row.network.prefixlen == max(
                n.prefixlen for n, port in networks if address in n and key == f"tcp/{port}"
            )
