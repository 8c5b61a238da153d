"""Where TLS may be spoken: what is declared, what the sweep found, and what was known to speak it."""

from datetime import UTC, datetime, timedelta

import pytest

from estate.manifest import load_manifest
from estate.store.endpoints import declared_endpoints, found_endpoints
from estate.tls.shard import Endpoint
from infra.lab.tls_rounds import chain, settle_tls, shown, silence

A, B = "10.0.0.1", "10.0.0.2"
PORTS = "tcp/21-10000"
ADMITTED = {A: (A,), B: (B,)}
NOW = datetime.now(UTC).replace(microsecond=0)
DECLARED = """
[[scopes]]
name = "house"
authorised_by = "Ada"
networks = ["10.0.0.0/24"]
names = ["c.example"]
ports = "tcp/443"

[[assets]]
name = "web.example"
addresses = ["10.0.0.7", "10.0.0.8"]

[[endpoints]]
host = "web.example"

[[endpoints]]
host = "10.0.0.7"
port = 8443
name = "shop.example"

[[endpoints]]
host = "c.example"
port = 587
starttls = "smtp"

[[endpoints]]
host = "10.0.0.9"
"""


def found(estate, addresses=ADMITTED):
    return {
        (one.address, one.port): (one.name, one.starttls)
        for one in found_endpoints(estate.database, "default", "inside", addresses)
    }


def declared(addresses):
    return set(declared_endpoints(load_manifest(DECLARED), "default", addresses))


def test_what_is_declared_is_asked_at_every_admitted_address_of_its_host():
    web = {"web.example": ("10.0.0.7", "10.0.0.8")}
    assert declared(web) == {
        Endpoint("web.example", "10.0.0.7", 443, "web.example"),
        Endpoint("web.example", "10.0.0.8", 443, "web.example"),
        Endpoint("web.example", "10.0.0.7", 8443, "shop.example"),
    }
    assert declared({"web.example": ("10.0.0.8",)}) == {Endpoint("web.example", "10.0.0.8", 443, "web.example")}


def test_a_name_that_is_declared_is_asked_for_and_an_address_is_asked_for_none():
    assert declared({"c.example": ("10.0.0.3",), "10.0.0.9": ("10.0.0.9",)}) == {
        Endpoint("c.example", "10.0.0.3", 587, "c.example", "smtp"),
        Endpoint("10.0.0.9", "10.0.0.9", 443),
    }


def test_what_was_not_admitted_is_not_asked():
    assert declared({}) == set()


def test_open_ports_are_known_by_their_numbers(estate):
    open_ports = dict.fromkeys(("tcp/22", "tcp/25", "tcp/80", "tcp/443", "tcp/993", "tcp/9443"), "open")
    estate.look("2026-01-01", {A: open_ports}, ports=PORTS)
    assert found(estate) == {
        (A, 25): (None, "smtp"),
        (A, 443): (None, None),
        (A, 993): (None, None),
        (A, 9443): (None, None),
    }


def test_printers_are_never_asked(estate):
    estate.look("2026-01-01", {A: {f"tcp/{port}": "open" for port in (443, *range(9100, 9108))}}, ports=PORTS)
    assert set(found(estate)) == {(A, 443)}


def test_closed_ports_are_not_asked(estate):
    estate.look("2026-01-01", {A: {"tcp/443": "open", "tcp/8443": "closed"}}, ports=PORTS)
    assert set(found(estate)) == {(A, 443)}


def test_an_address_that_was_not_admitted_is_not_asked_whatever_was_found_there(estate):
    estate.look("2026-01-01", {A: {"tcp/443": "open"}, B: {"tcp/443": "open"}}, ports=PORTS)
    assert set(found(estate, {A: (A,)})) == {(A, 443)}


def test_a_declared_asset_is_asked_by_its_name(estate):
    estate.declare(DECLARED)
    estate.look("2026-01-01", {"10.0.0.7": {"tcp/443": "open"}}, ports="tcp/443")
    assert found(estate, {"web.example": ("10.0.0.7",)}) == {("10.0.0.7", 443): ("web.example", None)}


def test_another_vantage_and_zone_are_other_estates(estate):
    estate.look("2026-01-01", {A: {"tcp/443": "open"}}, ports="tcp/443", vantage="internet")
    estate.look("2026-01-01", {A: {"tcp/443": "open"}}, ports="tcp/443", zone="dmz")
    assert found(estate) == {}


@pytest.mark.parametrize("scan", ["tls", "certificates"])
def test_where_tls_was_spoken_is_asked_until_it_is_proved_gone(estate, scan):
    endpoint = Endpoint(A, A, 4433, "a.example")
    settle_tls(estate, NOW, {endpoint: shown(chain("a.example"))}, scan=scan)
    assert found(estate) == {(A, 4433): ("a.example", None)}
    settle_tls(estate, NOW + timedelta(days=1), {endpoint: silence("refused")}, scan=scan)
    assert found(estate) == {}


def test_how_tls_began_is_remembered(estate):
    settle_tls(estate, NOW, {Endpoint(A, A, 2525, None, "smtp"): shown(chain("a.example"))})
    settle_tls(estate, NOW, {Endpoint(A, A, 2525, None, "smtp"): shown(chain("a.example"))}, scan="certificates")
    assert found(estate) == {(A, 2525): (None, "smtp")}


def guessed(estate):
    return {
        one.port for one in found_endpoints(estate.database, "default", "inside", ADMITTED, guess=True) if one.guess
    }


def test_open_ports_of_which_nobody_knows_what_they_speak_are_guesses(estate):
    ports = {
        "tcp/443": "open",  # by its number
        "tcp/8000": "open",
        "tcp/8001": "open http nginx",
        "tcp/8002": "open tcpwrapped",
        "tcp/8003": "closed",
        "tcp/22": "open",
        "tcp/80": "open",
        "tcp/502": "open",
        **{f"tcp/{number}": "open" for number in range(9100, 9108)},
    }
    estate.look("2026-01-01", {A: ports}, ports=PORTS)
    assert guessed(estate) == {8000, 8002}
    assert found(estate) == {(A, 443): (None, None)}


def test_what_spoke_tls_is_no_guess_any_more(estate):
    estate.look("2026-01-01", {A: {"tcp/8000": "open"}}, ports=PORTS)
    right = Endpoint(A, A, 8000, guess=True)
    first = settle_tls(estate, NOW, {right: shown(chain("a.example"))})
    assert "first_observed" in estate.kinds(first)
    assert guessed(estate) == set()
    assert found(estate) == {(A, 8000): (None, None)}


def test_a_wrong_guess_is_no_change_no_finding_and_no_lack_of_sight(estate):
    estate.look("2026-01-01", {A: {"tcp/8000": "open"}}, ports=PORTS)
    wrong = Endpoint(A, A, 8000, guess=True)
    for day, outcome in enumerate(("plaintext", "reset", "silent")):
        settled = settle_tls(estate, NOW + timedelta(days=day), {wrong: silence(outcome)})
        assert (settled.state, estate.kinds(settled), settled.run.blind) == ("complete", {}, 0)
    assert not [one for one in estate.findings() if one["locator"].startswith("tls/")]
    assert guessed(estate) == {8000}
    speaks = settle_tls(estate, NOW + timedelta(days=9), {wrong: shown(chain("a.example"))})
    (change,) = (one for one in estate.changes(speaks.run) if one["key"] == "tls/8000/-/endpoint")
    assert change["kind"] == "appeared"
