"""Real zmap against a network behind a gateway, whose open ports are known exactly."""

import io
import itertools
import os
import re
import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from estate.coverage import Verdict
from estate.errors import BadTarget, ToolFailed, ToolMissing, ToolNotAllowed, ToolTimedOut
from estate.ports.zmap import read_zmap
from estate.ports.zmap_metadata import read_metadata
from infra.lab.routed import GATEWAY_MAC, SCANNER, populate, routed_lab
from tasks.ports.zmap_question import ZmapQuestion
from tasks.ports.zmap_sweep import ask_zmap, zmap_engine, zmap_rights
from tasks.rights import Rights

PORTS = (22, 80, 443)
# Dense enough that a few thousand addresses hold many hosts.
POPULATION = populate(7, live=8_000, deaf=3_000, ports=PORTS, most=3)
NETWORK = "10.77.16.0/22"


@pytest.fixture(scope="module")
def lab():
    with routed_lab(POPULATION, PORTS) as lab, lab.inside():
        yield lab


def question(**options) -> ZmapQuestion:
    fields = {
        "networks": (NETWORK,),
        "exclusions": (),
        "ports": PORTS,
        "pace": 5_000,
        "interface": "lab0",
        "source": SCANNER,
        "gateway_mac": GATEWAY_MAC,
        "deadline": 60.0,
        "cooldown": 1,
        **options,
    }
    return ZmapQuestion(**fields)


def read(evidence):
    """Open and refused (address, port) pairs, and what each document says of silence."""
    found: dict[Verdict, set[tuple[str, str]]] = {Verdict.POSITIVE: set(), Verdict.NEGATIVE: set()}
    reasons = []
    for each in evidence:
        with each.path.open("rb") as results, each.companion.open("rb") as metadata:
            report = read_zmap(results, metadata)
            for reading in report:
                found[Verdict.POSITIVE] |= {(reading.subject, key) for key in reading.present}
                for look in reading.looks:
                    found[look.verdict] |= {(reading.subject, key) for key in look.keys}
            reasons.append((str(report.asked), report.reason))
    return found, reasons


def truth(lab, network=NETWORK, ports=PORTS):
    """Open and refused pairs by the lab's own account."""
    inside = ip_network(network)
    living = {address: found for address, found in lab.truth().items() if ip_address(address) in inside}
    return {
        Verdict.POSITIVE: {(a, f"tcp/{p}") for a, found in living.items() for p in found if p in ports},
        Verdict.NEGATIVE: {(a, f"tcp/{p}") for a, found in living.items() for p in ports if p not in found},
    }


