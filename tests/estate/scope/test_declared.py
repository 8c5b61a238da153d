"""A scope's words: what is refused by type, and the version that they have."""

import json
from datetime import date, datetime, time
from ipaddress import IPv4Network, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from estate.scope import DEFAULT_PORTS, Scope, read_ports

WHOLE: dict[str, Any] = {
    "name": "dmz",
    "zone": "berlin",
    "vantage": "dmz",
    "networks": ["10.0.0.0/24", "192.0.2.7", "2001:db8::/64"],
    "names": ["www.example.org", "mail.example.org"],
    "exclude": ["10.0.0.9", "10.0.0.128/25", "pay.example.org"],
    "pace": 250,
    "windows": [
        {"days": ["sat", "sun"], "opens": time(22), "closes": "05:00", "timezone": "Europe/Berlin"},
        {"opens": "01:00", "closes": "02:00", "timezone": "UTC"},
    ],
    "authorised_by": "Ada Lovelace",
    "valid_from": date(2031, 1, 1),
    "valid_until": datetime.fromisoformat("2031-12-31T18:00:00+01:00"),
    "fragile": ["10.0.0.32/27"],
    "ports": "tcp/1-1024,8080 udp/53",
    "versions": False,
    "canaries": [{"address": "10.0.0.1", "port": "tcp/22", "expect": "open"}],
    "floor": 0.9,
    "silences": 2,
    "breaker": {"share": 0.1, "at_least": 10},
}

HOSTILE = (
    "-iL /etc/passwd",
    "--script=vuln",
    "-oN",
    "10.0.0.1 10.0.0.2",
    "10.0.0.1\n-iL x",
    "10.0.0.1;id",
    "$(id)",
    "`id`",
    "a|b",
    "a&b",
    "a\x00b",
    "\u2013iL",
    "\u2010\u2010script",
    "\uff0diL",
    "a\u202eb",
    "a\u200bb.example.org",
    "../../etc",
    "~root",
    "{10,11}.0.0.1",
    "*",
    "a" * 100_000,
    "",
    " ",
    "@hosts",
    "'x'",
    '"x"',
    "a b",
    "10.0.0.1,10.0.0.2",
)


def scope(**fields) -> Scope:
    return Scope.model_validate({"name": "lab", "networks": ["10.0.0.0/24"], "authorised_by": "Ada", **fields})


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["networks", "names", "exclude", "fragile"])
def test_option_text_is_no_target(field: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        scope(**{field: [text]})
    assert len(str(caught.value)) < 1000
    assert caught.value.errors()[0]["loc"] == (field, 0)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text != "-oN"])
