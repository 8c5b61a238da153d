"""The four sentences of a sweep, without Prefect: with real tools in a lab, and with tools that fail on purpose."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blocks.sweep import Sweep
from estate.errors import EvidenceNotStored, ScopeNotValid, ToolFailed, ToolTimedOut
from estate.evidence import Evidence
from estate.store.documents import run_object
from estate.store.reading import list_changes
from estate.store.runs import SET_ASIDE, evidence_of, run_named, shards_of
from estate.store.surroundings import Surroundings
from infra.lab.network import OnLinkLab
from tasks import progress, rounds
from tasks.asking import Asker
from tasks.making import Interrupted
from tasks.rounds import Round, round_of

CANARY = 'canaries = [{ address = "10.77.0.4", port = "tcp/22", expect = "open" }]'
Asked = Iterator[Evidence]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Replace what asks a shard; the list grows with each time that it is asked."""

    def replace(*outcomes: Callable[[Path], Asked]) -> list[int]:
        times: list[int] = []

        def ask(_asker: Asker, _shard: object, folder: Path, _report: object) -> Asked:
            times.append(len(times))
            return outcomes[min(len(times), len(outcomes)) - 1](folder)

        monkeypatch.setattr(Asker, "ask", ask)
        return times

    return replace


def report(evidence: Path, ended: str = "") -> Callable[[Path], Asked]:
    def answer(_folder: Path) -> Asked:
        yield Evidence("nmap", evidence, ended=ended)

    return answer


def failing(error: Exception, *before: Callable[[Path], Asked]) -> Callable[[Path], Asked]:
    def answer(folder: Path) -> Asked:
        for each in before:
            yield from each(folder)
        raise error

    return answer


def sweep(here: Surroundings, **fields: Any) -> dict[str, Any]:
    """One whole sweep; the run as it is printed, with its changes."""
    with round_of(here, Sweep(**fields), None) as round_:
        rounds.ask_canaries(round_)
        for number in round_.shards:
            rounds.ask_shard(round_, number)
        rounds.ask_canaries(round_)
        rounds.look_again(round_)
        run = rounds.settle(round_)
    changes = {(each["kind"], each["asset"], each["key"]) for each in list_changes(here.database, run=run)}
    return {**run_object(run), "changes": changes}


def test_a_round_is_found_by_its_run_and_forgotten_with_it(place) -> None:
    with round_of(place(), Sweep(), None) as round_:
        assert rounds.opened(round_.run.id) is round_
        assert rounds.opened_yet()[-1] == round_.run.id
        assert dict(progress.running()) == {round_.run.id: 0.0}
        assert run_named(round_.here.database, "latest").choice.startswith("nmap-")
    with pytest.raises(Interrupted):
        rounds.opened(round_.run.id)
    assert dict(progress.running()) == {}
    assert round_.making.stop.is_set()


def test_the_same_flow_run_opens_the_same_run(place) -> None:
    here = place()
    with round_of(here, Sweep(), "a flow run") as first:
        pass
    with round_of(here, Sweep(), "a flow run") as second:
        assert second.run.id == first.run.id


def test_a_shard_is_asked_once_and_its_evidence_is_stored(place, answers, evidence: Path) -> None:
    times = answers(report(evidence / "nmap" / "all_up.xml"))
    with round_of(place(), Sweep(), None) as round_:
        for _ in range(2):
            rounds.ask_shard(round_, 0)
        assert (len(times), round_.shards, progress.share(round_.run.id)) == (1, [], 1.0)
        ((row,),) = evidence_of(round_.here.database, round_.seq).values()
        with round_.here.evidence.open(row.sha256) as stored:
            assert stored.read() == (evidence / "nmap" / "all_up.xml").read_bytes()


@pytest.mark.parametrize("error", [ToolFailed("broken"), ToolTimedOut("slow"), EvidenceNotStored("disk full")])
def test_what_a_tool_found_before_it_failed_counts_and_the_shard_is_asked_again(
    place, answers, evidence: Path, error: Exception
) -> None:
    whole, cut = (report(evidence / "nmap" / f"{name}.xml") for name in ("all_up", "killed_sigkill"))
    times = answers(failing(error, cut), whole)
    with round_of(place(), Sweep(), None) as round_:
        with pytest.raises(type(error)):
            rounds.ask_shard(round_, 0)
        (shard,) = shards_of(round_.here.database, round_.seq)
        assert (shard.state, shard.error, shard.holder) == ("planned", str(error), "")
        rounds.ask_shard(round_, 0)
        run = rounds.settle(round_)
    assert len(times) == 2
    found = evidence_of(round_.here.database, round_.seq)
    assert {number: len(rows) for number, rows in found.items()} == {0: 1, SET_ASIDE: 1}
    assert (run.state, run.message, run.positive) == ("complete", "", 12)


