"""The way from here to networks: which interface, which address of ours, and whose hardware address comes first."""

import json
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, summarize_address_range
from pathlib import Path
from tempfile import TemporaryDirectory

from estate.errors import BadTarget, CouldNotLook, ToolFailed
from tasks.supervisor import supervise

Row = Mapping[str, object]

_SECONDS = 20.0
_ANSWER_WITHIN = 2.0
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
_DISCARD = 9
# The states in which the kernel itself would send to a neighbour, see ip-neighbour(8).
_USABLE = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT"})


@dataclass(frozen=True, slots=True)
class Route:
    """One way that leads to all of some networks."""

    interface: str
    source: str
    gateway_mac: str


def route_to(*words: str) -> Route:
    """The one gateway to all of these IPv4 networks, addresses and ranges (`first-last`), as a sweep needs it.

    Nobody behind the gateway is touched: to make the kernel ask for its hardware address, an empty datagram sets out
    with a time to live that ends at the gateway.

    Raises:
        BadTarget: a word is none of these.
        CouldNotLook: some of it is ours, on our own wire, behind a tunnel, reached in another way, or not at all.
    """
    networks = [network for word in words for network in _networks(word)]
    if not networks:
        raise BadTarget("no network was given to find a route to")
    lines: list[str] = []
    for network in networks:
        lines += (f"route show root {network}", f"route get {network[0]}", f"route get {network[-1]}")
    answers = _ip(*lines)
    ways: set[tuple[str, str, str]] = set()
    for network, inside, *ends in zip(networks, answers[::3], answers[1::3], answers[2::3], strict=True):
        if any(row.get("dst") not in {str(network), _short(network)} for row in inside):
            raise CouldNotLook(f"{network} is reached in several ways; name its parts one by one")
        ways.update(_way(network, end) for end in ends)
    if len(ways) > 1:
        raise CouldNotLook(f"{' '.join(words)[:200]} is reached in several ways; name its parts one by one")
    interface, source, gateway = ways.pop()
    if any(link.get("link_type") != "ether" for link in _ip(f"link show dev {interface}")[0]):
        raise CouldNotLook(f"{interface} is no Ethernet, without which a sweep cannot send")
    return Route(interface, source, _hardware_address(gateway, interface, networks[0][0]))


def _networks(word: str) -> Iterator[IPv4Network]:
    first, dash, last = word.partition("-")
    if ":" in word:
        raise CouldNotLook(f"{word}: sweeps speak IPv4 only")
    try:
        if dash:
            yield from summarize_address_range(IPv4Address(first), IPv4Address(last))
        else:
            yield IPv4Network(word)
    except (AddressValueError, ValueError) as error:
        raise BadTarget(f"{word!r} is not a network: {error}") from None


def _short(network: IPv4Network) -> str:
    """As `ip` spells it."""
    return "default" if network.prefixlen == 0 else str(network.network_address) if network.prefixlen == 32 else ""


def _way(network: IPv4Network, rows: Sequence[Row]) -> tuple[str, str, str]:
    """Interface, our address and gateway.

    Raises:
        CouldNotLook: there is no way, it ends here, or on our own wire.
    """
    row = rows[0] if rows else {"type": "none"}
    kind = row.get("type", "unicast")
    if kind == "local":
        raise CouldNotLook(f"{network} holds an address of this machine, which a sweep cannot see")
    if kind == "broadcast" or (kind == "unicast" and "gateway" not in row):
        raise CouldNotLook(f"{network} is on our own wire, where a sweep cannot ask for each hardware address")
    if kind != "unicast":
        raise CouldNotLook(f"there is no route to {network}")
    return str(row["dev"]), str(row["prefsrc"]), str(row["gateway"])


def _hardware_address(gateway: str, interface: str, beyond: IPv4Address) -> str:
    """What the kernel knows, or finds out.

    Raises:
        CouldNotLook: the gateway does not answer.
    """
    until = time.monotonic() + _ANSWER_WITHIN
    while True:
        for neighbour in _ip(f"neigh show to {gateway} dev {interface}")[0]:
            state, mac = neighbour.get("state"), str(neighbour.get("lladdr", "")).lower()
            if isinstance(state, list) and _USABLE & set(state) and _MAC.match(mac):
                return mac
        if time.monotonic() > until:
            raise CouldNotLook(f"the gateway {gateway} does not answer on {interface}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, suppress(OSError):
            datagram.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            datagram.sendto(b"", (str(beyond), _DISCARD))
        time.sleep(0.1)


def _ip(*lines: str) -> tuple[tuple[Row, ...], ...]:
    """What `ip` answers to each line; to one that the kernel refuses, and to all after it, nothing.

    Raises:
        ToolMissing: iproute2 is not installed.
        ToolFailed: it did not answer as it should.
    """
    with TemporaryDirectory(prefix="roundsman-") as folder:
        asked, told = Path(folder, "asked"), Path(folder, "told")
        asked.write_text("\n".join(lines) + "\n")
        ended = supervise(("ip", "-json", "-batch", str(asked)), deadline=_SECONDS, stdout=told)
        text = told.read_text()
    if ended.why or ended.signal or (ended.exit_code and "RTNETLINK" not in ended.stderr_tail):
        words = ended.stderr_tail.strip()[:300] or ended.reason
        raise ToolFailed(f"ip did not say how networks are reached: {words}")
    answers = list(_documents(text))
    return (*answers, *[()] * (len(lines) - len(answers)))


def _documents(text: str) -> Iterator[tuple[Row, ...]]:
    """The rows of each JSON list; a batch is one after the other."""
    decoder = json.JSONDecoder()
    try:
        while text := text.lstrip():
            rows, end = decoder.raw_decode(text)
            yield tuple(row for row in rows if isinstance(row, dict) and row)
            text = text[end:]
    except (ValueError, TypeError) as error:
        raise ToolFailed(f"ip did not say how networks are reached in JSON that we read: {error}") from None