@pytest.mark.parametrize("field", ["name", "zone", "vantage", "ports"])
def test_option_text_is_no_name_zone_or_port(field: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        scope(**{field: text})
    assert caught.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize(
    "text", ["tcp/80 -iL x", "tcp/80;id", "tcp/80,http", "U:53", "tcp/80\nudp/53", "tcp/80\tudp/53"]
)
def test_option_text_is_no_port_list(text: str) -> None:
    with pytest.raises(ValidationError):
        scope(ports=text)


@pytest.mark.parametrize("text", ["", "two\nlines", "bell\x07", "\x1b[31mred", "\u202erid", "x" * 201, "\u2028"])
def test_who_signed_is_one_plain_line(text: str) -> None:
    with pytest.raises(ValidationError):
        scope(authorised_by=text)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"networks": ["10.0.0.1/24"]}, "write 10.0.0.0/24 for the network, or 10.0.0.1 for the address"),
        ({"networks": ["2001:db8::1/64"]}, "write 2001:db8::/64 for the network"),
        ({"networks": ["10.0.0.0/0.0.0.255"]}, "is not a network"),
        ({"networks": ["10.0.0.0/33"]}, "is not a network"),
        ({"networks": ["10.0.0"]}, "is not a network"),
        ({"networks": ["010.0.0.1"]}, "is not a network"),
        ({"networks": ["fe80::1%eth0"]}, "is not a network"),
        ({"networks": [167772160]}, "is not text"),
        ({"networks": []}, "at least 1"),
        ({"networks": "10.0.0.0/24"}, "valid tuple"),
        ({"names": ["10.0.0.300"]}, "broken address"),
        ({"names": ["0x7f000001"]}, "resolvers read it as a number"),
        ({"names": ["127.0x1"]}, "resolvers read it as a number"),
        ({"names": ["*.example.org"]}, "not a host name"),
        ({"pace": 0}, "greater than or equal to 1"),
        ({"pace": 1_000_001}, "less than or equal to 1000000"),
        ({"pace": True}, "valid integer"),
        ({"pace": "100"}, "valid integer"),
        ({"floor": 1.1}, "less than or equal to 1"),
        ({"floor": float("nan")}, "(less|greater) than or equal|finite"),
        ({"silences": 0}, "greater than or equal to 1"),
        ({"versions": "no"}, "valid boolean"),
        ({"breaker": {"share": 0}}, "greater than 0"),
        ({"breaker": {"at_most": 5}}, "not permitted"),
        ({"authorised_by": None}, "is not text"),
        ({"valid_until": "2031-05-07T12:00:00"}, "add Z or an offset"),
        ({"valid_until": datetime(2031, 5, 7)}, "add Z or an offset"),  # noqa: DTZ001  # the naive time is what is refused
        ({"valid_until": "soon"}, "is not a day"),
        ({"valid_until": 2031}, "is not a day"),
        ({"valid_from": "2031-05-08", "valid_until": "2031-05-07"}, "is not before"),
        ({"ports": "80; rm -rf /"}, "not a list"),
        ({"ports": "icmp/8"}, "cannot be asked"),
        ({"ports": "tcp/0-100"}, "ports begin at 1"),
        ({"ports": "tcp/70000"}, "not a range between"),
        ({"ports": "tcp/90-80"}, "not a range between"),
        ({"ports": 80}, "is not text"),
        ({"canaries": [{"address": "10.0.1.1", "port": "tcp/22", "expect": "open"}]}, "may not be asked"),
        ({"canaries": [{"address": "10.0.0.1", "port": "tcp/22-23", "expect": "open"}]}, "more than one port"),
        ({"canaries": [{"address": "10.0.0.1", "port": "tcp/22", "expect": "up"}]}, "'open' or 'closed'"),
        (
            {"exclude": ["10.0.0.1"], "canaries": [{"address": "10.0.0.1", "port": "tcp/22", "expect": "open"}]},
            "excluded",
        ),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(fields: dict, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        scope(**fields)


def test_a_scope_needs_a_name_of_who_signed_it() -> None:
    with pytest.raises(ValidationError, match="authorised_by"):
        Scope.model_validate({"name": "lab", "networks": ["10.0.0.0/24"]})


def test_a_scope_survives_json_and_its_own_dump() -> None:
    whole = Scope.model_validate(WHOLE)
    assert Scope.model_validate_json(whole.model_dump_json()) == whole
    assert Scope.model_validate(whole.model_dump()) == whole
    assert Scope.model_validate(json.loads(json.dumps(whole.model_dump(mode="json")))).sha256 == whole.sha256


def test_an_end_beyond_all_calendars_is_no_error() -> None:
    assert scope(valid_until=date(9999, 12, 31)).sha256


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("name", "dmz2"),
        ("zone", "bonn"),
        ("vantage", "inside"),
        ("networks", ["10.0.0.0/24", "192.0.2.8"]),
        ("names", ["www.example.org"]),
        ("exclude", ["10.0.0.9"]),
        ("pace", 251),
        ("windows", []),
        ("authorised_by", "Charles Babbage"),
        ("valid_from", date(2031, 1, 2)),
        ("valid_until", None),
        ("fragile", []),
    ],
)
def test_all_that_authorises_is_in_the_version(field: str, other: object) -> None:
    changed = {**WHOLE, field: other, "canaries": []}
    assert Scope.model_validate(changed).sha256 != Scope.model_validate(WHOLE).sha256


@pytest.mark.parametrize(
    ("field", "other"),
    [("ports", "tcp/80"), ("versions", True), ("canaries", []), ("floor", 0.1), ("silences", 9), ("breaker", {})],
)
def test_what_is_asked_and_how_it_is_judged_is_not(field: str, other: object) -> None:
    assert Scope.model_validate({**WHOLE, field: other}).sha256 == Scope.model_validate(WHOLE).sha256


@given(st.randoms(use_true_random=False))
def test_the_version_does_not_depend_on_order_or_spelling(random) -> None:
    shuffled: dict[str, Any] = {}
    for field in random.sample(list(WHOLE), len(WHOLE)):
        value = WHOLE[field]
        shuffled[field] = random.sample(value, len(value)) if isinstance(value, list) else value
    shuffled["networks"] = [str(ip_network(word)).upper() for word in shuffled["networks"]] * 2
    shuffled["names"] = [word.upper() + "." for word in shuffled["names"]]
    shuffled["valid_from"] = random.choice(["2031-01-01", "2031-01-01T00:00:00Z", "2030-12-31T19:00:00-05:00"])
    shuffled["valid_until"] = random.choice(["2031-12-31T17:00:00Z", "2031-12-31T18:00:00+01:00"])
    assert Scope.model_validate(shuffled).sha256 == Scope.model_validate(WHOLE).sha256


def test_the_version_stays_what_it_was() -> None:
    """Runs name their scope by it: a change of its recipe would make every scope look newly signed."""
    assert scope().sha256[:12] == "f5dcbf218466"


def test_networks_are_networks_and_not_text() -> None:
    assert scope(networks=["10.0.0.7", IPv4Network("10.0.0.0/30")]).networks == (
        ip_network("10.0.0.0/30"),
        ip_network("10.0.0.7/32"),
    )


def test_numbers_alone_are_tcp_ports_and_a_star_is_all_of_them() -> None:
    assert str(read_ports("8080,1-1024")) == "tcp/1-1024,8080"
    assert str(read_ports("udp/53 tcp/*")) == "tcp/1-65535 udp/53"


def test_the_usual_ports_hold_what_attackers_look_for_first() -> None:
    usual = read_ports(DEFAULT_PORTS)
    for key in (
        "tcp/22",
        "tcp/445",
        "tcp/2375",
        "tcp/3389",
        "tcp/6379",
        "tcp/6443",
        "tcp/9200",
        "tcp/10250",
        "tcp/27017",
    ):
        assert key in usual
    assert usual.families == ("tcp",)
    assert len(usual) < 1300
