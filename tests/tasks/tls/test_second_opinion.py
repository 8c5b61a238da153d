"""Which names of a round SSL Labs is asked about, and what becomes of its answers."""

import json
from datetime import UTC, datetime

import pytest

from blocks.grading import Grading
from estate.errors import BadInput
from estate.evidence import Evidence
from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.runs import end_shard, evidence_of, shards_of
from estate.tls.shard import Endpoint, TlsShard
from infra.lab.small_estate import SmallEstate
from infra.lab.ssllabs import EMAIL, fake_ssllabs
from infra.lab.tls_rounds import chain, roots, shown, spoken
from tasks import rounds, wanted
from tasks.tls import rounds as tls_rounds
from tasks.tls import ssllabs
from tasks.tls.rounds import tls_round_of
from tasks.tls.second_opinion import ask_ssllabs, may_not_ask, names_to_ask

NAME, ADDRESS = "www.roundsman.dev", "198.41.0.4"
SCOPE = f"""
[[scopes]]
name = "house"
authorised_by = "Ada"
networks = ["198.41.0.0/29", "10.0.0.0/29"]
names = ["{NAME}", "db.roundsman.dev", "out.roundsman.dev", "router.lan"]
"""
RESOLVED = {
    NAME: (ADDRESS,),
    "db.roundsman.dev": (ADDRESS, "10.0.0.1"),
    "out.roundsman.dev": ("198.41.0.200",),
    "router.lan": (ADDRESS,),
    "other.roundsman.dev": (ADDRESS,),
}


def resolver(name):
    return RESOLVED.get(name, ())


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    found = open_database(f"sqlite:///{tmp_path_factory.mktemp('second')}/estate.db")
    yield found
    found.engine.dispose()


@pytest.fixture
def server():
    with fake_ssllabs() as fake:
        fake.grades[NAME] = {ADDRESS: "B"}
        yield fake


@pytest.fixture
def estate(database, tmp_path, monkeypatch):
    here = SmallEstate(database, EvidenceFolder(tmp_path / "evidence"), tmp_path)
    here.empty()
    for name in ("_BEGINNING", "_GOING_ON"):
        monkeypatch.setattr(ssllabs, name, 0.01)
    # Nobody's real name server is asked, whatever it would know of these names.
    monkeypatch.setattr(wanted, "resolve", resolver)
    monkeypatch.setattr(tls_rounds, "names_to_ask", lambda scope, found: names_to_ask(scope, found, resolver))
    return here


def declare(estate, server, *endpoints, enabled=True):
    (estate.path / "roots.pem").write_text(roots())
    tables = "".join(
        f'\n[[endpoints]]\nhost = "{NAME if name.startswith("other") else name}"\nname = "{name}"\nport = {port}\n'
        for name, port in endpoints
    )
    switched = f'\n[ssllabs]\nenabled = {json.dumps(enabled)}\nemail = "{EMAIL}"\nurl = "{server.url}"\n'
    estate.declare(f'{SCOPE}{tables}{switched}\n[tls]\nroots = "{estate.path}/roots.pem"\n')


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other.roundsman.dev", "does not list the name"),
        ("db.roundsman.dev", "10.0.0.1, which is not public"),
        ("out.roundsman.dev", "198.41.0.200"),
        ("router.lan", "name of the house"),
    ],
)
def test_a_name_is_kept_back_for_a_reason(estate, server, name, words):
    declare(estate, server)
    assert words in may_not_ask(estate.manifest.scope_named(), name, resolver)


def test_only_https_itself_at_its_own_port_is_asked_about(estate, server):
    declare(estate, server)
    endpoints = [Endpoint(ADDRESS, ADDRESS, 8443, NAME), Endpoint(ADDRESS, ADDRESS, 443, None)]
    endpoints.append(Endpoint(ADDRESS, ADDRESS, 443, "router.lan", "smtp"))
    scope = estate.manifest.scope_named()
    assert names_to_ask(scope, endpoints, resolver) == {}
    assert names_to_ask(scope, [*endpoints, Endpoint(ADDRESS, ADDRESS, 443, NAME)], resolver) == {NAME: ""}


