"""The on-link lab is what it says it is, and leaves nothing behind."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

from infra.lab.firewall import Refusal
from infra.lab.namespaces import Namespace
from infra.lab.network import THREE_HOSTS, Host, LabError, Mode, OnLinkLab, Service, onlink_lab, sweep_leftovers

NAMED = Path("/run/netns")
CHECKOUT = Path(__file__).parents[2]


def ours() -> set[str]:
    return {path.name for path in NAMED.glob(f"rl-{os.getpid()}-*")}


def here() -> str:
    return str(Path("/proc/thread-self/ns/net").readlink())


def states(lab: OnLinkLab, *options: str) -> dict[str, dict[str, tuple[str, str]]]:
    """What nmap says: (state, reason) of each port that it lists one by one, or `*` for all others."""
    report = lab.run(("nmap", "-n", "-T4", "-v", *options, "-oX", "-")).stdout
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for host in ElementTree.fromstring(report).iter("host"):
        address, ports = host.find("address"), found.setdefault("", {})
        assert address is not None
        ports = found.setdefault(address.get("addr", ""), {})
        for rest in host.iter("extraports"):
            reason = rest.find("extrareasons")
            assert reason is not None
            ports["*"] = (rest.get("state", ""), reason.get("reason", ""))
        for port in host.iter("port"):
            state = port.find("state")
            assert state is not None
            ports[f"{port.get('protocol')}/{port.get('portid')}"] = (state.get("state", ""), state.get("reason", ""))
    found.pop("", None)
    return found


def open_ports(lab: OnLinkLab, *options: str) -> dict[str, frozenset[int]]:
    return {
        address: frozenset(int(key.partition("/")[2]) for key, (state, _) in ports.items() if state == "open")
        for address, ports in states(lab, *options).items()
    }


def test_nmap_finds_exactly_the_truth(onlink_lab: OnLinkLab) -> None:
    assert open_ports(onlink_lab, "-p", "1-1024,8080", "10.77.0.2-4") == onlink_lab.truth()
    assert onlink_lab.truth() == dict.fromkeys((host.address for host in THREE_HOSTS), frozenset({22, 80, 443, 8080}))


def test_a_service_that_starts_or_stops_shows(onlink_lab: OnLinkLab) -> None:
    onlink_lab.listen("10.77.0.3", Service(993))
    onlink_lab.hang_up("10.77.0.3", 22)
    seen = states(onlink_lab, "-p", "22,993", "10.77.0.3")["10.77.0.3"]
    assert seen == {"tcp/22": ("closed", "reset"), "tcp/993": ("open", "syn-ack")}


def test_a_host_that_goes_down_is_silent_and_comes_back_as_it_was(onlink_lab: OnLinkLab) -> None:
    onlink_lab.take_down("10.77.0.2")
    assert "10.77.0.2" not in onlink_lab.truth()
    assert open_ports(onlink_lab, "-p", "22", "10.77.0.2-3") == {"10.77.0.2": frozenset(), "10.77.0.3": {22}}
    onlink_lab.bring_up("10.77.0.2")
    assert open_ports(onlink_lab, "-p", "22", "10.77.0.2") == {"10.77.0.2": {22}}


def test_a_host_may_speak_ipv6_only() -> None:
    with onlink_lab((Host("fd77::6", (Service(22),)),)) as lab:
        assert open_ports(lab, "-6", "-p", "22,23", "fd77::6") == {"fd77::6": {22}} == lab.truth()


@pytest.mark.parametrize(
    ("by", "seen"),
    [
        ("tcp-reset", ("closed", "reset")),
        ("admin-prohibited", ("filtered", "admin-prohibited")),
        ("port-unreachable", ("filtered", "port-unreach")),
        ("host-unreachable", ("filtered", "host-unreach")),
    ],
)
def test_a_refusal_is_seen_as_what_it_is(onlink_lab: OnLinkLab, by: Refusal, seen: tuple[str, str]) -> None:
    onlink_lab.firewall.refuse("10.77.0.3", "22", by=by)
    assert states(onlink_lab, "-p", "22,80", "10.77.0.3") == {
        "10.77.0.3": {"tcp/22": seen, "tcp/80": ("open", "syn-ack")}
    }


def test_a_dropped_port_is_silent_until_the_firewall_is_calm(onlink_lab: OnLinkLab) -> None:
    onlink_lab.firewall.drop("10.77.0.3", "22")
    asked = ("-p", "22,80", "10.77.0.3")
    assert states(onlink_lab, *asked)["10.77.0.3"]["tcp/22"] == ("filtered", "no-response")
    onlink_lab.firewall.calm()
    assert states(onlink_lab, *asked)["10.77.0.3"]["tcp/22"] == ("open", "syn-ack")


def test_a_banned_scanner_sees_hosts_but_no_ports(onlink_lab: OnLinkLab) -> None:
    onlink_lab.ban_scanner()
    seen = states(onlink_lab, "-p", "22,80", "10.77.0.2-4")
    assert {state for ports in seen.values() for state in ports.values()} == {("filtered", "no-response")}


def test_a_tarpit_opens_every_port_of_one_host_only(onlink_lab: OnLinkLab) -> None:
    onlink_lab.firewall.tarpit("10.77.0.2", 443)
    seen = open_ports(onlink_lab, "-p", "1-100", "10.77.0.2-3")
    assert seen == {"10.77.0.2": frozenset(range(1, 101)), "10.77.0.3": {22, 80}}


def test_a_lossy_wire_loses_about_what_was_asked(onlink_lab: OnLinkLab) -> None:
    onlink_lab.firewall.lose(30)
    report = onlink_lab.run(("nmap", "-n", "-T4", "--max-retries", "0", "-p", "1-1000", "-oX", "-", "10.77.0.2")).stdout
    silent = [int(reason.get("count", "0")) for reason in ElementTree.fromstring(report).iter("extrareasons")]
    assert 200 < min(silent) < 400


def test_without_a_link_nothing_is_reached_until_it_is_back(onlink_lab: OnLinkLab) -> None:
    onlink_lab.link_down()
    assert states(onlink_lab, "-p", "22", "10.77.0.2") == {}
    onlink_lab.link_up()
    assert open_ports(onlink_lab, "-p", "22", "10.77.0.2") == {"10.77.0.2": {22}}


def test_services_behave_as_their_mode_says() -> None:
    services = (
        Service(1, Mode.CLOSE),
        Service(2, Mode.BANNER, b"\xff\x1b[31m" + b"A" * 1_000_000),
        Service(3, Mode.REPLY, b"pong"),
        Service(4, Mode.HTTP, b"lab"),
        Service(5, Mode.ECHO),
    )
    said: dict[int, bytes] = {}
    with onlink_lab((Host("10.77.0.2", services),)) as lab, lab.inside():
        for service in services:
            with socket.create_connection(("10.77.0.2", service.port), 5) as peer:
                if service.mode not in (Mode.CLOSE, Mode.BANNER):
                    peer.sendall(b"ping\r\n\r\n")
                    peer.shutdown(socket.SHUT_WR)
                said[service.port] = b""
                # One whose banner never ends the conversation is left when its megabyte is here.
                while len(said[service.port]) < 1_000_000 and (more := peer.recv(65536)):
                    said[service.port] += more
    assert said.pop(4).startswith(b"HTTP/1.1 200 OK\r\nServer: lab\r\n")
    assert services[1].payload.startswith(said.pop(2))
    assert said == {1: b"", 3: b"pong", 5: b"ping\r\n\r\n"}


def test_udp_answers_keeps_silent_or_refuses() -> None:
    services = (Service(7, Mode.ECHO, proto="udp"), Service(9, Mode.SILENT, proto="udp"))
    with onlink_lab((Host("10.77.0.2", services),)) as lab, lab.inside():
        for port, expected in ((7, "hello"), (9, "TimeoutError"), (11, "ConnectionRefusedError")):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.settimeout(0.5)
                peer.connect(("10.77.0.2", port))
                peer.send(b"hello")
                try:
                    answer = peer.recv(100).decode()
                except OSError as error:
                    answer = type(error).__name__
            assert answer == expected, port


def test_a_thread_that_is_inside_has_no_other_network_and_comes_back(onlink_lab: OnLinkLab) -> None:
    home = here()
    elsewhere: list[str] = []
    with onlink_lab.inside():
        assert here() != home
        assert {name for _, name in socket.if_nameindex()} == {"lo", "lab0"}
        thread = threading.Thread(target=lambda: elsewhere.append(here()))
        thread.start()
        thread.join()
    assert here() == home
    assert elsewhere != [home]


def test_there_is_no_way_out_of_the_lab(onlink_lab: OnLinkLab) -> None:
    for namespace in (onlink_lab.scanner, onlink_lab.target):
        for family in ("-4", "-6"):
            assert "default" not in namespace.must(("ip", family, "route"))


def test_two_labs_at_once_do_not_see_each_other() -> None:
    with onlink_lab() as one, onlink_lab(()) as other:
        assert open_ports(one, "-p", "22", "10.77.0.2") == {"10.77.0.2": {22}}
        assert open_ports(other, "-p", "22", "10.77.0.2") == {"10.77.0.2": frozenset()}


def test_a_lab_is_cleaned_away_with_all_that_runs_in_it() -> None:
    with onlink_lab() as lab:
        stray = subprocess.Popen(lab.command(("sleep", "600")))
        assert len(ours()) == 2
    assert stray.wait(5) == -9
    assert ours() == set()


def test_a_lab_is_cleaned_away_when_its_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), onlink_lab():
        raise ZeroDivisionError
    assert ours() == set()


def test_a_lab_that_cannot_be_built_says_why_and_leaves_nothing() -> None:
    with pytest.raises(LabError, match=r"300\.1\.1\.1"), onlink_lab((Host("300.1.1.1"),)):
        pass
    assert ours() == set()


def test_leftovers_of_a_dead_process_are_swept_and_a_living_ones_are_not(onlink_lab: OnLinkLab) -> None:
    dying = "import os, infra.lab.network as n; lab = n.onlink_lab(); lab.__enter__(); print(os.getpid()); os._exit(1)"
    with subprocess.Popen([sys.executable, "-c", dying], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as dead:
        printed = dead.communicate(timeout=20)[0]
    left = {path.name for path in NAMED.glob(f"rl-{printed.strip()}-*")}
    assert len(left) == 2
    assert left <= set(sweep_leftovers())
    assert not left & {path.name for path in NAMED.iterdir()}
    assert onlink_lab.truth() == open_ports(onlink_lab, "-p", "22,80,443,8080", "10.77.0.2-4")


def test_a_new_process_with_an_old_ones_number_does_not_keep_its_leftovers() -> None:
    name = f"rl-{os.getpid()}-1-0-scanner"
    subprocess.run(["ip", "netns", "add", name], check=True)
    assert Namespace(name).run(("true",)).returncode == 0
    assert name in sweep_leftovers()
