"""`settle`, `baseline` and `suppress`: what people decide, and what comes of it."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

MANY_HOSTS = 20
ESTATE = """\
# Ours, with comments that have to stay.
[[scopes]]
name = "office"  # the only one
authorised_by = "Ada"
networks = ["10.77.0.0/24"]

[[assets]]
name = "web-2"
addresses = ["10.77.0.2"]
tags = ["web"]

[[assets]]
name = "web-3"
addresses = ["10.77.0.3"]
tags = ["web"]
"""


def report(folder: Path, name: str, state: str, hosts: int = MANY_HOSTS) -> tuple[str, ...]:
    """The arguments that import a report in which so many hosts have four ports in that state."""
    text = ['<nmaprun scanner="nmap" version="7.93" start="1700000000">']
    text.append('<scaninfo type="syn" protocol="tcp" numservices="4" services="1-4"/>')
    reason = "syn-ack" if state == "open" else "reset"
    for number in range(hosts):
        text.append('<host><status state="up" reason="arp-response"/>')
        text.append(f'<address addr="10.0.0.{number + 1}" addrtype="ipv4"/><ports>')
        stated = f'<state state="{state}" reason="{reason}"/>'
        text += [f'<port protocol="tcp" portid="{port}">{stated}</port>' for port in range(1, 5)]
        text.append("</ports></host>")
    text.append('<runstats><finished exit="success"/></runstats></nmaprun>')
    (folder / name).write_text("\n".join(text))
    return ("import", "nmap", name, "--asked", f"10.0.0.1-{hosts}", "--json")


@pytest.fixture
def quarantined(roundsman: Any) -> Any:
    """The command, with a run that waits for an answer: it would close eighty ports at once."""
    assert roundsman(*report(roundsman.folder, "before.xml", "open"), "--at", "2026-01-01").code == 0
    told = roundsman(*report(roundsman.folder, "after.xml", "closed"), "--at", "2026-02-01")
    assert (told.code, told.said["state"]) == (3, "quarantined")
    return roundsman


def test_a_published_run_that_is_settled_again_says_the_same(known: Any) -> None:
    run = known("runs", "--json").said["runs"][0]
    told = known("settle", run["id"][:10], "--json")
    assert told.code == 0
    assert told.said["run"] == run["id"]
    assert len(told.changes) == 12
    assert "12 changes stand" in told.err
    assert known("runs", "--json").said["runs"] == [run]


def test_evidence_that_is_missing_or_altered_is_three_and_settles_nothing(known: Any) -> None:
    (blob,) = (known.home / "evidence").rglob("*.zst")
    kept = blob.read_bytes()
    blob.write_bytes(kept[:-20] + b"x" * 20)
    told = known("settle", "latest", "--json")
    assert (told.code, told.out) == (3, "")
    blob.unlink()
    told = known("settle", "latest")
    assert (told.code, told.out) == (3, "")
    assert "roundsman: evidence " in told.err
    blob.write_bytes(kept)
    assert known("settle", "latest").code == 0


def test_a_quarantined_run_says_how_to_answer(quarantined: Any) -> None:
    run = quarantined("runs", "--json").said["runs"][0]["id"][:12]
    told = quarantined("settle", "latest")
    assert told.code == 3
    assert "Nothing was settled." in told.out
    assert f"roundsman settle {run} --accept" in told.out
    assert quarantined("changes", "--run", run, "--json").said["changes"] == []
    assert "waits for an answer" in quarantined("doctor").out


def test_a_quarantine_that_is_accepted_is_published(quarantined: Any) -> None:
    told = quarantined("settle", "latest", "--accept", "--json")
    assert (told.code, told.said["state"]) == (0, "complete")
    assert len([kind for kind, _, _ in told.changes if kind == "gone"]) == 4 * MANY_HOSTS


def test_a_quarantine_that_is_discarded_changes_nothing_and_the_answer_was_taken(quarantined: Any) -> None:
    told = quarantined("settle", "latest", "--discard", "--json")
    assert (told.code, told.said["state"], told.changes) == (0, "cancelled", [])
    assert len(quarantined("findings", "--json").said["findings"]) == 4 * MANY_HOSTS
    assert "Answer with" not in told.said["message"]
    again = quarantined("settle", "latest")
    assert (again.code, again.out) == (2, "")


def test_one_answer_at_a_time_and_only_where_there_is_a_question(known: Any) -> None:
    assert known("settle", "latest", "--accept", "--discard").code == 2
    told = known("settle", "latest", "--discard")
    assert (told.code, told.out) == (2, "")
    assert "not quarantined" in told.err


def test_a_baseline_is_proposed_by_tag_then_by_network(roundsman: Any) -> None:
    roundsman.describes(ESTATE)
    roundsman.takes_in("all_up")
    told = roundsman("baseline", "--json")
    assert (told.code, told.err) == (0, "")
    assert (told.said["accepted"], told.said["accepted_by"]) == (False, None)
    rows = [(row["by"], row["value"], row["ports"]) for row in told.said["baseline"]]
    assert rows == [("tag", "web", "tcp/22,80,443,8080"), ("asset", "10.77.0.4", "tcp/22,80,443,8080")]
    assert (roundsman.folder / "estate.toml").read_text() == ESTATE, "a proposal writes nothing"
    assert "roundsman baseline --accept" in roundsman("baseline").err


def test_an_accepted_baseline_bears_a_name_and_keeps_what_people_wrote(roundsman: Any) -> None:
    roundsman.describes(ESTATE)
    roundsman.takes_in("all_up")
    told = roundsman("baseline", "--accept", "--by", "Grace Hopper", "--json")
    assert (told.code, told.said["accepted"], told.said["accepted_by"]) == (0, True, "Grace Hopper")
    text = (roundsman.folder / "estate.toml").read_text()
    assert text.startswith(ESTATE)
    assert text.count('accepted_by = "Grace Hopper"') == 2
    assert roundsman("baseline", "--json").said["baseline"] == []
    assert "expected already" in roundsman("baseline").out


def test_the_next_run_resolves_what_the_baseline_expects(roundsman: Any) -> None:
    roundsman.describes(ESTATE)
    roundsman.takes_in("all_up")
    roundsman("baseline", "--accept")
    told = roundsman.takes_in("all_up_again")
    assert (told.said["findings"], told.changes) == ([], [])
    everything = roundsman("findings", "--all", "--json").said["findings"]
    assert {(one["detection"], one["cause"]) for one in everything} == {("absent", "policy")}
    opened = roundsman.takes_in("port_opened").said["findings"]
    told = {(one["rule"], one["locator"]) for one in opened}
    assert told == {("unexpected-port", "tcp/993"), ("expected-port-closed", "tcp/8080")}
    assert all(one["clock_started"] for one in opened)


def test_a_baseline_without_an_estate_or_a_name_is_two(known: Any) -> None:
    told = known("baseline", "--accept")
    assert (told.code, told.out) == (2, "")
    assert "roundsman init" in told.err
    assert known("baseline", "--accept", "--by", " ").code == 2
    assert known("baseline", "--by", "Ada").code == 2


SUPPRESS = ("--reason", "behind the gateway", "--requested-by", "ada")


def finding(command: Any) -> str:
    """The fingerprint of the riskiest finding."""
    return str(command("findings", "--json").said["findings"][0]["fingerprint"])


def test_a_suppression_is_pending_until_another_person_approves(known: Any) -> None:
    fingerprint = finding(known)
    told = known("suppress", fingerprint, *SUPPRESS, "--until", "2999-03-31", "--json")
    assert told.code == 0
    assert told.said == {
        "selector": fingerprint,
        "state": "pending",
        "until": "2999-03-31T00:00:00Z",
        "findings": 1,
    }
    assert finding(known) == fingerprint
    approved = known("suppress", fingerprint, *SUPPRESS, "--until", "2999-03-31", "--approved-by", "grace")
    assert "Suppressed: 1 known finding" in approved.out
    assert finding(known) != fingerprint
    everything = known("findings", "--all", "--json").said["findings"]
    (one,) = (one for one in everything if one["suppressed"])
    assert one["fingerprint"] == fingerprint
    assert "grace" in one["suppression"]
    assert one["detection"] == "present", "what is accepted is still there"


def test_a_beginning_of_the_fingerprint_means_the_same_finding(known: Any) -> None:
    fingerprint = finding(known)
    known("suppress", fingerprint[:13], *SUPPRESS, "--until", "90d")
    known("suppress", fingerprint[:20], *SUPPRESS, "--until", "90d", "--approved-by", "grace")
    assert finding(known) != fingerprint


def test_one_person_cannot_do_both(known: Any) -> None:
    told = known("suppress", finding(known), *SUPPRESS, "--until", "90d", "--approved-by", "Ada")
    assert (told.code, told.out) == (2, "")
    assert "another person" in told.err


def test_a_suppressed_finding_fails_nothing(known: Any) -> None:
    selector = ("suppress", "rule=unexpected-port locator=tcp/22 asset=host:10.77.0.*", *SUPPRESS, "--until", "1d")
    known(*selector, "--approved-by", "grace")
    selector = ("suppress", "locator=tcp/8080", *SUPPRESS, "--until", "1d")
    known(*selector, "--approved-by", "grace")
    assert known("settle", "latest").err.splitlines()[-1].startswith("6 findings are open")
    assert known("findings", "--fail-on", "medium").code == 0
    assert known("findings", "--fail-on", "low").code == 1


def test_a_suppression_that_ended_comes_back(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = finding(known)
    known("suppress", fingerprint, *SUPPRESS, "--until", "1d", "--approved-by", "grace")
    assert finding(known) != fingerprint
    later = datetime.now(UTC) + timedelta(days=3)
    monkeypatch.setattr("deployments.command.reading.now", lambda: later)
    assert finding(known) == fingerprint


def test_a_selector_that_means_nothing_yet_is_said(known: Any) -> None:
    told = known("suppress", "locator=tcp/9999", *SUPPRESS, "--until", "1d", "--json")
    assert (told.code, told.said["findings"]) == (0, 0)
    assert "no finding that is known matches" in told.err


@pytest.mark.parametrize(
    ("selector", "until", "named"),
    [
        ("", "1d", "empty selector"),
        ("tcp/22", "1d", "tcp/22"),
        ("colour=red", "1d", "colour=red"),
        ("f1:12", "1d", "f1:12"),
        ("f1:00000000", "1d", "f1:00000000"),
        ("locator=tcp/22", "2020-01-01", "not in the future"),
        ("locator=tcp/22", "never", "--until"),
        ("locator=tcp/22", "", "--until"),
    ],
)
def test_a_suppression_that_makes_no_sense_is_two(known: Any, selector: str, until: str, named: str) -> None:
    told = known("suppress", selector, *SUPPRESS, "--until", until)
    assert (told.code, told.out) == (2, "")
    assert named in told.err


def test_a_suppression_has_a_reason_and_somebody_who_asks(known: Any) -> None:
    for reason, who in ((" ", "ada"), ("because", " ")):
        told = known("suppress", "locator=tcp/22", "--reason", reason, "--requested-by", who, "--until", "1d")
        assert (told.code, told.out) == (2, "")


def test_a_home_that_cannot_be_used_is_two(roundsman: Any) -> None:
    shutil.rmtree(roundsman.home)
    roundsman.home.write_text("a file")
    told = roundsman("settle", "latest")
    assert (told.code, told.out) == (2, "")
    assert str(roundsman.home) in told.err
