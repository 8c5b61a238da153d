"""Reports such as nmap writes with `-v` of a large network, as large and as much changed as a benchmark wants them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

PORTS = 1024
_GROUP = 4096
_FIRST = IPv4Address("10.77.0.0")
_SERVICES = {22: "ssh", 25: "smtp", 53: "domain", 80: "http", 143: "imap", 443: "https", 445: "microsoft-ds"}


@dataclass(frozen=True, slots=True)
class Network:
    """Hosts with so many open ports each, and so many extra ones with one more; the same seed, the same network."""

    hosts: int
    open_ports: int
    extra: int = 0
    seed: int = 1

    @property
    def asked(self) -> str:
        """Its addresses, as a range."""
        return f"{_FIRST}-{_FIRST + self.hosts - 1}"

    @property
    def ports(self) -> int:
        """How many ports are open in all."""
        return self.hosts * self.open_ports + self.extra

    def state(self, changed: float = 0.0) -> Iterator[list[int]]:
        """The open ports of each host; of the changed share of hosts, one port moved."""
        usual, later = random.Random(self.seed), random.Random(self.seed + 1)
        for number in range(self.hosts):
            ports = usual.sample(range(1, PORTS + 1), self.open_ports + (number < self.extra))
            if later.random() < changed:
                ports[0] = later.choice([port for port in range(1, PORTS + 1) if port not in ports])
            yield sorted(ports)


def write_report(network: Network, path: Path, *, start: int, changed: float = 0.0) -> None:
    """Write the report of a scan that began at `start`: no two scans share their times, so no two share their bytes."""
    noise = random.Random(start)
    args = f"nmap -v -n -sS -p 1-{PORTS} -oX report.xml {network.asked}"
    states = network.state(changed)
    with path.open("w", encoding="ascii") as out:
        out.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n'
            f"<!-- Nmap 7.93 scan initiated as: {args} -->\n"
            f'<nmaprun scanner="nmap" args="{args}" start="{start}" version="7.93" xmloutputversion="1.05">\n'
            f'<scaninfo type="syn" protocol="tcp" numservices="{PORTS}" services="1-{PORTS}"/>\n'
            '<verbose level="1"/>\n<debugging level="0"/>\n'
        )
        for first in range(0, network.hosts, _GROUP):
            group = [str(_FIRST + number) for number in range(first, min(first + _GROUP, network.hosts))]
            out.writelines(map(_hint, group))
            out.writelines(_host(address, next(states), start, noise) for address in group)
        out.write(
            f'<runstats><finished time="{start + 3600}" timestr="" elapsed="3600" summary="" exit="success"/>'
            f'<hosts up="{network.hosts}" down="0" total="{network.hosts}"/>\n</runstats>\n</nmaprun>\n'
        )


def _hint(address: str) -> str:
    return (
        f'<hosthint><status state="up" reason="echo-reply" reason_ttl="63"/>\n<address addr="{address}" '
        'addrtype="ipv4"/>\n<hostnames>\n</hostnames>\n</hosthint>\n'
    )


def _host(address: str, ports: list[int], start: int, noise: random.Random) -> str:
    begun = start + noise.randrange(3000)
    closed = PORTS - len(ports)
    listed = "".join(
        f'<port protocol="tcp" portid="{port}"><state state="open" reason="syn-ack" reason_ttl="63"/>'
        f'<service name="{_SERVICES.get(port, "unknown")}" method="table" conf="3"/></port>\n'
        for port in ports
    )
    return (
        f'<host starttime="{begun}" endtime="{begun + noise.randrange(600)}"><status state="up" reason="echo-reply" '
        f'reason_ttl="63"/>\n<address addr="{address}" addrtype="ipv4"/>\n<hostnames>\n</hostnames>\n<ports>'
        f'<extraports state="closed" count="{closed}">\n'
        f'<extrareasons reason="reset" count="{closed}" proto="tcp" ports="{_spell_rest(ports)}"/>\n</extraports>\n'
        f'{listed}</ports>\n<times srtt="{noise.randrange(100, 9999)}" rttvar="{noise.randrange(100, 9999)}" '
        'to="100000"/>\n</host>\n'
    )


def _spell_rest(ports: list[int]) -> str:
    spelled = []
    low = 1
    for port in (*ports, PORTS + 1):
        if port > low:
            spelled.append(f"{low}-{port - 1}" if port - 1 > low else str(low))
        low = port + 1
    return ",".join(spelled)
