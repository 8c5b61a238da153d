"""The way to a network is found without touching anybody on it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from estate.errors import BadTarget, CouldNotLook, ToolFailed
from infra.lab.routed import GATEWAY_MAC, SCANNER, populate, routed_lab
from tasks.ports.route import Route, route_to

ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
BEHIND = Route("lab0", SCANNER, GATEWAY_MAC)


@pytest.fixture(scope="module")
def lab():
    with routed_lab(populate(1, live=20, deaf=5), (22,)) as lab, lab.inside():
        yield lab


@contextmanager
def route(lab, words: str) -> Iterator[None]:
    lab.scanner.ip(f"route add {words}")
    try:
        yield
    finally:
        lab.scanner.ip(f"route delete {words}")


@pytest.mark.parametrize(
    "words", [("10.77.0.0/16",), ("10.77.3.4",), ("10.77.3.4-10.77.9.1",), ("10.77.1.0/24", "10.77.9.9")]
)
def test_networks_addresses_and_ranges_behind_one_gateway_have_one_route(lab, words):
    assert route_to(*words) == BEHIND


def test_a_host_route_and_a_default_route_are_routes_too(lab):
    with route(lab, "10.80.1.1 via 10.76.0.1"), route(lab, "default via 10.76.0.1"):
        assert route_to("10.80.1.1") == BEHIND
        assert route_to("10.81.0.0/24") == BEHIND
        assert route_to("10.77.5.0-10.77.5.9", "10.80.1.1") == BEHIND


def test_the_gateway_is_found_by_a_packet_that_dies_there(lab):
    lab.scanner.ip("neigh flush dev lab0")
    with lab.target.inside():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    with wire:
        wire.settimeout(0.2)
        assert route_to("10.77.0.0/16") == BEHIND
        heard = []
        try:
            while True:
                heard.append(wire.recvfrom(200))
        except TimeoutError:
            pass

    datagrams = [
        packet for packet, (_, protocol, *_) in heard if protocol == ETH_P_IP and packet[9] == socket.IPPROTO_UDP
    ]
    assert {packet[8] for packet in datagrams} == {1}


def test_a_gateway_that_is_known_is_not_asked_again(lab):
    route_to("10.77.0.0/16")
    before = lab.packets()

    assert route_to("10.77.4.0/24") == BEHIND
    assert lab.packets() == before


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("10.76.0.1", "on our own wire"),
        ("10.76.0.0/30", "on our own wire"),
        ("10.76.0.2", "an address of this machine"),
        ("127.0.0.1", "an address of this machine"),
        ("127.0.0.0/8", "an address of this machine"),
        ("10.99.0.0/24", "no route"),
        ("10.0.0.0/8", "several ways"),
        ("fd77::/64", "IPv4 only"),
    ],
)
def test_what_cannot_be_swept_is_said(lab, word, why):
    with pytest.raises(CouldNotLook, match=why):
        route_to(word)


def test_a_hole_within_a_network_makes_two_ways_of_it(lab):
    with route(lab, "10.77.5.0/24 dev lab0"):
        with pytest.raises(CouldNotLook, match="several ways"):
            route_to("10.77.0.0/16")
        assert route_to("10.77.6.0/24") == BEHIND


def test_two_gateways_make_two_ways(lab):
    with route(lab, "10.82.0.0/24 via 10.76.0.9 dev lab0 onlink"), pytest.raises(CouldNotLook, match="several ways"):
        route_to("10.77.0.0/24", "10.82.0.0/24")


def test_a_network_that_is_thrown_away_has_no_route(lab):
    with route(lab, "blackhole 10.83.0.0/24"), pytest.raises(CouldNotLook, match="no route"):
        route_to("10.83.0.0/24")


def test_a_tunnel_is_no_way_for_a_sweep(lab):
    lab.scanner.ip("tuntap add mode tun name vpn0", "link set vpn0 up")
    try:
        lab.scanner.ip("route add 10.84.0.0/24 via 10.76.0.9 dev vpn0 onlink src 10.76.0.2")
        with pytest.raises(CouldNotLook, match="no Ethernet"):
            route_to("10.84.0.0/24")
    finally:
        lab.scanner.ip("link delete vpn0")


def test_a_gateway_that_does_not_answer_is_said(lab):
    with route(lab, "10.85.0.0/24 via 10.76.0.9 dev lab0 onlink"), pytest.raises(CouldNotLook, match="does not answer"):
        route_to("10.85.0.0/24")


@pytest.mark.parametrize(
    "word", ["web-7", "10.77.0.1/16", "10.77.0.9-10.77.0.1", "-batch", "10.77.0.0/24\nroute flush", ""]
)
def test_what_is_no_network_is_refused(word):
    with pytest.raises(BadTarget):
        route_to(word)


def test_no_words_have_no_route():
    with pytest.raises(BadTarget):
        route_to()


@pytest.mark.parametrize(
    ("said", "why"), [("echo '[{'", "JSON"), ("echo broken >&2; exit 255", "broken"), ("echo 5", "JSON")]
)
def test_an_ip_that_says_something_else_is_not_believed(tmp_path, monkeypatch, said, why):
    (tmp_path / "ip").write_text(f"#!/bin/sh\n{said}\n")
    (tmp_path / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolFailed, match=why):
        route_to("10.77.0.0/24")
