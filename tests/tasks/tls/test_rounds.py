"""Which endpoints a round of TLS asks, in which shards, and what it refuses before anything is sent."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from blocks.grading import Certificates, Grading
from estate.errors import BadInput, CouldNotLook, NothingToAsk, OutOfScope, ScopeMissing
from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.runs import shards_of
from estate.tls.shard import Endpoint, TlsShard
from infra.lab.small_estate import SmallEstate
from infra.lab.tls_rounds import authority, chain, pem, settle_tls, shown
from tasks.tls.asker import TlsAsker
from tasks.tls.rounds import find_endpoints, own_roots, plan_parts, tls_round_of
from tasks.wanted import admit, without_excluded

NOW = datetime.now(UTC).replace(microsecond=0)
PORTS = "tcp/21-10000"
SCOPE = """
[[scopes]]
name = "house"
authorised_by = "Ada"
networks = ["10.0.0.0/29"]
exclude = ["10.0.0.5"]
fragile = ["10.0.0.4"]
ports = "tcp/443"
"""
WEB = """
[[assets]]
name = "web.example"
addresses = ["10.0.0.1", "10.0.0.2"]
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    found = open_database(f"sqlite:///{tmp_path_factory.mktemp('rounds')}/estate.db")
    yield found
    found.engine.dispose()


@pytest.fixture
def estate(database, tmp_path):
    here = SmallEstate(database, EvidenceFolder(tmp_path / "evidence"), tmp_path)
    here.empty()
    here.declare(SCOPE)
    return here


def endpoint(host, **more):
    lines = [f"{name} = {value!r}" if isinstance(value, int) else f'{name} = "{value}"' for name, value in more.items()]
    return "\n".join(("\n[[endpoints]]", f'host = "{host}"', *lines, ""))


def found(estate, *only):
    scope = estate.manifest.scope_named()
    bindings = estate.here.bindings(scope.zone)
    admitting = without_excluded(scope, bindings)
    return find_endpoints(estate.here, admitting, admit(admitting, bindings, only, datetime.now(UTC)))


def opened(estate, **grading):
    asked = Grading(**grading)
    with tls_round_of(estate.here, asked, asked.profile, None) as round_:
        return [TlsShard.from_json(shard.plan) for shard in shards_of(estate.database, round_.seq)], round_.run


def test_what_the_sweep_found_is_asked(estate):
    estate.look("2026-01-01", {"10.0.0.1": {"tcp/443": "open", "tcp/80": "open", "tcp/9100": "open"}}, ports=PORTS)
    assert found(estate) == (Endpoint("10.0.0.1", "10.0.0.1", 443),)


def test_what_is_declared_goes_before_what_was_found_at_the_same_place(estate):
    estate.declare(SCOPE + endpoint("10.0.0.1", port=443, name="shop.example"))
    estate.look("2026-01-01", {"10.0.0.1": {"tcp/443": "open", "tcp/8443": "open"}}, ports=PORTS)
    assert found(estate) == (
        Endpoint("10.0.0.1", "10.0.0.1", 443, "shop.example"),
        Endpoint("10.0.0.1", "10.0.0.1", 8443),
    )


def test_several_names_at_one_place_are_several_endpoints(estate):
    names = ("a.example", "b.example")
    estate.declare(SCOPE + "".join(endpoint("10.0.0.1", name=name) for name in names))
    assert [one.name for one in found(estate)] == ["a.example", "b.example"]


def test_an_owner_may_declare_tls_where_printers_usually_are(estate):
    estate.declare(SCOPE + endpoint("10.0.0.1", port=9100))
    assert [one.port for one in found(estate)] == [9100]


@pytest.mark.parametrize("declared", [SCOPE, SCOPE + endpoint("10.0.0.4")])
def test_what_is_fragile_is_never_asked(estate, declared):
    estate.declare(declared)
    estate.look("2026-01-01", {"10.0.0.4": {"tcp/443": "open"}}, ports=PORTS)
    assert found(estate) == ()


def test_a_fragile_asset_is_never_asked_at_any_address(estate):
    estate.declare(SCOPE + WEB + "fragile = true\n" + endpoint("web.example"))
    estate.look("2026-01-01", {"10.0.0.1": {"tcp/443": "open"}}, ports=PORTS)
    assert found(estate) == ()


@pytest.mark.parametrize("outside", ["10.0.0.5", "192.0.2.1"])
def test_addresses_outside_the_scope_are_not_asked_whoever_says_so(estate, outside):
    estate.declare(SCOPE + endpoint(outside))
    estate.look("2026-01-01", {outside: {"tcp/443": "open"}}, ports=PORTS)
    settle_tls(estate, NOW, {Endpoint(outside, outside, 443): shown(chain("a.example"))})
    assert found(estate) == ()


def test_only_what_was_asked_for_is_asked(estate):
    estate.look("2026-01-01", {f"10.0.0.{n}": {"tcp/443": "open"} for n in (1, 2, 3)}, ports=PORTS)
    assert [one.address for one in found(estate, "10.0.0.2")] == ["10.0.0.2"]


def test_a_declared_asset_is_asked_at_its_admitted_addresses_by_its_name(estate):
    estate.declare(SCOPE + WEB.replace("10.0.0.2", "192.0.2.9") + endpoint("web.example"))
    assert found(estate) == (Endpoint("web.example", "10.0.0.1", 443, "web.example"),)