def zmaps(folder: Path) -> list[int]:
    """The zmap processes that work below this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text() == "zmap\n" and folder in (process / "cwd").readlink().parents:
                found.append(int(process.name))
    return found


def fake_zmap(folder: Path, monkeypatch, script: str) -> None:
    (folder / "zmap").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "zmap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_sweep_finds_what_is_open_and_what_refuses_and_may_speak_of_silence(lab, tmp_path):
    evidence = ask_zmap(question(), tmp_path)

    found, reasons = read(evidence)
    assert found == truth(lab)
    assert len(found[Verdict.POSITIVE]) > 100
    assert reasons == [("tcp/22", "sweep"), ("tcp/80", "sweep"), ("tcp/443", "sweep")]
    assert {(each.media, each.ended) for each in evidence} == {("zmap", "")}


def test_what_is_excluded_is_not_asked(lab, tmp_path):
    before = lab.packets()
    excluded = ("10.77.17.0/24", "10.77.18.7")

    evidence = ask_zmap(question(exclusions=excluded, ports=(80,)), tmp_path)

    found, _ = read(evidence)
    assert len(found[Verdict.POSITIVE] | found[Verdict.NEGATIVE]) > 50
    assert not [a for a, _ in found[Verdict.POSITIVE] | found[Verdict.NEGATIVE] if a.startswith("10.77.17.")]
    # Our kernel refuses each answer to a connection that it knows nothing of.
    assert lab.packets() - before == question(exclusions=excluded).addresses + len(found[Verdict.POSITIVE])
    assert question(exclusions=excluded).addresses == 1024 - 256 - 1


def test_the_pace_holds_for_all_ports_together_and_cool_downs_overlap(lab, tmp_path):
    begun = time.monotonic()

    asked = question(networks=("10.77.16.0/23",), ports=(22, 80, 443, 8080), pace=1_000, cooldown=6)
    runs = [run.companion for run in ask_zmap(asked, tmp_path) if run.companion]

    # 2,048 probes take two seconds at the least, however busy the machine is.
    assert time.monotonic() - begun > 2.0 * 0.95 + 6
    assert len(runs) == 4
    for run, following in itertools.pairwise(runs):
        # What a run sent and dropped is written when it ends.
        started = read_metadata(io.BytesIO(following.read_bytes())).started
        assert started
        assert started.timestamp() < run.stat().st_mtime


def test_progress_rises_to_the_end(lab, tmp_path):
    said: list[float] = []

    ask_zmap(question(pace=2_000), tmp_path, on_progress=said.append)

    assert said == sorted(said)
    assert 0 < said[0] < 0.34
    assert said[-1] == 1


def test_a_port_whose_zmap_was_killed_is_asked_once_more(lab, tmp_path):
    def kill_the_first() -> None:
        while not list(tmp_path.glob("*/22-0.csv")):
            time.sleep(0.01)
        os.kill(zmaps(tmp_path)[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    evidence = ask_zmap(question(pace=1_500), tmp_path)
    killer.join()

    found, reasons = read(evidence)
    assert [each.ended for each in evidence] == ["signal 9", "", "", ""]
    assert [reason for _, reason in reasons] == ["zmap-unfinished", "sweep", "sweep", "sweep"]
    assert found == truth(lab)


def test_a_deadline_ends_the_sweep_and_keeps_what_was_found(lab, tmp_path):
    evidence = ask_zmap(question(pace=300, deadline=7.5), tmp_path)

    found, reasons = read(evidence)
    assert reasons[0] == ("tcp/22", "sweep")
    assert evidence[-1].ended == "deadline"
    assert found[Verdict.POSITIVE] >= truth(lab, ports=(22,))[Verdict.POSITIVE]
    assert len(evidence) < 4
    assert not zmaps(tmp_path)


def test_a_cancelled_sweep_ends_at_once_and_says_so(lab, tmp_path):
    cancelled = threading.Event()
    threading.Timer(1.0, cancelled.set).start()
    begun = time.monotonic()

    evidence = ask_zmap(question(pace=200), tmp_path, cancelled=cancelled)

    assert [each.ended for each in evidence] == ["cancelled"]
    assert time.monotonic() - begun < 3
    assert not zmaps(tmp_path)


def test_an_exception_ends_every_zmap(lab, tmp_path):
    def fail(share):
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_zmap(question(pace=2_000, cooldown=30), tmp_path, on_progress=fail)

    assert not zmaps(tmp_path)


def test_a_sweep_that_cannot_work_fails_at_its_first_port(lab, tmp_path):
    with pytest.raises(ToolFailed, match=r"zmap failed \(exit 1\).*could not open device nope0"):
        ask_zmap(question(interface="nope0"), tmp_path)

    assert {path.name for path in tmp_path.glob("*/*.csv")} <= {"22-0.csv"}


def test_an_interface_that_goes_down_leaves_the_first_ports_and_no_silence(lab, tmp_path):
    def pull() -> None:
        while not any(path.name.startswith("80-") for path in tmp_path.glob("*/*")):
            time.sleep(0.01)
        lab.scanner.ip("link set lab0 down")

    puller = threading.Thread(target=pull)
    puller.start()
    try:
        evidence = ask_zmap(question(pace=1_500), tmp_path)
    finally:
        puller.join()
        lab.scanner.ip("link set lab0 up", "route replace 10.77.0.0/16 via 10.76.0.1")

    reasons = dict(read(evidence)[1])
    assert reasons["tcp/22"] == "sweep"
    assert reasons.get("tcp/80") != "sweep"
    assert reasons.get("tcp/443") != "sweep"


def test_a_deadline_before_the_first_word_is_a_timeout(lab, tmp_path, monkeypatch):
    fake_zmap(tmp_path, monkeypatch, "sleep 60")

    with pytest.raises(ToolTimedOut):
        ask_zmap(question(deadline=0.3), tmp_path)


def test_a_zmap_that_misread_its_lists_is_stopped_before_it_sends(lab, tmp_path, monkeypatch):
    line = "Nov 24 14:55:28.092 [DEBUG] constraint: 4294967296 addresses (100% of address space) can be scanned"
    fake_zmap(tmp_path, monkeypatch, f"echo '{line}' >&2; sleep 60")

    with pytest.raises(ToolFailed, match="about to ask 4294967296 addresses instead of 1024"):
        ask_zmap(question(), tmp_path)


def test_without_the_right_a_sweep_is_refused_with_the_way_to_grant_it(monkeypatch, tmp_path):
    lacking = Rights(False, "zmap lacks the right to send raw packets", "sudo setcap cap_net_raw+eip /usr/sbin/zmap")
    monkeypatch.setattr("tasks.ports.zmap_sweep.raw_rights", lambda tool: lacking)

    assert zmap_engine() is None
    with pytest.raises(ToolNotAllowed, match="sudo setcap cap_net_raw"):
        ask_zmap(question(), tmp_path)


def test_a_right_that_is_missing_after_all_is_told_from_a_failure(lab, tmp_path, monkeypatch):
    words = "[FATAL] recv: could not open device lab0: You don't have permission to perform this capture on that device"
    fake_zmap(tmp_path, monkeypatch, f'echo "{words}" >&2; exit 1')

    with pytest.raises(ToolNotAllowed, match="may not send raw packets"):
        ask_zmap(question(), tmp_path)


def test_a_missing_zmap_is_no_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tasks.tools._SEARCHED", ())

    assert zmap_engine() is None
    with pytest.raises(ToolMissing, match="apt-get install zmap"):
        ask_zmap(question(), tmp_path)


def test_the_engine_tells_its_version_whatever_its_configuration_says():
    engine = zmap_engine()

    assert engine is not None
    name, version = engine
    assert name == "zmap"
    assert re.match(r"\d+\.\d+", version)
    assert zmap_rights().raw


def test_a_later_version_is_understood(tmp_path, monkeypatch):
    fake_zmap(tmp_path, monkeypatch, "echo zmap v4.3.4")

    assert zmap_engine() == ("zmap", "4.3.4")


def test_a_program_that_is_not_zmap_is_no_engine(tmp_path, monkeypatch):
    fake_zmap(tmp_path, monkeypatch, "echo hello")

    assert zmap_engine() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"networks": ()},
        {"networks": ("0.0.0.0/0 # all",)},
        {"networks": ("10.77.0.1/16",)},
        {"networks": ("10.77.0.0/255.255.0.0",)},
        {"networks": ("fd77::/64",)},
        {"networks": ("example.org",)},
        {"networks": ("10.77.0.0/16\n0.0.0.0/0",)},
        {"exclusions": ("-w",)},
        {"exclusions": (NETWORK,)},
        {"exclusions": ("10.0.0.0/8",)},
        {"ports": ()},
        {"ports": (65_536,)},
        {"pace": 0},
        {"interface": "-G"},
        {"interface": "lab0 -r 0"},
        {"source": "10.76.0.2-10.76.0.9"},
        {"source": "fd77::1"},
        {"gateway_mac": "02:00:00:76:00"},
        {"gateway_mac": "-X"},
        {"deadline": 0.0},
        {"cooldown": 0},
        {"seed": 0},
    ],
)
def test_what_zmap_could_misread_cannot_be_asked(wrong):
    with pytest.raises(BadTarget):
        replace(question(), **wrong)


def test_single_addresses_are_networks_too():
    assert question(networks=("10.77.0.1", "10.77.0.2/32", "10.77.0.2"), exclusions=()).addresses == 2
