"""Which tool is asked what: told by the questions that reach the tools, which are played here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from estate.assets import host
from estate.coverage import Keys
from estate.diff import Cause, Certainty, Change, Fact, Kind
from estate.errors import CouldNotLook, OutOfScope, ScopeNotValid, ToolFailed, ToolTimedOut
from estate.evidence import Evidence
from estate.ports.engine import Choice
from estate.ports.shard import PortShard
from estate.store.runs import Profile
from estate.store.surroundings import Surroundings
from estate.targets import Targets
from tasks import asking
from tasks.asking import Asker, check_ended, choose
from tasks.ports import NmapQuestion, Route, ZmapQuestion
from tasks.rights import Rights

WEB = Keys.parse("tcp/22,80,443,8080")
HOSTS = ("10.77.0.2", "10.77.0.3", "10.77.0.4")


@dataclass
class Tools:
    """What the tools were asked, and what they answer: a report of three hosts with four open ports each."""

    report: Path
    swept: tuple[Evidence, ...] = ()
    ended: str = ""
    asked: list[NmapQuestion] = field(default_factory=list)
    sweeps: list[ZmapQuestion] = field(default_factory=list)

    def nmap(self, question: NmapQuestion, _folder: Path, **_: object) -> Evidence:
        self.asked.append(question)
        return Evidence("nmap", self.report, ended=self.ended)

    def zmap(self, question: ZmapQuestion, _folder: Path, **_: object) -> tuple[Evidence, ...]:
        self.sweeps.append(question)
        return self.swept


@pytest.fixture
def tools(evidence: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    played = Tools(evidence / "nmap" / "all_up.xml")
    monkeypatch.setattr(asking, "ask_nmap", played.nmap)
    monkeypatch.setattr(asking, "ask_zmap", played.zmap)
    monkeypatch.setattr(asking, "route_to", lambda *_: Route("lab0", "10.76.0.2", "02:00:00:76:00:01"))
    return played


def asker(here: Surroundings, engine: str = "nmap-syn", lanes: int = 1, **profile: bool) -> Asker:
    scope = here.manifest.scope_named(None)
    return Asker(
        here,
        scope,
        Profile(scope.ports, profile.get("versions", scope.versions), canaries=(("10.77.0.4", "tcp/22", "open"),)),
        Choice(engine, "for the test"),  # type: ignore[arg-type]  # one of the three
        lanes,
        Event(),
    )


def ask(one: Asker, shard: PortShard, folder: Path) -> list[Evidence]:
    return list(one.ask(shard, folder, lambda _: None))


def shard(*targets: str, keys: Keys = WEB, **bindings: tuple[str, ...]) -> PortShard:
    return PortShard(Targets.parse(targets), keys, {name.replace("_", "."): found for name, found in bindings.items()})


def test_a_shard_is_one_question_at_the_scopes_pace(place, tools: Tools, tmp_path: Path) -> None:
    ask(asker(place()), shard(*HOSTS), tmp_path)
    (asked,) = tools.asked
    assert (asked.addresses, asked.keys, asked.technique, asked.pace) == (HOSTS, WEB, "syn", 5000)
    assert (asked.versions, asked.thorough) == (False, False)
    assert asked.deadline > 600


def test_shards_that_are_asked_side_by_side_share_the_pace(place, tools: Tools, tmp_path: Path) -> None:
    one = asker(place(), lanes=4)
    ask(one, shard(*HOSTS), tmp_path)
    list(one.ask_canaries(tmp_path))
    assert [question.pace for question in tools.asked] == [1250, 5000]


def test_ipv6_and_fragile_hosts_are_asked_apart(place, tools: Tools, tmp_path: Path) -> None:
    here = place('fragile = ["10.77.0.3"]', (*HOSTS, "fd77::6"), versions=True)
    ask(asker(here), shard(*HOSTS, "fd77::6"), tmp_path)
    scanned = [(question.addresses, question.fragile) for question in tools.asked if not question.versions]
    assert scanned == [(("10.77.0.2", "10.77.0.4"), False), (("10.77.0.3",), True), (("fd77::6",), False)]
    # The report that is played here speaks of all three hosts, whoever was asked.
    identified = [question.addresses for question in tools.asked if question.versions]
    assert identified == [("10.77.0.2", "10.77.0.4")]


def test_only_what_answered_is_asked_for_its_version(place, tools: Tools, tmp_path: Path) -> None:
    ask(asker(place(versions=True)), shard(*HOSTS, keys=Keys.parse("tcp/1-1024,8080")), tmp_path)
    scan, identify = tools.asked
    assert (scan.versions, identify.versions) == (False, True)
    assert (identify.addresses, identify.keys) == (HOSTS, WEB)
    assert identify.host_timeout is not None


def test_versions_are_not_asked_where_the_profile_says_no(place, tools: Tools, tmp_path: Path) -> None:
    ask(asker(place(versions=True), versions=False), shard(*HOSTS), tmp_path)
    assert [question.versions for question in tools.asked] == [False]


def test_a_tarpit_is_not_asked_for_thousands_of_versions(place, tools: Tools, evidence: Path, tmp_path: Path) -> None:
    tools.report = evidence / "nmap" / "tarpit.xml"
    ask(asker(place(versions=True)), shard(*HOSTS, keys=Keys.parse("tcp/1-1024,8080")), tmp_path)
    assert [question.versions for question in tools.asked] == [False]


def test_a_tool_that_did_not_finish_leaves_the_shard_unasked_after_what_it_brought(
    place, tools: Tools, tmp_path: Path
) -> None:
    for ended, error in (("deadline", ToolTimedOut), ("cancelled", ToolFailed), ("signal 9", ToolFailed)):
        tools.ended = ended
        brought: list[Evidence] = []
        with pytest.raises(error, match="nmap"):
            brought.extend(asker(place()).ask(shard(*HOSTS), tmp_path, lambda _: None))
        assert len(tools.asked) == 1
        tools.asked.clear()
    check_ended(Evidence("nmap", tools.report))


def test_connect_scans_leave_udp_out(place, tools: Tools, tmp_path: Path) -> None:
    ask(asker(place(), "nmap-connect"), shard(*HOSTS, keys=Keys.parse("tcp/22 udp/53")), tmp_path)
    assert [(question.technique, str(question.keys)) for question in tools.asked] == [("connect", "tcp/22")]
    tools.asked.clear()
    ask(asker(place()), shard(*HOSTS, keys=Keys.parse("tcp/22 udp/53")), tmp_path)
    assert [str(question.keys) for question in tools.asked] == ["tcp/22", "udp/53"]


def test_an_address_of_two_assets_is_asked_once(place, tools: Tools, tmp_path: Path) -> None:
    ask(asker(place()), shard(a_lab=("10.77.0.2", "10.77.0.3"), b_lab=("10.77.0.3",)), tmp_path)
    assert [question.addresses for question in tools.asked] == [("10.77.0.2", "10.77.0.3")]


@pytest.mark.parametrize("beyond", [shard("10.77.0.2", "10.77.0.77"), shard(far_lab=("10.77.0.77",))])
def test_nothing_is_sent_where_the_scope_does_not_admit_all_of_it(
    place, tools: Tools, tmp_path: Path, beyond: PortShard
) -> None:
    with pytest.raises(OutOfScope):
        ask(asker(place()), beyond, tmp_path)
    assert tools.asked == []


def test_a_scope_that_ends_soon_ends_the_tool_and_one_that_ended_starts_none(
    place, tools: Tools, tmp_path: Path
) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=60)).isoformat(timespec="seconds")
    ask(asker(place(f'valid_until = "{soon}"')), shard(*HOSTS), tmp_path)
    assert 0 < tools.asked[0].deadline <= 60
    past = (datetime.now(UTC) - timedelta(seconds=60)).isoformat(timespec="seconds")
    with pytest.raises(ScopeNotValid):
        ask(asker(place(f'valid_until = "{past}"')), shard(*HOSTS), tmp_path)
    assert len(tools.asked) == 1


def change(kind: Kind, key: str = "tcp/22", address: str = "10.77.0.3") -> Change:
    before = Fact(present=True)
    return Change(kind, Cause.ESTATE, Certainty.SUSPECTED, host(address), "ports", key, before, before, "no-response")


def test_a_second_look_is_patient_and_asks_only_what_is_in_doubt(place, tools: Tools, tmp_path: Path) -> None:
    doubts = [change(Kind.SUSPECTED_GONE), change(Kind.FIRST_OBSERVED, "tcp/80")]
    ((number, _, keys),) = asker(place(versions=True), lanes=4).ask_again(doubts, [(0, shard(*HOSTS))], tmp_path)
    (asked,) = tools.asked
    assert (number, keys) == (0, 1)
    assert (asked.addresses, str(asked.keys), asked.thorough, asked.versions, asked.pace) == (
        ("10.77.0.3",),
        "tcp/22",
        True,
        False,
        5000,
    )


def test_a_second_look_asks_versions_where_one_seems_new(place, tools: Tools, tmp_path: Path) -> None:
    list(asker(place(versions=True)).ask_again([change(Kind.CHANGED)], [(0, shard(*HOSTS))], tmp_path))
    assert [question.versions for question in tools.asked] == [False, True]


def test_canaries_are_asked_apart_and_without_versions(place, tools: Tools, tmp_path: Path) -> None:
    list(asker(place(versions=True)).ask_canaries(tmp_path))
    assert [(question.addresses, str(question.keys), question.versions) for question in tools.asked] == [
        (("10.77.0.4",), "tcp/22", False)
    ]


WIDE = ("10.77.16.0/20",)


def test_a_sweep_is_asked_once_and_nmap_only_what_answered(place, tools: Tools, evidence: Path, tmp_path: Path) -> None:
    zmap = evidence / "zmap"
    tools.swept = (Evidence("zmap", zmap / "port_80_whole.csv", zmap / "port_80_whole.json"),)
    here = place(networks=("10.77.0.0/20",))
    keys = Keys.parse("tcp/80 udp/53")
    ask(asker(here, "zmap+nmap"), shard("10.77.0.0-10.77.15.254", keys=keys), tmp_path)
    (sweep,) = tools.sweeps
    assert (sweep.ports, sweep.pace, sweep.addresses) == ((80,), 5000, 4095)
    identify, udp = tools.asked
    assert (identify.addresses, str(identify.keys)) == (HOSTS, "tcp/80")
    assert (len(udp.addresses), str(udp.keys)) == (4095, "udp/53")


def test_declared_assets_and_ipv6_are_asked_by_nmap_also_where_the_rest_is_swept(
    place, tools: Tools, tmp_path: Path
) -> None:
    here = place(networks=("10.77.0.2", "fd77::6"))
    for each in (shard(a_lab=("10.77.0.2",)), shard("fd77::6")):
        ask(asker(here, "zmap+nmap"), each, tmp_path)
    assert tools.sweeps == []
    assert [question.addresses for question in tools.asked] == [("10.77.0.2",), ("fd77::6",)]


def test_a_sweep_that_was_ended_asks_nothing_more(place, tools: Tools, evidence: Path, tmp_path: Path) -> None:
    zmap = evidence / "zmap"
    tools.swept = (Evidence("zmap", zmap / "killed.csv", zmap / "killed.json", "cancelled"),)
    with pytest.raises(ToolFailed):
        ask(asker(place(networks=WIDE), "zmap+nmap"), shard("10.77.16.0-10.77.31.254"), tmp_path)
    assert tools.asked == []


def test_a_network_whose_gateway_vanished_is_not_swept(place, tools: Tools, tmp_path: Path, monkeypatch) -> None:
    def nowhere(*_: str) -> Route:
        raise CouldNotLook("there is no route")

    monkeypatch.setattr(asking, "route_to", nowhere)
    with pytest.raises(CouldNotLook, match="no longer one gateway"):
        ask(asker(place(networks=WIDE), "zmap+nmap"), shard("10.77.16.0-10.77.31.254"), tmp_path)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """This machine, as it pleases the test."""

    def is_one(*, raw: bool = True, zmap: bool = True, routed: bool = True) -> None:
        def route(*words: str) -> Route:
            if not routed:
                raise CouldNotLook("on our own wire")
            return Route("lab0", "10.76.0.2", "02:00:00:76:00:01")

        monkeypatch.setattr(asking, "nmap_rights", lambda: Rights(raw, "for the test"))
        monkeypatch.setattr(asking, "zmap_engine", lambda: ("zmap", "2.1.1") if zmap else None)
        monkeypatch.setattr(asking, "route_to", route)

    return is_one


@pytest.mark.parametrize(
    ("words", "rights", "engine"),
    [
        (WIDE, {}, "zmap+nmap"),
        ((*WIDE, "fd77::/112", "web.lab"), {}, "zmap+nmap"),
        (WIDE, {"raw": False}, "nmap-connect"),
        (WIDE, {"zmap": False}, "nmap-syn"),
        (WIDE, {"routed": False}, "nmap-syn"),
        (("10.77.16.0/24",), {}, "nmap-syn"),
        (("fd77::/112",), {}, "nmap-syn"),
    ],
)
def test_the_engine_fits_size_rights_and_network(machine, words: tuple[str, ...], rights, engine: str) -> None:
    machine(**rights)
    assert choose(Targets.parse(words), WEB).engine == engine
