"""Real nmap against hosts whose truth is known, in namespaces without a way out."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from estate.coverage import Keys, Verdict
from estate.errors import BadTarget, ToolFailed, ToolMissing, ToolNotAllowed, ToolTimedOut
from estate.evidence import Document, Notes
from estate.ports.nmap import NmapReader
from estate.ports.shard import SEND_REFUSED, PortShard, sights
from estate.targets import Targets
from infra.lab.network import SCANNER, THREE_HOSTS, Host, Mode, Service, onlink_lab
from tasks.ports.nmap_question import NmapQuestion
from tasks.ports.nmap_scan import ask_nmap, nmap_engine, nmap_rights
from tasks.rights import Rights

CHECKOUT = Path(__file__).parents[3]
V6 = Host("fd77::6", (Service(22),))
UDP = Host(
    "10.77.0.5", (Service(53, Mode.ECHO, proto="udp"), Service(9100, Mode.ECHO), Service(9101, Mode.BANNER, b""))
)


@pytest.fixture(scope="module")
def lab():
    with onlink_lab((*THREE_HOSTS, V6, UDP)) as lab, lab.inside():
        # Everybody in 10.88.0.0/16 is dead, behind a gateway that forwards nothing.
        lab.scanner.ip("route add 10.88.0.0/16 via 10.77.0.2")
        yield lab


def question(*addresses: str, keys: str = "tcp/1-100,443,8080", **options) -> NmapQuestion:
    fields = {"technique": "syn", "pace": 5_000, "versions": False, "deadline": 60.0, **options}
    return NmapQuestion(addresses or ("10.77.0.2",), Keys.parse(keys), **fields)


def read(evidence):
    with evidence.path.open("rb") as file:
        reader = NmapReader(file)
        readings = {reading.subject: reading for reading in reader}
        return readings, reader.tail


def verdicts(reading) -> dict[Verdict, str]:
    return {look.verdict: str(look.keys) for look in reading.looks}


def test_a_syn_scan_proves_what_is_open_and_what_is_closed(lab, tmp_path):
    evidence = ask_nmap(question("10.77.0.2", "10.77.0.3", "10.77.0.4"), tmp_path)

    readings, tail = read(evidence)
    assert (evidence.media, evidence.ended, tail.complete) == ("nmap", "", True)
    for address in ("10.77.0.2", "10.77.0.3", "10.77.0.4"):
        assert set(readings[address].present) == {"tcp/22", "tcp/80", "tcp/443", "tcp/8080"}
        assert verdicts(readings[address]) == {Verdict.NEGATIVE: "tcp/1-21,23-79,81-100"}


def test_a_connect_scan_brings_the_same(lab, tmp_path):
    readings, _ = read(ask_nmap(question("10.77.0.2", technique="connect"), tmp_path))

    assert set(readings["10.77.0.2"].present) == {"tcp/22", "tcp/80", "tcp/443", "tcp/8080"}


def test_a_dead_host_is_listed_so_that_it_is_not_forgotten(lab, tmp_path):
    readings, tail = read(ask_nmap(question("10.77.0.2", "10.77.0.99"), tmp_path))

    assert tail.complete
    assert "10.77.0.99" in readings
    assert not readings["10.77.0.99"].present


def test_an_ipv6_host_is_asked_as_one(lab, tmp_path):
    readings, _ = read(ask_nmap(question("fd77::6", keys="tcp/22,23"), tmp_path))

    assert set(readings["fd77::6"].present) == {"tcp/22"}
    assert verdicts(readings["fd77::6"]) == {Verdict.NEGATIVE: "tcp/23"}


def test_udp_ports_are_asked_apart_and_closed_ones_are_proved(lab, tmp_path):
    mixed = question("10.77.0.5", keys="tcp/9100 udp/53,123,161")
    tcp, udp = mixed.parts()

    readings, _ = read(ask_nmap(udp, tmp_path))

    assert (str(tcp.keys), str(udp.keys)) == ("tcp/9100", "udp/53,123,161")
    assert set(readings["10.77.0.5"].present) == {"udp/53"}
    assert verdicts(readings["10.77.0.5"]) == {Verdict.NEGATIVE: "udp/123,161"}


def test_a_host_that_refuses_one_packet_a_second_still_proves_its_udp_ports_closed(lab, tmp_path):
    lab.target.sysctl({"net.ipv4.icmp_ratelimit": 1000})
    try:
        evidence = ask_nmap(question("10.77.0.3", keys="udp/53,67,69,123,137,161,500,514"), tmp_path)
    finally:
        lab.target.sysctl({"net.ipv4.icmp_ratelimit": 0})

    readings, _ = read(evidence)
    assert len(Keys.parse(verdicts(readings["10.77.0.3"])[Verdict.NEGATIVE])) >= 6


def test_what_a_service_is_comes_only_when_it_is_asked(lab, tmp_path):
    without, _ = read(ask_nmap(question("10.77.0.2", keys="tcp/22,80"), tmp_path))
    with_versions, _ = read(ask_nmap(question("10.77.0.2", keys="tcp/22,80", versions=True), tmp_path))
    fragile, _ = read(ask_nmap(question("10.77.0.2", keys="tcp/22,80", versions=True, fragile=True), tmp_path))

    assert dict(with_versions["10.77.0.2"].present["tcp/22"])["product"] == "OpenSSH"
    assert not without["10.77.0.2"].present["tcp/22"]
    assert fragile["10.77.0.2"].present == without["10.77.0.2"].present


@pytest.mark.parametrize("technique", ["syn", "connect"])
def test_nothing_is_ever_sent_to_a_printer_port(tmp_path, technique):
    heard: dict[int, bytes] = {}
    ports = (9099, 9100, 9103, 9107, 9108)

    def listen(server: socket.socket) -> None:
        port = server.getsockname()[1]
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.settimeout(15)
            try:
                heard[port] = heard.get(port, b"") + connection.recv(100)
            except OSError:
                pass
            finally:
                connection.close()

    servers = [socket.create_server(("127.0.0.1", port)) for port in ports]
    threads = [threading.Thread(target=listen, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        keys = f"tcp/{','.join(map(str, ports))}"
        readings, _ = read(ask_nmap(question("127.0.0.1", keys=keys, versions=True, technique=technique), tmp_path))
    finally:
        for server in servers:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        for thread in threads:
            thread.join()

    assert set(readings["127.0.0.1"].present) == {f"tcp/{port}" for port in ports}
    assert {port for port, data in heard.items() if data} == {9099, 9108}


def test_many_addresses_are_asked_from_a_file_that_does_not_stay(lab, tmp_path):
    addresses = tuple(f"10.77.0.{last}" for last in range(2, 102))

    readings, tail = read(ask_nmap(question(*addresses, keys="tcp/22"), tmp_path))

    assert tail.complete
    assert set(readings) == set(addresses)
    assert [path.suffix for path in tmp_path.iterdir()] == [".xml"]


def test_a_folder_with_a_name_that_nmap_would_expand_is_kept(lab, tmp_path):
    folder = tmp_path / "50%D -oN x"
    folder.mkdir()

    evidence = ask_nmap(question("10.77.0.2", keys="tcp/22"), folder)

    assert evidence.path.parent == folder
    assert read(evidence)[1].complete


def test_dead_addresses_behind_a_route_cost_two_probes_each_at_the_full_pace(lab, tmp_path):
    addresses = tuple(f"10.88.1.{last}" for last in range(256))
    begun = time.monotonic()

    readings, tail = read(ask_nmap(question(*addresses, keys="tcp/22,80,443", pace=1_000), tmp_path))

    assert tail.complete
    assert len(readings) == 256
    assert 1.4 < time.monotonic() - begun < 30


def test_progress_rises_from_what_nmap_says(lab, tmp_path):
    addresses = tuple(f"10.88.2.{last}" for last in range(40))
    said: list[float] = []

    ask_nmap(question(*addresses, keys="tcp/1-50", pace=700), tmp_path, on_progress=said.append)

    assert said == sorted(said)
    assert said
    assert 0 < said[0] < 1
    assert said[-1] <= 1


def test_a_run_past_its_deadline_brings_what_it_has(lab, tmp_path):

    evidence = ask_nmap(question("10.88.3.1", keys="tcp/1-9999", pace=100, deadline=1.5), tmp_path)

    readings, tail = read(evidence)
    assert evidence.ended == "deadline"
    assert not tail.complete
    assert not readings


def test_a_cancelled_run_is_said_to_be_one(lab, tmp_path):
    cancelled = threading.Event()
    threading.Timer(0.7, cancelled.set).start()

    evidence = ask_nmap(question("10.88.3.1", keys="tcp/1-9999", pace=100), tmp_path, cancelled=cancelled)

    assert evidence.ended == "cancelled"


def test_a_killed_nmap_is_told_by_its_signal_and_finished_hosts_count(lab, tmp_path):
    # The first group of 256 lives and is written at once; the one host of the second answers nothing.
    living = tuple(f"127.0.1.{last}" for last in range(256))

    def kill() -> None:
        while not any(b'addr="127.0.1.255"' in path.read_bytes() for path in tmp_path.glob("*.xml")):
            time.sleep(0.02)
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (folder / "cwd").readlink() == tmp_path and (folder / "comm").read_text() == "nmap\n":
                    os.kill(int(folder.name), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    evidence = ask_nmap(question(*living, "10.88.4.1", keys="tcp/1-20"), tmp_path)
    killer.join()

    readings, tail = read(evidence)
    assert evidence.ended == "signal 9"
    assert not tail.complete
    assert set(readings) == set(living)


def test_an_interface_that_does_not_exist_is_a_failure_in_nmaps_own_words(lab, tmp_path):
    with pytest.raises(ToolFailed, match="does it even exist"):
        ask_nmap(question("10.77.0.2", interface="nope0"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_interface_and_source_are_passed_on(lab, tmp_path):
    evidence = ask_nmap(question("10.77.0.2", keys="tcp/22", interface="lab0", source=SCANNER), tmp_path)

    assert b"-e lab0 -S 10.77.0.1" in evidence.path.read_bytes()
    assert "tcp/22" in read(evidence)[0]["10.77.0.2"].present


def test_a_deadline_before_the_first_word_is_a_timeout(lab, tmp_path):
    with pytest.raises(ToolTimedOut):
        ask_nmap(question("10.77.0.2", deadline=0.001), tmp_path)


@pytest.mark.parametrize(("technique", "keys"), [("syn", "tcp/22"), ("connect", "udp/53")])
def test_without_the_right_raw_scans_are_refused_with_the_way_to_grant_it(monkeypatch, tmp_path, technique, keys):
    lacking = Rights(False, "nmap lacks the right to send raw packets", "sudo setcap cap_net_raw+eip /usr/bin/nmap")
    monkeypatch.setattr("tasks.ports.nmap_scan.raw_rights", lambda tool: lacking)

    with pytest.raises(ToolNotAllowed, match=r"sudo setcap .*--privileged"):
        ask_nmap(question("127.0.0.1", keys=keys, technique=technique), tmp_path)


def test_without_the_right_a_connect_scan_still_works(tmp_path):
    program = (
        "from pathlib import Path\n"
        "from estate.coverage import Keys\n"
        "from tasks.ports.nmap_question import NmapQuestion\n"
        "from tasks.ports.nmap_scan import ask_nmap\n"
        "keys = Keys.parse('tcp/1')\n"
        f"asked = NmapQuestion(('127.0.0.1',), keys, 'connect', 100, False, 30.0)\n"
        f"print(repr(ask_nmap(asked, Path({str(tmp_path)!r})).ended))\n"
    )
    command = ["capsh", "--drop=cap_net_raw", "--", "-c", 'exec "$0" -c "$1"', sys.executable, program]

    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert said.stdout == "''\n", said.stderr
    report = next(tmp_path.glob("*.xml")).read_text()
    assert "-&#45;unprivileged" in report
    assert 'state="closed"' in report


def test_the_engine_tells_its_version():
    name, version = nmap_engine()

    assert name == "nmap"
    assert re.match(r"\d+\.\d+", version)
    assert nmap_rights().raw


def test_a_program_that_is_not_nmap_is_not_taken_for_it(tmp_path, monkeypatch):
    (tmp_path / "nmap").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "nmap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(ToolFailed, match="does not say that it is nmap"):
        nmap_engine()


def test_a_missing_nmap_is_said_with_the_way_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tasks.tools._SEARCHED", ())

    with pytest.raises(ToolMissing, match="apt-get install nmap"):
        ask_nmap(question("127.0.0.1"), tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"addresses": ()},
        {"addresses": ("-iL",)},
        {"addresses": ("--script=x",)},
        {"addresses": ("10.77.0.2 10.77.0.3",)},
        {"addresses": ("10.77.0.2\n-iL/etc/passwd",)},
        {"addresses": ("10.77.0.0/24",)},
        {"addresses": ("web-7.example",)},
        {"addresses": ("FD77::6",)},
        {"addresses": ("10.77.0.2", "fd77::6")},
        {"keys": Keys()},
        {"keys": Keys.parse("pkg/bash")},
        {"interface": "-oN"},
        {"interface": "eth0;reboot"},
        {"interface": ""},
        {"source": "-S"},
        {"pace": 0},
        {"retries": -1},
        {"deadline": 0},
        {"host_timeout": -1.0},
        {"keys": Keys.of(f"tcp/{port}" for port in range(1, 60_000, 2))},
    ],
)
def test_what_nmap_could_misread_cannot_be_asked(wrong):
    with pytest.raises(BadTarget):
        replace(question(), **wrong)


def test_two_protocols_in_one_run_are_refused(tmp_path):
    with pytest.raises(BadTarget, match=r"parts\(\)"):
        ask_nmap(question("127.0.0.1", keys="tcp/22 udp/53"), tmp_path)


def test_a_second_look_is_patient(lab, tmp_path):
    evidence = ask_nmap(question("10.77.0.2", keys="tcp/22,23").again(), tmp_path)

    assert re.search(rb"-T3 -&#45;max-retries 5 ", evidence.path.read_bytes())
    assert question(retries=7).again().retries == 7


def test_packets_that_our_own_firewall_refuses_are_no_silence_of_the_target(tmp_path):
    with onlink_lab(THREE_HOSTS) as lab:
        lab.run(["nft", "add table inet out { chain o { type filter hook output priority 0; tcp dport 80 drop; }; }"])
        with lab.inside():
            asked = NmapQuestion(("10.77.0.2",), Keys.parse("tcp/22,80"), "syn", 1000, versions=False, deadline=60.0)
            evidence = ask_nmap(asked, tmp_path)
    assert evidence.ended == SEND_REFUSED
    with evidence.path.open("rb") as stream:
        shard = PortShard(Targets.parse("10.77.0.2"), asked.keys)
        (sight,) = sights(shard, [Document("nmap", 0, stream, ended=evidence.ended)], Notes())
    assert set(sight.present) == {"tcp/22"}
    assert [(look.verdict, look.reason, str(look.keys)) for look in sight.blind] == [
        (Verdict.BLIND, "send-refused", "tcp/80")
    ]