def test_what_an_attempt_that_did_not_end_saw_counts_until_a_later_one_does(place, answers, evidence: Path) -> None:
    before, after = (report(evidence / "nmap" / f"{name}.xml") for name in ("all_up", "port_closed"))
    answers(failing(ToolFailed("killed"), before), failing(ToolFailed("killed"), after), after)
    here = place()
    with round_of(here, Sweep(), "first") as dead:
        for _ in range(2):
            with pytest.raises(ToolFailed):
                rounds.ask_shard(dead, 0)
        assert len(evidence_of(here.database, dead.seq)[0]) == 2
    with round_of(here, Sweep(), "second") as living:
        rounds.ask_shard(living, 0)
        run = rounds.settle(living)
    closed = {each["key"] for each in list_changes(here.database, run=run) if each["asset"] == "host:10.77.0.3"}
    assert "tcp/8080" not in closed
    assert (run.state, run.positive) == ("complete", 11)
    ((aside,), (counts,)) = (evidence_of(here.database, run.seq or 0)[number] for number in (SET_ASIDE, 0))
    assert aside.sha256 != counts.sha256
    assert here.evidence.open(aside.sha256).read() == (evidence / "nmap" / "all_up.xml").read_bytes()


def test_what_kept_a_shard_from_being_asked_is_the_runs_message(place, answers) -> None:
    answers(failing(ScopeNotValid("scope 'lab' is outside its windows")))
    with round_of(place(), Sweep(), None) as round_:
        with pytest.raises(ScopeNotValid):
            rounds.ask_shard(round_, 0)
        run = rounds.settle(round_)
    assert run.state == "failed"
    assert run.message.endswith("12 no-evidence; scope 'lab' is outside its windows")


def test_a_fault_of_ours_is_told_with_its_kind(place, answers) -> None:
    answers(failing(ZeroDivisionError("division by zero")))
    with round_of(place(), Sweep(), None) as round_:
        with pytest.raises(ZeroDivisionError):
            rounds.ask_shard(round_, 0)
        assert shards_of(round_.here.database, round_.seq)[0].error == "ZeroDivisionError: division by zero"


def test_a_run_that_is_ended_asks_looks_and_settles_nothing_more(place, answers) -> None:
    answers(failing(ToolFailed("nmap did not finish (cancelled)")))
    with round_of(place(), Sweep(), None) as round_:
        round_.making.stop.set()
        steps: tuple[Callable[[Round], object], ...] = (
            lambda each: rounds.ask_shard(each, 0),
            rounds.look_again,
            rounds.settle,
        )
        for step in steps:
            with pytest.raises(Interrupted):
                step(round_)
    assert run_named(round_.here.database, round_.run.id).state == "asking"


def test_a_tool_that_was_ended_with_the_run_is_no_failure_of_its_own(place, answers, evidence: Path) -> None:
    with round_of(place(), Sweep(), None) as round_:

        def answer(folder: Path) -> Asked:
            round_.making.stop.set()
            yield from report(evidence / "nmap" / "killed_sigint.xml", "cancelled")(folder)
            raise ToolFailed("nmap did not finish (cancelled)")

        answers(answer)
        with pytest.raises(Interrupted):
            rounds.ask_shard(round_, 0)
    (shard,) = shards_of(round_.here.database, round_.seq)
    assert shard.state == "planned"


def test_the_next_round_goes_on_where_a_dead_one_stopped_and_says_so(place, answers, evidence: Path) -> None:
    here = place('\n[[assets]]\nname = "web.lab"\naddresses = ["10.77.0.2"]\n')
    times = answers(report(evidence / "nmap" / "all_up.xml"))
    with round_of(here, Sweep(), "first") as dead:
        rounds.ask_shard(dead, 0)
    with round_of(here, Sweep(), "second") as living:
        assert living.run.id == dead.run.id
        assert (living.shards, progress.share(living.run.id)) == ([1], 0.5)
        rounds.ask_shard(living, 1)
        run = rounds.settle(living)
    assert len(times) == 2
    assert "1 of its 2 shards were asked then" in json.loads(run.warnings)[0]
    assert run.flow_run_id == "second"


