"""Which ports are findings, and how bad each one is."""

import ipaddress

from estate.assets import Asset, canonical_address
from estate.findings import Detection, Rule, Ruling, Severity
from estate.observations import Attributes

TARPIT_KEY = "anomaly/tarpit"
_TARPIT_OPEN = 128
_TARPIT_SHARE = 0.9

UNEXPECTED_PORT = Rule(
    "ports",
    "unexpected-port",
    "A port answers that nobody expects",
    "Stop the service or close the port; if it belongs there, say so under [[expected]] in estate.toml.",
)
EXPECTED_PORT_CLOSED = Rule(
    "ports",
    "expected-port-closed",
    "A port that should answer is proved closed",
    "Start the service again; if it was retired, take the port out of [[expected]] in estate.toml.",
)
TARPIT = Rule(
    "ports",
    "tarpit",
    "Nearly every port answers: a tarpit, a honeypot or a middlebox stands in between",
    "Find out what answers in place of the host; its single ports are not reported while it does.",
)

_CRITICAL = "docker kubelet etcd-client"
_HIGH = """
    telnet rdp ms-wbt-server vnc vnc-http x11 exec login shell rsh wsman winrm jdwp rmiregistry java-rmi ajp13
    microsoft-ds netbios-ssn smb nfs rsync tftp snmp ipmi asf-rmcp smart-install modbus s7comm iso-tsap bacnet
    redis memcached memcache mongodb mongod elasticsearch postgresql mysql ms-sql-s oracle oracle-tns couchdb
    cassandra cassandra-native zookeeper kafka etcd
"""
_LOW = "http https ssl/http domain ntp"
_SERVICE_SEVERITY = {
    **dict.fromkeys(_CRITICAL.split(), Severity.CRITICAL),
    **dict.fromkeys(_HIGH.split(), Severity.HIGH),
    **dict.fromkeys(_LOW.split(), Severity.LOW),
}
_PORT_SEVERITY = {
    **dict.fromkeys(("tcp/2375", "tcp/10250", "tcp/2379"), Severity.CRITICAL),
    **dict.fromkeys(
        (
            *(f"tcp/{port}" for port in (23, 139, 445, 512, 513, 514, 873, 1099, 1433, 1521, 2049, 2376, 2380, 3306)),
            *(f"tcp/{port}" for port in (3389, 4786, 5432, 5900, 5901, 5984, 5985, 5986, 6000, 6379, 8009, 9042)),
            *(f"tcp/{port}" for port in (9092, 9200, 9300, 10255, 11211, 27017, 502, 102)),
            *(f"udp/{port}" for port in (69, 161, 623, 11211, 47808)),
        ),
        Severity.HIGH,
    ),
    **dict.fromkeys(("tcp/80", "tcp/443", "tcp/53", "udp/53", "udp/123"), Severity.LOW),
}
"""What an answering port is worth before anybody asked which service it is: remote control, data stores and
cleartext log-ins are worse than a web page. The list is a judgement, kept here so that it can be argued with."""

_DESCRIBED = ("tunnel", "service", "product", "version", "extrainfo")


def severity(asset: Asset, key: str, value: Attributes, vantage: str) -> Severity:
    """How bad an unexpected answer is: by the probed service and the port's usual one, then by who can reach it.

    The worse of the two counts, since a probe names what carries (HTTP) and not what is carried (the Docker API, a
    kubelet, a search index). Reached from the internet is one step worse; a loopback address, which only the machine
    itself reaches, one better.
    """
    usual = _PORT_SEVERITY.get(key)
    service = dict(value).get("service")
    probed = _SERVICE_SEVERITY.get(service.lower(), Severity.MEDIUM) if service else None
    rated = max((found for found in (usual, probed) if found), key=lambda found: found.rank, default=Severity.MEDIUM)
    if vantage == "internet":
        return rated.raised()
    address = canonical_address(asset.key)
    if address is not None and ipaddress.ip_address(address).is_loopback:
        return rated.raised(-1)
    return rated


def describe(key: str, value: Attributes) -> str:
    """The service behind a port in one line, as far as it was probed."""
    told = dict(value)
    return " ".join(told[name] for name in _DESCRIBED if name in told) or key


def unexpected_port(
    asset: Asset, key: str, value: Attributes, detection: Detection, *, expected: bool, vantage: str
) -> Ruling:
    """The finding of an open port; one that is expected (by now) is a finding no more."""
    return Ruling(
        UNEXPECTED_PORT,
        asset,
        key,
        severity(asset, key, value, vantage),
        Detection.ABSENT if expected else detection,
        f"{key} is open on {asset.key}",
        describe(key, value),
    )


def expected_port_closed(asset: Asset, key: str, detection: Detection, reason: str) -> Ruling:
    """The finding of an expected port that is proved closed; `detection` speaks of the problem, not of the port."""
    return Ruling(
        EXPECTED_PORT_CLOSED, asset, key, Severity.MEDIUM, detection, f"{key} should answer on {asset.key}", reason
    )


def tarpit(asset: Asset, detection: Detection, evidence: str) -> Ruling:
    """The one finding of a host on which everything answers."""
    return Ruling(TARPIT, asset, TARPIT_KEY, Severity.MEDIUM, detection, f"every port answers on {asset.key}", evidence)


def is_tarpit(open_ports: int, asked: int) -> bool:
    """Whether so many open ports are one anomaly and no services (natlas drops hosts above 500, IVRE marks them)."""
    return open_ports >= _TARPIT_OPEN and open_ports >= _TARPIT_SHARE * asked