def planned(estate, profile="full"):
    with tls_round_of(estate.here, Grading(profile=profile), profile, None) as round_:
        plans = [TlsShard.from_json(shard.plan).second for shard in shards_of(estate.database, round_.seq)]
        warnings = json.loads(round_.run.warnings)
        return plans, [each for each in warnings if each.startswith("SSL Labs")]


def test_it_is_off_unless_somebody_switched_it_on(estate, server):
    declare(estate, server, (NAME, 443), enabled=False)
    assert planned(estate) == ([()], [])


def test_frequent_rounds_do_not_ask_and_full_ones_do(estate, server):
    declare(estate, server, (NAME, 443))
    assert planned(estate, "watch") == ([()], [])
    assert planned(estate) == ([(NAME,)], [])


def test_what_is_kept_back_is_said(estate, server):
    declare(estate, server, (NAME, 443), ("router.lan", 443), ("other.roundsman.dev", 443))
    plans, warnings = planned(estate)
    assert plans == [(NAME,)]
    assert warnings == ["SSL Labs is not asked: scope 'house' does not list the name other.roundsman.dev, and 1 more"]


def made(estate, lookup=resolver):
    """A whole round, but for our own look, which is made up: nothing is sent to the address."""
    asked = Grading(profile="full")
    with tls_round_of(estate.here, asked, "full", None) as round_:
        endpoint = Endpoint(NAME, ADDRESS, 443, NAME)
        document = spoken(endpoint, datetime.now(UTC), shown(chain(NAME)))
        path = estate.path / f"own-{round_.run.id}.json"
        path.write_text(json.dumps(document))
        rounds.store(round_, 0, 0, Evidence("tls", path))
        end_shard(estate.database, round_.seq, 0)
        count = ask_ssllabs(round_, lookup)
        again = ask_ssllabs(round_, lookup)
        media = [row.media for rows in evidence_of(estate.database, round_.seq).values() for row in rows]
        return rounds.settle(round_), (count, again), sorted(media)


def test_another_grade_than_ours_is_a_finding_and_stands_beside_it(estate, server):
    declare(estate, server, (NAME, 443))
    run, counts, media = made(estate)
    assert run.state == "complete", run.message
    assert counts == (1, 0)
    assert media == ["ssllabs", "tls"]
    assert server.asked == (NAME,)
    (grade,) = (one for one in estate.changes(run) if one["key"].endswith("/grade"))
    assert (grade["after"]["grade"], grade["after"]["ssllabs"]) == ("A+", "B")
    (found,) = (one for one in estate.findings() if one["rule"] == "ssllabs-differs")
    assert found["evidence"] == "ours is A+, SSL Labs' is B"

    server.grades[NAME] = {ADDRESS: "A+"}
    later, *_ = made(estate)
    told = {(one["kind"], one["key"].rpartition("/")[2]): one["reason"] for one in estate.changes(later)}
    assert set(told) == {("changed", "grade"), ("gone", "ssllabs-differs")}
    assert told["changed", "grade"] == "grade is still A+: SSL Labs' went from B to A+"


def test_an_answer_that_does_not_come_closes_nothing(estate, server):
    declare(estate, server, (NAME, 443))
    made(estate)
    server.failing = [441] * 9
    made(estate)
    (found,) = (one for one in estate.findings() if one["rule"] == "ssllabs-differs")
    assert found["detection"] == "unobserved"


def test_a_name_that_moved_inside_since_the_plan_is_not_sent(estate, server):
    declare(estate, server, (NAME, 443))
    run, counts, media = made(estate, lambda _name: ("10.0.0.1",))
    assert (counts, media) == ((1, 0), ["ssllabs", "tls"])
    assert server.heard == []
    assert "SSL Labs: not sent" in json.dumps(estate.reasons(run))


def test_switched_on_without_anybody_registered_nothing_begins(estate, server, monkeypatch):
    declare(estate, server, (NAME, 443))
    estate.manifest = estate.manifest.model_copy(
        update={"ssllabs": estate.manifest.ssllabs.model_copy(update={"email": None})}
    )

    def refuse(_settings):
        raise BadInput("nobody is registered")

    monkeypatch.setattr("blocks.ssllabs.registered_email", refuse)
    with pytest.raises(BadInput, match="nobody is registered"):
        planned(estate)
