"""How assets are spelled, and what passes for an address or a name."""

import pytest

from estate.assets import Asset, canonical_address, canonical_name, canonical_target, canonical_zone, host, parse_asset
from estate.errors import BadTarget


def test_an_asset_is_spelled_kind_and_key_in_every_zone():
    assert str(host("10.77.0.3")) == "host:10.77.0.3"
    assert str(host("10.77.0.3", "dmz")) == "host:10.77.0.3"


def test_the_identity_names_every_zone_but_the_default_one():
    assert host("10.77.0.3").identity == "host:10.77.0.3"
    assert host("10.77.0.3", "dmz").identity == "host:10.77.0.3@dmz"


@pytest.mark.parametrize(
    ("text", "asset"),
    [
        ("10.77.0.3", Asset("host", "10.77.0.3")),
        ("host:10.77.0.3", Asset("host", "10.77.0.3")),
        ("host:FD77:0:0::5", Asset("host", "fd77::5")),
        ("fd77::5", Asset("host", "fd77::5")),
        ("Web-7.Example.ORG.", Asset("host", "web-7.example.org")),
        ("image:repo@sha256:00", Asset("image", "repo@sha256:00")),
    ],
)
def test_an_asset_is_read_with_or_without_its_kind(text, asset):
    assert parse_asset(text) == asset


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", None),
        ("010.0.0.1", None),
        ("10.0.0", None),
        ("localhost", None),
    ],
)
def test_an_address_has_one_spelling(text, spelled):
    assert canonical_address(text) == spelled


def test_a_name_is_lower_case_ascii_without_the_root_dot():
    assert canonical_name("WWW.Bücher.example.") == "www.xn--bcher-kva.example"


@pytest.mark.parametrize(
    "text",
    [
        "-iL",
        "--script=vuln",
        "a b",
        "a\nb",
        "a;b",
        "$(id)",
        "`id`",
        "a|b",
        "a/../b",
        "",
        ".",
        "a..b",
        "-a.example",
        "10.0.0.300",
        "256.1.1.1",
        "x" * 64,
        "a." * 130,
        "a\x00b",
    ],
)
def test_what_a_tool_could_misread_is_no_target(text):
    with pytest.raises(BadTarget):
        canonical_target(text)


def test_a_dash_that_is_none_becomes_part_of_an_encoded_name_and_no_option():
    assert canonical_target("\u2010iL").startswith("xn--")


def test_an_error_does_not_repeat_a_megabyte():
    with pytest.raises(BadTarget) as refused:
        canonical_name("x" * 1_000_000)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("text", ["default", "dmz-2", "eu.west_1"])
def test_a_zone_is_a_plain_word(text):
    assert canonical_zone(text) == text


@pytest.mark.parametrize("text", ["", "DMZ", "a b", "-x", "x" * 64, "a/b"])
def test_anything_else_is_no_zone(text):
    with pytest.raises(BadTarget):
        canonical_zone(text)
