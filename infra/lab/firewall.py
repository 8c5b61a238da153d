"""The firewall of a lab's target: rules that make hosts silent, rude, lossy or boundless."""

from typing import Literal

from infra.lab.namespaces import Namespace

Refusal = Literal["tcp-reset", "admin-prohibited", "port-unreachable", "host-unreachable"]

_CALM = """
table inet lab
delete table inet lab
table inet lab {
    chain redirected { type nat hook prerouting priority dstnat; }
    chain arriving { type filter hook input priority filter; }
}
"""


class Firewall:
    """Rules at the target's door; each method adds one, `calm` forgets them all.

    `ports` is spelled as nft does, `22` or `1-1024`, and empty for all; only what arrives is filtered, so that
    the scanner's own kernel never notices.
    """

    def __init__(self, target: Namespace) -> None:
        """Take charge of this namespace's rules."""
        self._target = target
        self.calm()

    def calm(self) -> None:
        """Let everything through again."""
        self._target.must(("nft", "-f", "-"), stdin=_CALM)

    def drop(self, address: str, ports: str = "") -> None:
        """Swallow TCP and UDP packets to this host; it still answers ARP, neighbour discovery and ping."""
        self._add("arriving", f"{_to(address)} meta l4proto {{ tcp, udp }} {_ports(ports)} drop")

    def refuse(self, address: str, ports: str = "", by: Refusal = "tcp-reset") -> None:
        """Refuse TCP to this host: by RST, as a closed port does, or by an ICMP (v6) error of this type."""
        answer = "tcp reset" if by == "tcp-reset" else f"icmpx {by}"
        self._add("arriving", f"{_to(address)} meta l4proto tcp {_ports(ports)} reject with {answer}")

    def ban(self, *sources: str) -> None:
        """Swallow all TCP, UDP and ping from these addresses, as an intrusion prevention system does."""
        for source in sources:
            self._add("arriving", f"{_family(source)} saddr {source} meta l4proto {{ tcp, udp, icmp }} drop")

    def lose(self, percent: float) -> None:
        """Swallow this share of the arriving TCP and UDP packets, at random."""
        self._add("arriving", f"meta l4proto {{ tcp, udp }} numgen random mod 10000 < {round(percent * 100)} drop")

    def tarpit(self, address: str, port: int) -> None:
        """Lead every TCP port of this host to one of its listeners, so that all 65,535 seem open."""
        where = f"[{address}]" if ":" in address else address
        self._add("redirected", f"{_to(address)} meta l4proto tcp dnat {_family(address)} to {where}:{port}")

    def _add(self, chain: str, rule: str) -> None:
        self._target.must(("nft", "-f", "-"), stdin=f"add rule inet lab {chain} {rule}\n")


def _family(address: str) -> str:
    return "ip6" if ":" in address else "ip"


def _to(address: str) -> str:
    return f"{_family(address)} daddr {address}"


def _ports(ports: str) -> str:
    return f"th dport {{ {ports} }}" if ports else ""