def test_whoever_lost_its_run_to_another_writes_nothing_more(place, answers) -> None:
    with round_of(place(), Sweep(), None) as round_:

        def answer(folder: Path) -> Asked:
            round_.making.lost = True
            round_.making.stop.set()
            return failing(ToolFailed("nmap did not finish (cancelled)"))(folder)

        answers(answer)
        with pytest.raises(Interrupted):
            rounds.ask_shard(round_, 0)
        assert shards_of(round_.here.database, round_.seq)[0].state == "leased"


def test_a_scanner_that_is_locked_out_by_its_own_scan_knows(place, onlink_lab: OnLinkLab, monkeypatch) -> None:
    here = place(CANARY)
    with onlink_lab.inside():
        assert sweep(here)["canary"] == "ok"
        asked = rounds.ask_shard

        def ask_and_be_banned(round_: Round, number: int) -> None:
            onlink_lab.ban_scanner()
            asked(round_, number)

        monkeypatch.setattr(rounds, "ask_shard", ask_and_be_banned)
        banned = sweep(here)
    assert banned["canary"].startswith("failed: tcp/22 on 10.77.0.4 should be open and was silent")
    assert {kind for kind, *_ in banned["changes"]} == {"lost_sight"}


def test_canaries_that_cannot_be_asked_are_no_reason_to_ask_nothing(place, monkeypatch, answers, evidence) -> None:
    monkeypatch.setattr(Asker, "ask_canaries", lambda *_: failing(ToolFailed("broken"))(Path()))
    answers(report(evidence / "nmap" / "all_up.xml"))
    found = sweep(place(CANARY))
    assert found["warnings"] == ["the canaries could not be asked: broken"]
    assert found["canary"].startswith("failed: tcp/22 on 10.77.0.4 should be open and was blind")
    assert {kind for kind, *_ in found["changes"]} == {"first_observed"}


def test_a_second_look_that_fails_leaves_the_first_ones_word(place, monkeypatch, answers, evidence: Path) -> None:
    here = place()
    answers(report(evidence / "nmap" / "all_up.xml"), report(evidence / "nmap" / "firewall_drop.xml"))
    sweep(here)
    monkeypatch.setattr(Asker, "ask_again", lambda *_: failing(ToolFailed("broken"))(Path()))
    found = sweep(here)
    assert found["warnings"] == ["the second look did not come to its end: broken"]
    assert {kind for kind, *_ in found["changes"]} == {"suspected_gone"}


def test_a_confirming_sweep_goes_on_looking_until_silence_is_enough(place, onlink_lab: OnLinkLab, monkeypatch) -> None:
    monkeypatch.setattr(rounds, "_BETWEEN_LOOKS_SECONDS", 0.01)
    here = place()
    with onlink_lab.inside():
        sweep(here)
        onlink_lab.firewall.drop("10.77.0.3", "22")
        found = sweep(here, only=("10.77.0.3",), ports="tcp/22", trigger="confirm")
    assert found["changes"] == {("gone", "host:10.77.0.3", "tcp/22")}


def test_what_was_suspected_before_is_confirmed_however_many_silences_it_takes(
    place, onlink_lab: OnLinkLab, monkeypatch
) -> None:
    monkeypatch.setattr(rounds, "_BETWEEN_LOOKS_SECONDS", 0.01)
    here = place("silences = 5")
    with onlink_lab.inside():
        sweep(here)
        onlink_lab.firewall.drop("10.77.0.3", "22,80")
        assert {kind for kind, *_ in sweep(here)["changes"]} == {"suspected_gone"}
        found = sweep(here, only=("10.77.0.3",), ports="tcp/22", trigger="confirm")
    assert found["changes"] == {("gone", "host:10.77.0.3", "tcp/22")}


def test_without_the_right_to_send_raw_packets_udp_is_not_asked_and_that_is_said(place, monkeypatch) -> None:
    from tasks.rights import Rights

    poor = Rights(False, "nmap lacks the right to send raw packets", "sudo setcap cap_net_raw+eip /usr/bin/nmap")
    monkeypatch.setattr(rounds, "nmap_rights", lambda: poor)
    monkeypatch.setattr("tasks.asking.nmap_rights", lambda: poor)
    with round_of(place(), Sweep(ports="tcp/22 udp/53"), None) as round_:
        assert round_.run.choice.startswith("nmap-connect")
        (warning,) = json.loads(round_.run.warnings)
    assert warning == f"UDP is not asked: {poor.why}; {poor.grant}"
