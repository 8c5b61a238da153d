"""A wide network behind a gateway: zmap finds what answers, nmap identifies it, and nobody who is known is missed."""

import os
from collections.abc import Iterator
from ipaddress import ip_network
from shutil import which

import pytest

from infra.lab.routed import Population, RoutedLab, routed_lab

PORTS = (22, 80, 443)
NETWORK = ip_network("10.77.16.0/20")
# As many addresses as a sweep is chosen for, without the one that is excluded and the one that bears a name.
ESTATE = """
[[scopes]]
name = "wide"
authorised_by = "the tests"
networks = ["10.77.16.0/20", "10.77.64.0/28"]
exclude = ["10.77.20.20"]
ports = "tcp/22,80,443"
versions = false
pace = 20000

[[assets]]
name = "gate.lab"
addresses = ["10.77.16.1"]
"""
KILLED_ONCE = """#!/bin/sh
# zmap is killed when it is about to ask port 80 for the first time.
case " $* " in
*" -p 80 "*) mkdir "{once}" 2>/dev/null && kill -9 $$ ;;
esac
exec {zmap} "$@"
"""
Change = tuple[str, str, str, str]


def population() -> Population:
    """Forty hosts, of which every fourth ignores pings, and one that is excluded."""
    addresses = ["10.77.16.1", *(str(NETWORK[100 * number]) for number in range(1, 40)), "10.77.20.20"]
    open_ports = {address: frozenset(PORTS[number % 3 :]) for number, address in enumerate(addresses)}
    return Population(open_ports, frozenset(addresses[::4]))


@pytest.fixture
def wide_lab() -> Iterator[RoutedLab]:
    with routed_lab(population(), PORTS) as lab:
        yield lab


def test_a_wide_network_is_seen_whole_and_what_changes_there_is_told(roundsman_in, wide_lab: RoutedLab) -> None:
    truth: set[Change] = {
        ("first_observed", "proved", "host:gate.lab" if address == "10.77.16.1" else f"host:{address}", f"tcp/{port}")
        for address, ports in wide_lab.truth().items()
        if address != "10.77.20.20"
        for port in ports
    }
    nft(wide_lab, "add counter netdev lab excluded")
    nft(wide_lab, "insert rule netdev lab arriving ip daddr 10.77.20.20 counter name excluded")
    with roundsman_in(wide_lab.scanner) as roundsman:
        roundsman.describes(ESTATE)
        first = roundsman.scan()
        assert (first.code, first.said["state"]) == (0, "complete")
        assert first.said["choice"].startswith("zmap+nmap: 4,108 addresses are many")
        assert first.said["engine"].partition(", ")[2].startswith("zmap ")
        assert first.changes == truth

        tools = roundsman.folder / "tools"
        tools.mkdir()
        once = tools / "once"
        (tools / "zmap").write_text(KILLED_ONCE.format(once=once, zmap=which("zmap")))
        (tools / "zmap").chmod(0o755)
        roundsman.environment["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
        killed = roundsman.scan()
        assert once.exists()
        assert (killed.code, killed.said["state"], killed.changes) == (0, "complete", set())

        nft(wide_lab, "add element netdev lab live { 10.77.30.30 }")
        nft(wide_lab, "add element netdev lab open { 10.77.30.30 . 80 }")
        # One refuses from now on, one swallows: only nmap, which asks the known in full, may suspect it.
        nft(wide_lab, f"delete element netdev lab open {{ {NETWORK[300]} . 22 }}")
        nft(wide_lab, f"insert rule netdev lab arriving ip daddr {NETWORK[600]} tcp dport 443 drop")
        changed = roundsman.scan()
        assert changed.changes == {
            ("appeared", "likely", "host:10.77.30.30", "tcp/80"),
            ("gone", "proved", f"host:{NETWORK[300]}", "tcp/22"),
            ("suspected_gone", "suspected", f"host:{NETWORK[600]}", "tcp/443"),
        }
    assert "packets 0 " in nft(wide_lab, "list counter netdev lab excluded")


def nft(lab: RoutedLab, order: str) -> str:
    return lab.target.must(("nft", *order.split()))
