"""The on-link lab: a scanner and a handful of hosts on one wire, each of which can be hurt on purpose.

    scanner 10.77.0.1, fd77::1 ── veth ── 10.77.0.2, .3, .4, fd77::6 … (all in one target namespace)

Needs root, iproute2 and nft, and has no default route: nothing leaves the wire.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from infra.lab.firewall import Firewall
from infra.lab.listeners import Listeners, Mode, Service
from infra.lab.namespaces import LabError, Namespace, run_in, sweep_leftovers, two_namespaces

__all__ = [
    "SCANNER",
    "SCANNER_V6",
    "THREE_HOSTS",
    "Host",
    "LabError",
    "Mode",
    "OnLinkLab",
    "Service",
    "onlink_lab",
    "run_in",
    "sweep_leftovers",
]

SCANNER = "10.77.0.1"
SCANNER_V6 = "fd77::1"
WIRE = "lab0"
# Locally administered, and the same every time so that regenerated evidence differs in times only.
SCANNER_MAC = "02:00:00:77:00:01"
TARGET_MAC = "02:00:00:77:00:02"

_QUIET = {
    # An address that goes down must not take its neighbours or its IPv6 addresses along.
    "net.ipv4.conf.all.promote_secondaries": 1,
    "net.ipv6.conf.all.keep_addr_on_down": 1,
    # ICMP refusals are evidence here; a limiter would turn some of them into silence.
    "net.ipv4.icmp_ratelimit": 0,
    "net.ipv4.icmp_msgs_per_sec": 100_000,
    "net.ipv4.icmp_msgs_burst": 100_000,
    "net.ipv6.icmp.ratelimit": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
}


@dataclass(frozen=True, slots=True)
class Host:
    """One address and what it offers."""

    address: str
    services: tuple[Service, ...] = ()


_SERVICES = (
    Service(22, Mode.BANNER, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
    Service(80, Mode.HTTP, b"nginx/1.22.1"),
    Service(443),
    Service(8080, Mode.HTTP, b"Apache/2.4.57"),
)
THREE_HOSTS = tuple(Host(f"10.77.0.{last}", _SERVICES) for last in (2, 3, 4))


@dataclass(slots=True)
class OnLinkLab:
    """A running lab; what its methods break stays broken until they mend it or the lab ends."""

    scanner: Namespace
    target: Namespace
    listeners: Listeners
    firewall: Firewall
    scanner_mac: str = SCANNER_MAC
    target_mac: str = TARGET_MAC
    interface: str = WIRE
    _up: set[str] = field(default_factory=set)
    _open: dict[str, dict[tuple[str, int], Service]] = field(default_factory=dict)

    def command(self, argv: Sequence[str]) -> list[str]:
        """The same command, started where the scanner is."""
        return self.scanner.command(argv)

    def run(self, argv: Sequence[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a scanner to its end."""
        return self.scanner.run(argv, timeout)

    def inside(self) -> AbstractContextManager[None]:
        """Move this thread to where the scanner is; see `Namespace.inside` for what does not move along."""
        return self.scanner.inside()

    def add(self, host: Host) -> None:
        """Put a host on the wire."""
        self.bring_up(host.address)
        for service in host.services:
            self.listen(host.address, service)

    def bring_up(self, address: str) -> None:
        """Switch a host on; its services are as they were."""
        nodad = " nodad" if ":" in address else ""
        self.target.ip(f"address replace {address}/{_prefix(address)} dev {WIRE}{nodad}")
        self._up.add(address)

    def take_down(self, address: str) -> None:
        """Switch a host off: not even ARP is answered."""
        self.target.ip(f"address delete {address}/{_prefix(address)} dev {WIRE}")
        self._up.discard(address)

    def link_down(self) -> None:
        """Pull the scanner's cable, as far as its kernel can tell."""
        self.scanner.ip(f"link set {WIRE} down")

    def link_up(self) -> None:
        """Plug it in again."""
        self.scanner.ip(f"link set {WIRE} up")

    def ban_scanner(self) -> None:
        """Make every host ignore the scanner; ARP and neighbour discovery still show them."""
        self.firewall.ban(SCANNER, SCANNER_V6)

    def listen(self, address: str, service: Service) -> None:
        """Open a port."""
        self.listeners.open(address, service)
        self._open.setdefault(address, {})[service.proto, service.port] = service

    def hang_up(self, address: str, port: int, proto: str = "tcp") -> None:
        """Close a port: it now refuses."""
        self.listeners.close(address, self._open[address].pop((proto, port)))

    def truth(self) -> dict[str, frozenset[int]]:
        """The TCP ports that are open on each host that is up, firewall aside."""
        return {
            address: frozenset(port for proto, port in self._open.get(address, {}) if proto == "tcp")
            for address in sorted(self._up)
        }


@contextmanager
def onlink_lab(hosts: Sequence[Host] = THREE_HOSTS) -> Iterator[OnLinkLab]:
    """Build the lab, and remove it whatever happens inside the block.

    Raises:
        LabError: not root, or a tool is missing.
    """
    with two_namespaces() as (scanner, target), Listeners(target.command) as listeners:
        for namespace in (scanner, target):
            namespace.sysctl(_QUIET)
        scanner.ip(
            f"link add {WIRE} address {SCANNER_MAC} type veth peer {WIRE} address {TARGET_MAC} netns {target.name}",
            f"address add {SCANNER}/24 dev {WIRE}",
            f"address add {SCANNER_V6}/64 dev {WIRE} nodad",
            f"link set {WIRE} up",
        )
        target.ip(f"link set {WIRE} up")
        lab = OnLinkLab(scanner, target, listeners, Firewall(target))
        for host in hosts:
            lab.add(host)
        yield lab


def _prefix(address: str) -> int:
    return 64 if ":" in address else 24
