"""The file that `roundsman init` writes, and that the examples name every setting that exists."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from estate.errors import BadTarget
from estate.manifest import Manifest, load_manifest, starter_manifest
from estate.manifest.rows import DeclaredAsset, DeclaredEndpoint, Expectation
from estate.manifest.settings import DatabaseSettings, Estate, EvidenceSettings, Retention, TlsSettings
from estate.scope import Breaker, Canary, Scope, Window

STARTER = starter_manifest("host-1", "root on host-1")
EXAMPLE = (Path(__file__).parents[3] / "estate.example.toml").read_text()
TABLES = (
    Scope,
    Window,
    Canary,
    Breaker,
    DeclaredAsset,
    DeclaredEndpoint,
    Expectation,
    Estate,
    TlsSettings,
    DatabaseSettings,
    EvidenceSettings,
    Retention,
)


def networks(text: str) -> list[str]:
    return [str(network) for network in load_manifest(text).scopes[0].networks]


def test_the_starter_allows_this_machines_loopback_and_nothing_else() -> None:
    manifest = load_manifest(STARTER)
    assert networks(STARTER) == ["127.0.0.1/32", "::1/128"]
    assert manifest.estate.name == "host-1"
    assert manifest.scope_named().authorised_by == "root on host-1"
    assert str(manifest.scope_named().asked) == "tcp/1-65535"
    assert manifest.expected == ()


def test_a_machine_without_ipv6_is_not_asked_over_it() -> None:
    assert networks(starter_manifest("host-1", "root", ipv6=False)) == ["127.0.0.1/32"]


def test_own_addresses_are_added_one_by_one() -> None:
    own = ["192.0.2.7", "127.0.0.1", "fe80::1%eth0", "2001:db8::7", "169.254.1.1"]
    assert networks(starter_manifest("h", "root", own)) == [
        "127.0.0.1/32",
        "192.0.2.7/32",
        "::1/128",
        "2001:db8::7/128",
    ]


def test_a_network_is_no_address_of_this_machine() -> None:
    with pytest.raises(BadTarget, match="not networks"):
        starter_manifest("h", "root", ["192.0.2.0/24"])


def test_odd_names_stay_text() -> None:
    text = starter_manifest('h" ]\\ {x}', 'R. "Bob" O\'Neil')
    assert load_manifest(text).estate.name == 'h" ]\\ {x}'
    with pytest.raises(BadTarget, match="control characters"):
        starter_manifest("h\nname", "root")


def test_every_setting_that_is_commented_out_works_when_it_is_not() -> None:
    whole = load_manifest(re.sub(r"^#(?=[a-z\[])", "", STARTER, flags=re.MULTILINE))
    assert whole.scopes[0].windows
    assert whole.scopes[0].canaries
    assert whole.assets[0].owner == "team-web"
    assert whole.expected[0].tag == "web"
    assert whole.retention.runs_days == 800


def test_the_lines_of_the_starter_are_comments_or_settings() -> None:
    assert [line for line in STARTER.splitlines() if re.match(r"#(?![ a-z\[])", line)] == []


@pytest.mark.parametrize("table", TABLES)
def test_the_example_explains_every_setting(table: type[BaseModel]) -> None:
    for name in table.model_fields:
        assert re.search(rf"\b{name} = ", EXAMPLE), name


def test_the_example_names_every_table() -> None:
    for name in Manifest.model_fields:
        assert re.search(rf"^\[\[?{name}\]\]?$", EXAMPLE, re.MULTILINE), name


def test_no_line_is_too_long_to_read() -> None:
    assert [line for line in (STARTER + EXAMPLE).splitlines() if len(line) > 120] == []
