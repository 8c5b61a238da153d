"""What zmap is asked, as a value that cannot say anything else."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network

from estate.assets import canonical_address
from estate.coverage import Keys
from estate.errors import BadTarget
from estate.spans import merge_spans
from tasks.ports.nmap_question import INTERFACE

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")


@dataclass(frozen=True, slots=True)
class ZmapQuestion:
    """One sweep: one probe to each port of each address, in an order that spreads over the networks.

    Attributes:
        networks: IPv4 networks or addresses, canonical, all behind one gateway (see `route_to`).
        exclusions: networks or addresses within them that are left out.
        ports: TCP ports.
        pace: packets per second, all ports together.
        deadline: seconds until the sweep is ended.
        cooldown: seconds for which late answers are awaited.
        seed: chooses the order.
    """

    networks: tuple[str, ...]
    exclusions: tuple[str, ...]
    ports: tuple[int, ...]
    pace: int
    interface: str
    source: str
    gateway_mac: str
    deadline: float
    cooldown: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what zmap could misread: for one, an empty list of networks, which it takes for the whole Internet.

        Raises:
            BadTarget: a network, port, interface or address that is none, or a number that makes no sense.
        """
        for word in (*self.networks, *self.exclusions):
            try:
                canonical = str(IPv4Network(word))
            except ValueError as error:
                raise BadTarget(f"{word!r} is not an IPv4 network: {error}") from None
            if canonical not in {word, f"{word}/32"}:
                raise BadTarget(f"{word!r} is spelled {canonical}")
        if not self.ports or not all(0 <= port <= 65535 for port in self.ports):
            raise BadTarget("a sweep asks ports between 0 and 65535")
        if not INTERFACE.match(self.interface):
            raise BadTarget(f"{self.interface!r} is not the name of a network interface")
        if canonical_address(self.source) != self.source or ":" in self.source:
            raise BadTarget(f"{self.source!r} is not an IPv4 address")
        if not _MAC.match(self.gateway_mac):
            raise BadTarget(f"{self.gateway_mac!r} is not a hardware address")
        if self.pace < 1 or self.deadline <= 0 or self.cooldown < 1 or not 1 <= self.seed < 1 << 31:
            raise BadTarget("pace, deadline, cool-down and seed are positive numbers")
        if not self.addresses:
            raise BadTarget("a sweep of no address at all")

    @property
    def addresses(self) -> int:
        """How many addresses are asked."""
        return len(_all(self.networks) - _all(self.exclusions))


def _all(words: tuple[str, ...]) -> Keys:
    networks = [IPv4Network(word) for word in words]
    return Keys({"4": merge_spans((int(found[0]), int(found[-1])) for found in networks)})