def test_an_assets_endpoints_stay_in_one_shard():
    many = [Endpoint(f"h{host}", f"10.0.0.{host}", port) for host in range(5) for port in (443, 8443, 9443)]
    parts = list(plan_parts(many, 7))
    assert [one for part in parts for one in part] == many
    assert [len(part) for part in parts] == [6, 6, 3]
    assert [len(part) for part in plan_parts(many[:3], 2)] == [3]
    assert list(plan_parts([], 7)) == []


def test_a_round_is_opened_with_what_it_asks(estate):
    estate.declare(SCOPE + endpoint("10.0.0.1") + endpoint("10.0.0.2", port=25, starttls="smtp"))
    shards, run = opened(estate, profile="watch")
    assert [(one.port, one.starttls) for one in shards[0].endpoints] == [(443, None), (25, "smtp")]
    assert {shard.profile for shard in shards} == {"watch"}
    assert (run.scan, run.choice) == ("tls", "watch: 2 endpoints")
    assert "guide 2009r" in run.engine


def test_a_round_of_certificates_asks_for_one_handshake(estate):
    estate.declare(SCOPE + endpoint("10.0.0.1"))
    with tls_round_of(estate.here, Certificates(), "certificate", None) as round_:
        (shard,) = shards_of(estate.database, round_.seq)
        assert TlsShard.from_json(shard.plan).profile == "certificate"
        assert round_.run.scan == "certificates"


def test_a_scope_that_nobody_swept_could_not_be_looked_at(estate):
    with pytest.raises(CouldNotLook, match=r"roundsman scan ports.*\[\[endpoints\]\]"):
        opened(estate)


def test_a_scope_that_was_swept_and_has_no_endpoints_leaves_nothing_to_ask(estate):
    estate.look("2026-01-01", {"10.0.0.1": {"tcp/9100": "open"}}, ports=PORTS)
    with pytest.raises(NothingToAsk, match=r"no open port in scope 'house' is known to speak TLS"):
        opened(estate)
    with pytest.raises(NothingToAsk, match=r"no open port at 10\.0\.0\.2"):
        opened(estate, only=("10.0.0.2",))
    assert estate.here.manifest.scope_named().name == "house"


def test_nothing_outside_the_scope_is_even_planned(estate):
    estate.declare(SCOPE + endpoint("10.0.0.1"))
    with pytest.raises(OutOfScope, match=r"192\.0\.2\.1 is"):
        opened(estate, only=("192.0.2.1",))
    with pytest.raises(ScopeMissing):
        opened(estate, scope="garden")


def test_every_address_is_admitted_once_more_before_it_is_asked(estate, tmp_path):
    shard = TlsShard((Endpoint("10.0.0.1", "10.0.0.1", 443), Endpoint("10.0.0.5", "10.0.0.5", 443)), "full")
    asker = TlsAsker(estate.manifest.scope_named(), Event())
    with pytest.raises(OutOfScope, match=r"10\.0\.0\.5 is excluded"):
        list(asker.ask(shard, tmp_path, lambda share: None))
    assert list(tmp_path.glob("tls-*")) == []


def test_own_roots_are_kept_with_the_plan_and_nothing_else_of_the_file(estate, tmp_path):
    root = pem(authority().root.certificate)
    (tmp_path / "roots.pem").write_text(
        f"our own root\n{root}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    )
    estate.declare(SCOPE + f'\n[tls]\nroots = "{tmp_path}/roots.pem"\n')
    assert own_roots(estate.here).split() == root.split()


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), ("nothing", "roots.pem: neither PEM nor DER")])
def test_roots_that_cannot_be_read_stop_the_round(estate, tmp_path: Path, content, words):
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_text(content)
    estate.declare(SCOPE + endpoint("10.0.0.1") + f'\n[tls]\nroots = "{path}"\n')
    with pytest.raises(BadInput, match=words):
        opened(estate)


def test_endpoints_are_asked_through_the_proxy_that_is_declared(estate):
    def proxy():
        with tls_round_of(estate.here, Grading(), "full", None) as round_:
            assert isinstance(round_.asker, TlsAsker)
            (plan,) = (TlsShard.from_json(shard.plan) for shard in shards_of(estate.database, round_.seq))
            return round_.asker.question(plan.endpoints[0], plan).http_proxy

    estate.declare(SCOPE + endpoint("10.0.0.1"))
    assert proxy() is None
    estate.declare(SCOPE + endpoint("10.0.0.1") + '\n[tls]\nproxy = "http://proxy.example.org:3128"\n')
    assert proxy() == "http://proxy.example.org:3128"
    for wrong in ("socks5://proxy:1080", "http://u:p@proxy", "http://proxy/path", "proxy:3128"):
        with pytest.raises(BadInput, match="proxy"):
            estate.declare(SCOPE + f'\n[tls]\nproxy = "{wrong}"\n')


def test_only_hosts_that_are_named_may_be_asked_for_revocations(estate):
    def hosts():
        with tls_round_of(estate.here, Grading(), "full", None) as round_:
            assert isinstance(round_.asker, TlsAsker)
            (plan,) = (TlsShard.from_json(shard.plan) for shard in shards_of(estate.database, round_.seq))
            return round_.asker.question(plan.endpoints[0], plan).revocation_hosts

    estate.declare(SCOPE + endpoint("10.0.0.1"))
    assert hosts() == ()
    estate.declare(SCOPE + endpoint("10.0.0.1") + '\n[tls]\nrevocation_hosts = ["OCSP.example.org", "10.0.0.9"]\n')
    assert hosts() == ("ocsp.example.org", "10.0.0.9")
