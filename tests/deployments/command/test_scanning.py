"""`scan` and `verify`: what may not be is refused before anything starts, and real rounds on loopback."""

import os
import pty
import re
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from blocks.grading import Certificates, Grading
from deployments.command import scanning
from deployments.command.leaving import SAID
from estate.errors import ToolFailed

OFFICE = '[[scopes]]\nname = "office"\nauthorised_by = "Ada"\nnetworks = ["10.77.0.0/24"]\nexclude = ["10.77.0.3"]\n'
LOOPBACK = """\
[[scopes]]
name = "loopback"
authorised_by = "Ada"
networks = ["127.0.0.77/32"]
ports = "tcp/{port}-{last}"
versions = false
pace = 20000
"""


@pytest.fixture
def no_flow(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Sweeps that would have been run."""
    wanted: list[Any] = []

    def would_run(sweep: Any) -> str:
        wanted.append(sweep)
        raise ToolFailed("no flow is run here")

    monkeypatch.setattr(scanning, "_run_flow", would_run)
    for name in ("DO_NOT_TRACK", "PREFECT_HOME", "PREFECT_LOGGING_LEVEL", "PREFECT_LOGGING_INTERNAL_LEVEL"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    for name in ("SERVER_LOGGING_LEVEL", "SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "SERVER_ANALYTICS_ENABLED"):
        monkeypatch.setenv(f"PREFECT_{name}", os.environ.get(f"PREFECT_{name}", ""))
    monkeypatch.setenv("PREFECT_CLI_PROMPT", "false")
    return wanted


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--only", "10.78.0.1"), 4, "10.78.0.1"),
        (("--only", "10.0.0.0/8"), 4, "10.0.0.0/8"),
        (("--only", "10.77.0.3"), 4, "excluded"),
        (("--only", "127.0.0.1"), 4, "127.0.0.1"),
        (("--only", "www.example.org"), 4, "www.example.org"),
        (("--scope", "offices"), 4, "did you mean 'office'"),
        (("--only", ""), 2, "--only"),
        (("--only", "10.77.0.2,"), 2, "--only"),
        (("--only", "-iL /etc/passwd"), 2, "-iL /etc/passwd"),
        (("--only", "10.77.0.2;id"), 2, "10.77.0.2;id"),
        (("--only", "::/0"), 4, "::/0"),
        (("--ports", ""), 2, "ports"),
        (("--ports", "80;id"), 2, "80;id"),
        (("--ports", "0"), 2, "port 0"),
    ],
)
def test_what_may_not_be_asked_is_refused_before_prefect_starts(
    roundsman: Any, no_flow: list[Any], arguments: tuple[str, ...], code: int, named: str
) -> None:
    roundsman.describes(OFFICE)
    told = roundsman("scan", "ports", *arguments, "--json")
    assert (told.code, told.out) == (code, "")
    assert named in told.err
    assert no_flow == []


def test_a_scope_that_ended_is_four(roundsman: Any, no_flow: list[Any]) -> None:
    roundsman.describes(OFFICE + "valid_until = 2020-01-01\n")
    told = roundsman("scan", "--json")
    assert (told.code, told.out) == (4, "")
    assert "expired" in told.err
    assert no_flow == []


def test_of_several_scopes_one_has_to_be_named(roundsman: Any, no_flow: list[Any]) -> None:
    roundsman.describes(OFFICE + OFFICE.replace("office", "plant"))
    told = roundsman("scan")
    assert told.code == 4
    assert "office, plant" in told.err
    assert roundsman("scan", "--scope", "plant").code == 3
    assert no_flow[0].scope == "plant"


def test_what_is_asked_reaches_the_flow(roundsman: Any, no_flow: list[Any]) -> None:
    roundsman.describes(OFFICE)
    told = roundsman(
        *("scan", "all", "--only", "10.77.0.2, 10.77.0.4", "--only", "host:10.77.0.5"),
        *("--ports", "T:22,U:53", "--no-versions"),
    )
    assert (told.code, told.err) == (3, "roundsman: no flow is run here\n")
    (sweep,) = no_flow
    assert sweep.only == ("10.77.0.2", "10.77.0.4", "host:10.77.0.5")
    assert (sweep.ports, sweep.versions) == ("tcp/22 udp/53", "no")


def test_verify_looks_at_one_finding_or_at_one_asset(known: Any, no_flow: list[Any]) -> None:
    known.describes(OFFICE)
    finding = next(one for one in known("findings", "--json").said["findings"] if one["asset"] == "host:10.77.0.2")
    known("verify", finding["fingerprint"][:12])
    known("verify", "host:10.77.0.2")
    assert [(sweep.only, sweep.ports, sweep.trigger) for sweep in no_flow] == [
        (("10.77.0.2",), finding["locator"], "confirm"),
        (("10.77.0.2",), "", "confirm"),
    ]


def test_verify_looks_at_a_finding_of_tls_by_what_found_it(
    known: Any, no_flow: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known.describes(OFFICE)
    for locator in ("tls/443/web.example/protocol/TLS1.1", "certificate/443/web.example/problem/expired"):
        found = {"asset": "host:10.77.0.2", "locator": locator, "zone": "default"}
        monkeypatch.setattr(scanning, "finding_named", lambda *_, found=found: found)
        assert known("verify", "f1:00").code == 3
    assert [type(asked) for asked in no_flow] == [Grading, Certificates]
    assert {(asked.only, asked.trigger) for asked in no_flow} == {(("10.77.0.2",), "confirm")}


def test_an_unknown_scan_is_told_with_those_that_there_are(roundsman: Any, no_flow: list[Any]) -> None:
    roundsman.describes(OFFICE)
    told = roundsman("scan", "tsl")
    assert told.code == 2
    assert "ports, tls, certificates, hosts, containers, all" in told.err
    assert no_flow == []


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("tls",), Grading(scope="office")),
        (("tls", "--watch", "--only", "10.77.0.2"), Grading(scope="office", only=("10.77.0.2",), profile="watch")),
        (("certificates",), Certificates(scope="office")),
    ],
)
def test_what_is_asked_of_tls_reaches_its_flow(
    roundsman: Any, no_flow: list[Any], arguments: tuple[str, ...], wanted: Certificates
) -> None:
    roundsman.describes(OFFICE + '\n[[endpoints]]\nhost = "10.77.0.2"\n')
    assert roundsman("scan", *arguments).code == 3
    assert no_flow == [wanted]


def test_without_endpoints_no_engine_is_started(roundsman: Any, no_flow: list[Any]) -> None:
    roundsman.describes(OFFICE)
    never = roundsman("scan", "tls", "--json")
    assert (never.code, never.out) == (3, "")
    assert "`roundsman scan ports` finds them" in never.err
    roundsman.takes_in("all_up")
    for what in ("tls", "certificates"):
        told = roundsman("scan", what, "--only", "10.77.0.9", "--json")
        assert told.code == 0
        assert (told.said["run"], told.said["asked"], told.said["findings"]) == (None, 0, [])
        assert "no open port at 10.77.0.9 is known to speak TLS" in told.err
        assert roundsman("scan", what, "--only", "10.77.0.9").out == ""
    assert no_flow == []


def test_files_alone_are_something_to_look_at(roundsman: Any, no_flow: list[Any]) -> None:
    roundsman.describes(OFFICE + '\n[[certificates]]\nhost = "10.77.0.2"\npaths = ["keys"]\n')
    assert roundsman("scan", "certificates").code == 3
    assert no_flow == [Certificates(scope="office")]
    assert roundsman("scan", "tls").code == 3
    assert no_flow == [Certificates(scope="office")]


def test_verify_outside_every_scope_is_four_with_the_reason(known: Any, no_flow: list[Any]) -> None:
    told = known("verify", "10.77.0.2")
    assert (told.code, told.out) == (4, "")
    known.describes(OFFICE)
    told = known("verify", "10.77.0.3")
    assert (told.code, told.out) == (4, "")
    assert "excluded" in told.err
    known.describes(OFFICE.replace('name = "office"', 'name = "office"\nzone = "berlin"'))
    told = known("verify", "10.77.0.2")
    assert told.code == 4
    assert "zone 'default'" in told.err
    assert no_flow == []


def test_verify_chooses_the_scope_of_the_zone_that_covers_the_asset(known: Any, no_flow: list[Any]) -> None:
    other = OFFICE.replace("office", "plant").replace("10.77.0.", "10.88.0.")
    known.describes(other + OFFICE)
    known("verify", "10.77.0.2")
    assert no_flow[0].scope == "office"


def test_verify_of_an_asset_in_two_zones_wants_to_know_which(known: Any, no_flow: list[Any]) -> None:
    known.takes_in("all_up", "--zone", "berlin")
    known.describes(OFFICE)
    assert known("verify", "10.77.0.2").code == 2
    assert known("verify", "10.77.0.2", "--zone", "default").code == 3
    assert known("verify", "10.77.0.2", "--zone", "berlin").code == 4
    assert len(no_flow) == 1


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A service on loopback, where nobody else listens."""
    with socket.create_server(("127.0.0.77", 0)) as found:
        yield found


@pytest.fixture
def rounds(roundsman: Any, listener: socket.socket, prefect_server: str) -> Any:
    """The command, with a scope around the service, and a server to run flows with."""
    port = listener.getsockname()[1]
    roundsman.describes(LOOPBACK.format(port=port - 5, last=min(port + 5, 65535)))
    roundsman.environment |= {"PREFECT_API_URL": prefect_server, "PREFECT_HOME": str(roundsman.home / "prefect")}
    return roundsman


def test_two_rounds_and_a_look_again_tell_what_came_and_went(rounds: Any, listener: socket.socket) -> None:
    key = f"tcp/{listener.getsockname()[1]}"
    first = rounds.alone("scan", "ports", "--json")
    assert (first.code, first.err) == (0, "")
    assert list(first.said)[:5] == ["run", "state", "asked", "answered", "coverage"]
    assert (first.said["state"], first.said["asked"], first.said["answered"]) == ("complete", 11, 11)
    assert ("first_observed", "host:127.0.0.77", key) in first.changes
    assert rounds("runs", "--json").said["runs"][0]["id"] == first.said["run"]
    (finding,) = (one for one in first.said["findings"] if one["locator"] == key)
    listener.close()
    again = rounds.alone("verify", finding["fingerprint"], "--json", "--fail-on", "change")
    assert again.code == 1
    assert again.changes == [("gone", "host:127.0.0.77", key)]
    assert again.said["asked"] == 1
    (finding,) = (one for one in rounds("findings", "--all", "--json").said["findings"] if one["locator"] == key)
    assert finding["detection"] == "absent"


def test_a_terminal_sees_a_bar_and_then_only_the_result(rounds: Any, listener: socket.socket) -> None:
    leader, follower = pty.openpty()
    rounds.environment |= {"COLUMNS": "100", "TERM": "xterm"}
    with rounds.popen("scan", stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        said = b"".join(_read_all(leader))
    os.close(leader)
    assert process.returncode == 0
    text = said.decode()
    assert "starting Prefect" in text
    assert "Traceback" not in text
    result = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", text.rpartition("\x1b[2K")[2])
    assert "complete: 11 questions asked, 100 % answered" in result
    assert f"tcp/{listener.getsockname()[1]}" in result
    assert "asking" not in result
    assert "telemetry" not in text


def _read_all(leader: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(leader, 65536)
        except OSError:  # EIO: the last process left
            return


def test_ctrl_c_ends_a_scan_in_order_and_its_run_is_left_to_the_next(rounds: Any) -> None:
    text = (rounds.folder / "estate.toml").read_text()
    rounds.describes(re.sub(r"pace = \d+", "pace = 1", text))
    with rounds.popen("scan", "--json") as process:
        deadline = time.monotonic() + 180
        while not rounds("runs", "--json").said["runs"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=90)
    assert (process.returncode, out) == (130, b"")
    assert err.decode() == f"roundsman: {SAID}\n"
    (run,) = rounds("runs", "--json").said["runs"]
    assert run["state"] == "asking"
    assert f"run {run['id'][:12]}" in rounds("doctor").out


def test_prefect_that_cannot_be_reached_is_three_without_a_traceback(rounds: Any) -> None:
    rounds.environment |= {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    told = rounds.alone("scan", "--json")
    assert (told.code, told.out) == (3, "")
    assert "Prefect could not run the flow with http://127.0.0.1:9/api" in told.err
    assert "Traceback" not in told.err
    assert told.err.count("\n") == 1
