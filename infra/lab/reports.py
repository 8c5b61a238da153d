"""Reports as nmap would write them, of hosts that do not exist: for estates larger or stranger than a lab can hold."""

from collections.abc import Mapping

from estate.coverage import Keys

Hosts = Mapping[str, Mapping[str, str] | str]
"""By address: `down` or `timeout`, or the state of its ports: `open`, `silent`, `closed`, or `open ssh OpenSSH 9.2`."""

_STATES = {"silent": ("filtered", "no-response"), "closed": ("closed", "reset")}
_TYPES = (("tcp", "syn"), ("udp", "udp"))


def nmap_report(hosts: Hosts, asked: Keys, version: str = "7.93") -> bytes:
    """What nmap would say of these hosts; a port that a host does not mention is closed."""
    rows = [f'<nmaprun scanner="nmap" args="nmap -v" start="1767225600" version="{version}">']
    for family, kind in _TYPES:
        ports = str(asked & Keys.parse(f"{family}/*")).partition("/")[2]
        if ports:
            rows.append(f'<scaninfo type="{kind}" protocol="{family}" services="{ports}"/>')
    rows += [_host(address, states, asked) for address, states in hosts.items()]
    up = sum(states != "down" for states in hosts.values())
    counts = f'<hosts up="{up}" down="{len(hosts) - up}" total="{len(hosts)}"/>'
    rows.append(f'<runstats><finished time="1767225601" exit="success"/>{counts}</runstats></nmaprun>')
    return "\n".join(rows).encode()


def _host(address: str, states: Mapping[str, str] | str, asked: Keys) -> str:
    late = ' timedout="true"' if states == "timeout" else ""
    status = 'state="down" reason="no-response"' if states == "down" else 'state="up" reason="arp-response"'
    kind = "ipv6" if ":" in address else "ipv4"
    ports = ""
    if not isinstance(states, str):
        ports = f"<ports>{''.join(_port(key, states.get(key, 'closed')) for key in asked)}</ports>"
    return f'<host{late}><status {status}/><address addr="{address}" addrtype="{kind}"/>{ports}</host>'


def _port(key: str, told: str) -> str:
    family, _, number = key.partition("/")
    word, _, service = told.partition(" ")
    name, _, product = service.partition(" ")
    state, reason = _STATES.get(word, (word, "syn-ack"))
    probed = f'<service name="{name}" product="{product}" method="probed"/>' if name else ""
    return f'<port protocol="{family}" portid="{number}"><state state="{state}" reason="{reason}"/>{probed}</port>'
