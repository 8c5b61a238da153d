"""Mistakes in estate.toml: each is named with its line, its field and what was probably meant."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import BadInput, ScopeMissing
from estate.manifest import load_manifest

EXAMPLE = (Path(__file__).parents[3] / "estate.example.toml").read_text()
SCOPE = '[[scopes]]\nname = "lab"\nauthorised_by = "Ada"\nnetworks = ["10.0.0.0/24"]\n'


def complaint(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        load_manifest(text, "site.toml")
    return str(caught.value)


def test_the_example_is_a_manifest() -> None:
    manifest = load_manifest(EXAMPLE)
    assert [scope.name for scope in manifest.scopes] == ["office", "from-outside"]
    assert manifest.database.url_env == "ESTATE_DATABASE"
    assert manifest.retention.evidence_days == 400


def test_an_empty_file_declares_nothing() -> None:
    manifest = load_manifest("")
    assert manifest.scopes == ()
    assert manifest.estate.name == "estate"
    assert manifest.declared.sha256 == ""


def test_a_file_from_another_system_is_read_too() -> None:
    assert load_manifest("\ufeff" + SCOPE.replace("\n", "\r\n")).scopes[0].name == "lab"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[estate]\nname = \n", "site.toml, line 2: Invalid value"),
        ("[estate\n", "site.toml, line 1: "),
        ('a = "x', "site.toml, line 1: "),
        ("[estate]\n[estate]\n", "site.toml, line 2: Cannot declare"),
        ("x = " + "[" * 5000, "site.toml nests its brackets too deeply"),
        ("x = " + "9" * 5000, "site.toml: Exceeds the limit"),
        ("x = 2031-02-30", "site.toml, line 1: Invalid date"),
        ("\x00", "site.toml, line 1: "),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(text: str, told: str) -> None:
    assert complaint(text).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            SCOPE + 'network = ["10.0.0.0/8"]',
            "line 5: scopes[0].network: there is no such setting; did you mean networks?",
        ),
        (SCOPE + "colour = 1", "line 5: scopes[0].colour: there is no such setting; known are name, zone, vantage"),
        (
            SCOPE + "breaker = { shre = 0.5 }",
            "line 5: scopes[0].breaker.shre: there is no such setting; did you mean share?",
        ),
        (
            SCOPE + "[[scopes.canaries]]\naddr = 1",
            "line 6: scopes[0].canaries[0].addr: there is no such setting; did",
        ),
        ("[[scope]]\n", "line 1: scope: there is no such setting; did you mean scopes?"),
        ('[scopes]\nname = "lab"', "line 1: scopes: has to be a list"),
        ("scopes = 1", "line 1: scopes: has to be a list, in [ … ] or as [[tables]]"),
        (SCOPE.replace("0/24", "1/24"), "line 4: scopes[0].networks[0]: '10.0.0.1/24' is an address inside a network"),
        (
            SCOPE.replace('["', '[\n  # the lab\n  "10.1.0.0/16",\n  "-iL '),
            "line 7: scopes[0].networks[1]: '-iL 10.0.0.0/24' is",
        ),
        (SCOPE.replace('authorised_by = "Ada"\n', ""), "line 1: scopes[0].authorised_by: is missing"),
        (SCOPE + "pace = 0", "line 5: scopes[0].pace: input should be greater than or equal to 1 (it says 0)"),
        (
            SCOPE + "valid_until = 2031-05-07T12:00:00",
            "line 5: scopes[0].valid_until: 2031-05-07T12:00:00 does not say",
        ),
        (
            SCOPE + "valid_from = 2031-05-08\nvalid_until = 2031-05-07",
            "line 1: scopes[0]: valid_from (2031-05-08) is not",
        ),
        (SCOPE + SCOPE, "line 6: scopes[1].name: there are two scopes called 'lab'"),
        (SCOPE + "[scopes.windows]\n", "line 5: scopes[0].windows: has to be a list"),
        ('[[expected]]\nports = "tcp/1"', "line 1: expected[0]: needs exactly one of asset, tag and network"),
        ('[[expected]]\ntag = "a"\nasset = "10.0.0.1"\nports = "tcp/1"', "line 1: expected[0]: needs exactly one of"),
        ('[[expected]]\ntag = "a"\nports = "443/tcp"', "line 3: expected[0].ports: 443 cannot be asked"),
        (
            '[[expected]]\ntag = "a"\nports = "tcp/1"\naccepted_on = 2031-01-01',
            "line 1: expected[0]: accepted_on without",
        ),
        (
            '[[expected]]\nasset = "web-8"\nports = "tcp/1"',
            "line 2: expected[0].asset: there is no asset 'web-8'; declare",
        ),
        (
            '[[assets]]\nname = "web-7"\n[[expected]]\nasset = "web-8"\nports = "tcp/1"',
            "line 4: expected[0].asset: there is no asset 'web-8'; did you mean 'web-7'?",
        ),
        (
            '[[assets]]\nname = "a"\naddresses = ["10.0.0.1"]\n[[assets]]\nname = "b"\naddresses = ["::ffff:10.0.0.1"]',
            "line 4: assets[1]: 10.0.0.1 already belongs to asset 'a' in zone 'default'",
        ),
        ('[[assets]]\nname = "a"\ncriticality = "huge"', "line 3: assets[0].criticality: input should be 'low'"),
        ('[database]\nurl = "postgresql://u:geheim@h/d"', "line 2: database.url: holds a password"),
        ('[database]\nurl = "postgresql://h/d?password=geheim"', "line 2: database.url: holds a password"),
        ('[database]\nurl = "mysql://h/d"', "line 2: database.url: is not the URL of a database"),
        ('[database]\nurl = "sqlite:///x"\nurl_env = "X"', "line 1: database: has both url and url_env"),
        ('[database]\nurl_env = "geheim=x"', "line 2: database.url_env: is not the name of an env"),
        ('[evidence]\nblock = "../x"', "line 2: evidence.block: '../x' is not a Prefect block"),
        (
            "[retention]\nevidence_days = 0",
            "line 2: retention.evidence_days: input should be greater than or equal to 1",
        ),
        ('[estate]\nname = "a\\u001b[31m"', "line 2: estate.name: 'a\\x1b[31m' holds control characters"),
    ],
)
def test_a_wrong_value_is_said_with_line_field_and_remedy(text: str, told: str) -> None:
    said = complaint(text)
    assert any(line.startswith(f"site.toml, {told}") for line in said.splitlines()), said
    assert "geheim" not in said


def test_all_mistakes_are_named_in_the_order_of_their_lines() -> None:
    said = complaint(
        "[retention]\nruns_days = -1\n" + SCOPE + 'pace = 0\nfloor = 2\n[estate]\nnaem = "x"\n'
    ).splitlines()
    assert [line.split(":")[0] for line in said] == [f"site.toml, line {number}" for number in (2, 7, 8, 10)]


def test_a_hundred_mistakes_are_shown_in_part() -> None:
    said = complaint('[[expected]]\ntag = "a"\n' * 100).splitlines()
    assert len(said) == 21
    assert said[-1] == "… and 80 more"


def test_a_file_of_absurd_size_is_refused() -> None:
    assert "more than any estate needs" in complaint("#" * (33 << 20))


def test_one_address_may_belong_to_two_assets_in_two_zones() -> None:
    text = '[[assets]]\nname = "a"\nzone = "{}"\naddresses = ["10.0.0.1"]\n'
    assert len(load_manifest(text.format("one") + text.format("two")).assets) == 2


def test_a_scope_is_found_by_its_name() -> None:
    manifest = load_manifest(EXAMPLE)
    assert manifest.scope_named("office").zone == "berlin"
    assert load_manifest(SCOPE).scope_named().name == "lab"
    with pytest.raises(ScopeMissing, match="did you mean 'office'"):
        manifest.scope_named("ofice")
    with pytest.raises(ScopeMissing, match="say which one: office, from-outside"):
        manifest.scope_named()
    with pytest.raises(ScopeMissing, match="roundsman init"):
        load_manifest("").scope_named("office")


def test_the_database_may_be_named_by_an_environment_variable() -> None:
    database = load_manifest('[database]\nurl_env = "ESTATE_DATABASE"').database
    assert database.resolve({"ESTATE_DATABASE": "postgresql://u:p@h/d"}) == "postgresql://u:p@h/d"
    with pytest.raises(BadInput, match="ESTATE_DATABASE is not set"):
        database.resolve({})
    assert load_manifest("").database.resolve({}) is None
    assert load_manifest('[database]\nurl = "sqlite:////a@b:c/e.db"').database.resolve({}) == "sqlite:////a@b:c/e.db"


@given(st.text(alphabet="[]{}=.,\"'#\n\\ abnetworks012-/:", max_size=60))
def test_no_text_ends_in_anything_but_a_manifest_or_a_complaint(text: str) -> None:
    for whole in (text, SCOPE + text):
        with suppress(BadInput):
            load_manifest(whole)


ENDPOINTS = """
[[scopes]]
name = "house"
authorised_by = "Ada"
networks = ["10.0.0.0/24"]
names = ["www.example.org"]

[[endpoints]]
host = "{host}"
port = {port}
"""


@pytest.mark.parametrize("host", ["www.example.org", "10.0.0.1", "2001:db8::1"])
def test_an_endpoint_is_at_a_name_that_is_known_or_at_an_address(host) -> None:
    (endpoint,) = load_manifest(ENDPOINTS.format(host=host, port=8443)).endpoints
    assert (endpoint.host, endpoint.port, endpoint.name, endpoint.starttls) == (host, 8443, None, None)


@pytest.mark.parametrize(
    ("host", "port", "more", "words"),
    [
        ("ww.example.org", 443, "", "line 9: endpoints[0].host: there is no asset 'ww.example.org'; did you mean"),
        ("www.example.org", 0, "", "endpoints[0].port"),
        ("www.example.org", 25, 'starttls = "gopher"', "endpoints[0].starttls"),
        ("10.0.0.1", 443, '[[endpoints]]\nhost = "10.0.0.1"', "10.0.0.1, port 443 is declared twice"),
    ],
)
def test_an_endpoint_that_cannot_be_meant_is_refused(host, port, more, words) -> None:
    with pytest.raises(BadInput) as refused:
        load_manifest(ENDPOINTS.format(host=host, port=port) + more)
    assert words in str(refused.value)
