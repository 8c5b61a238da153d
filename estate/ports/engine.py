"""Choose who asks: nmap alone, or zmap to find what answers and nmap to identify it."""

from dataclasses import dataclass

from estate.coverage import Keys
from estate.ports.plan import Engine

WIDE = 4_096
"""From this many addresses on a sweep pays.

Both held to 20,000 packets/s, nmap sends two probes to each silent key where zmap sends one, and costs several times
its processor time; but each zmap sweep ends with a cool-down, starts anew for every port, and proves no silence.
"""
MOST_SWEPT_PORTS = 1_000
"""Debian's zmap asks one port a run: at some 60 ms to start each (measured), more ports spend their time starting."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who asks, and why: said in the log and on the run."""

    engine: Engine
    why: str


def choose_engine(addresses: int, keys: Keys, *, raw: bool, zmap: bool, routed: bool) -> Choice:
    """The engine that fits the size of the question and the rights that we have.

    Args:
        addresses: how many are asked.
        keys: what is asked of each.
        raw: whether raw packets may be sent, without which there is neither SYN scan nor sweep.
        zmap: whether zmap is installed and may send raw packets too.
        routed: whether all addresses are IPv4 and reached through a gateway; zmap cannot ask for the hardware
            address of each neighbour.
    """
    if not raw:
        return Choice("nmap-connect", "raw packets need a right that we lack, so nmap opens whole connections")
    ports = sum(high - low + 1 for low, high in keys.spans("tcp"))
    if not ports:
        return Choice("nmap-syn", "no TCP ports are asked, and zmap sweeps nothing else")
    if addresses < WIDE:
        return Choice("nmap-syn", "few enough addresses for nmap to ask each of them in full")
    if ports > MOST_SWEPT_PORTS:
        return Choice("nmap-syn", f"{ports:,} ports are too many to sweep one by one")
    if not routed:
        return Choice("nmap-syn", "some of the addresses have no IPv4 gateway before them, and zmap needs one")
    if not zmap:
        return Choice("nmap-syn", f"zmap is missing or lacks a right, so nmap asks all {addresses:,} addresses itself")
    return Choice(
        "zmap+nmap", f"{addresses:,} addresses are many: zmap finds what answers, nmap identifies it and asks the known"
    )
