"""The routed lab: a whole /16 behind one gateway, most of it dead, whose open ports are known exactly.

    scanner 10.76.0.2 ── veth ── gateway 10.76.0.1 ── 10.77.0.0/16, every address local to the target namespace

What is dead, deaf or closed is decided by nft sets at the wire's far end, before anything that could be scarce: no
connection tracking, no ARP per host, no ICMP limiter. Needs root, iproute2 and nft (Linux 5.15 for reject at ingress).
"""

import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from types import MappingProxyType

from infra.lab.listeners import Listeners, Mode, Service
from infra.lab.namespaces import Namespace, two_namespaces

NETWORK = IPv4Network("10.77.0.0/16")
SCANNER = "10.76.0.2"
GATEWAY = "10.76.0.1"
GATEWAY_MAC = "02:00:00:76:00:01"
SCANNER_MAC = "02:00:00:76:00:02"
WIRE = "lab0"
FIFTEEN_PORTS = (21, 22, 25, 53, 80, 110, 143, 443, 445, 993, 3306, 3389, 5432, 8080, 8443)

_UNLIMITED = {
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.icmp_ratelimit": 0,
    "net.ipv4.icmp_msgs_per_sec": 1_000_000,
    "net.ipv4.icmp_msgs_burst": 1_000_000,
    "net.ipv4.tcp_max_syn_backlog": 65_536,
    "net.core.somaxconn": 65_536,
}


@dataclass(frozen=True, slots=True)
class Population:
    """Who lives in the /16: open ports by address, and who ignores pings."""

    open_ports: Mapping[str, frozenset[int]]
    deaf: frozenset[str]


@dataclass(frozen=True, slots=True)
class RoutedLab:
    """A running lab."""

    scanner: Namespace
    target: Namespace
    population: Population
    ports: tuple[int, ...]
    network: IPv4Network = NETWORK
    interface: str = WIRE
    source: str = SCANNER
    gateway_mac: str = GATEWAY_MAC

    def command(self, argv: Sequence[str]) -> list[str]:
        """The same command, started where the scanner is."""
        return self.scanner.command(argv)

    def run(self, argv: Sequence[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a scanner to its end."""
        return self.scanner.run(argv, timeout)

    def inside(self) -> AbstractContextManager[None]:
        """Move this thread to where the scanner is; see `Namespace.inside` for what does not move along."""
        return self.scanner.inside()

    def truth(self) -> dict[str, frozenset[int]]:
        """The open TCP ports of each live host."""
        return dict(self.population.open_ports)

    def packets(self) -> int:
        """How many IPv4 packets the scanner's side has sent to the /16 so far."""
        counter = self.target.must(("nft", "list", "counter", "netdev", "lab", "arrived"))
        return int(counter.partition("packets ")[2].split()[0])


def populate(
    seed: int, live: int = 1000, deaf: int = 300, ports: Sequence[int] = FIFTEEN_PORTS, most: int = 6
) -> Population:
    """Choose who lives where: each live host has one to `most` of the ports open; the same seed, the same world."""
    chance = random.Random(seed)
    # Neither the first nor the last address, which some tools take for the network's own.
    numbers = chance.sample(range(1, NETWORK.num_addresses - 1), live)
    addresses = [str(NETWORK[number]) for number in numbers]
    open_ports = {
        address: frozenset(chance.sample(list(ports), chance.randint(1, min(most, len(ports)))))
        for address in addresses
    }
    return Population(MappingProxyType(open_ports), frozenset(addresses[:deaf]))


@contextmanager
def routed_lab(
    population: Population, ports: Sequence[int] = FIFTEEN_PORTS, mode: Mode = Mode.CLOSE, payload: bytes = b""
) -> Iterator[RoutedLab]:
    """Build the lab, and remove it whatever happens inside the block; `mode` is what every open port does.

    Raises:
        LabError: not root, or a tool is missing.
    """
    with two_namespaces() as (scanner, target), Listeners(target.command) as listeners:
        for namespace in (scanner, target):
            namespace.sysctl(_UNLIMITED)
        scanner.ip(
            f"link add {WIRE} address {SCANNER_MAC} type veth peer {WIRE} address {GATEWAY_MAC} netns {target.name}",
            f"address add {SCANNER}/30 dev {WIRE}",
            f"link set {WIRE} txqueuelen 10000 up",
        )
        target.ip(
            f"address add {GATEWAY}/30 dev {WIRE}",
            f"link set {WIRE} txqueuelen 10000 up",
            f"route add local {NETWORK} dev lo",
        )
        scanner.ip(f"route add {NETWORK} via {GATEWAY}")
        target.must(("nft", "-f", "-"), stdin=_rules(population, ports))
        for port in ports:
            listeners.open("0.0.0.0", Service(port, mode, payload))
        yield RoutedLab(scanner, target, population, tuple(ports))


def _rules(population: Population, ports: Sequence[int]) -> str:
    """The /16 as one ruleset; what is closed on a live host refuses by RST."""
    live = ", ".join(population.open_ports)
    deaf = ", ".join(population.deaf)
    pairs = ", ".join(f"{address} . {port}" for address, ports in population.open_ports.items() for port in ports)
    asked = ", ".join(str(port) for port in ports)
    return f"""
table netdev lab {{
    counter arrived {{ }}
    set live {{ type ipv4_addr; elements = {{ {live} }}; }}
    set deaf {{ type ipv4_addr; elements = {{ {deaf} }}; }}
    set open {{ type ipv4_addr . inet_service; elements = {{ {pairs} }}; }}
    chain arriving {{
        type filter hook ingress device "{WIRE}" priority 0;
        ip daddr {NETWORK} counter name arrived
        ip daddr {NETWORK} ip daddr != @live drop
        ip daddr @deaf ip protocol icmp drop
        tcp dport {{ {asked} }} ip daddr {NETWORK} ip daddr . tcp dport != @open jump shut
    }}
    chain shut {{
        tcp flags & rst == rst drop
        reject with tcp reset
    }}
}}
"""
