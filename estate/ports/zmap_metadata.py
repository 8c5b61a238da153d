"""What zmap says of its own run (`-m`): what was sent to whom, and whether all of it was.

The counters changed their names over the years: `total_sent` and `blacklist_total_allowed` in 2.x,
`blocklist_total_allowed` in 3.x, `targets_scanned` and `target_ports` since 4.0 (zmap/zmap, `src/summary.c`).
Each counts targets, however many probes (`-P`) a target gets (tried with 2.1.1).
"""

import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from estate.coverage import Keys
from estate.errors import BadReport
from estate.spans import merge_spans
from estate.text import printable

_LARGEST = 64 << 20
_TCP = frozenset({"tcp_synscan", "tcp_synopt", "ipv6_tcp_synscan", "ipv6_tcp_synopt"})
_UDP = frozenset({"bacnet", "dns", "ntp", "upnp", "udp", "udp_dns", "ipv6_udp", "ipv6_udp_dns"})
_EVERYWHERE = "0.0.0.0/0"

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class ZmapMetadata:
    """`fault` says why silence proves nothing, or is empty; `targets` are the addresses that were sent to.

    `only_successes` is whether refusals were kept out of the results; `answered` is how many different targets
    answered, by zmap's own count.
    """

    protocol: str
    ports: tuple[int, ...]
    fault: str
    only_successes: bool
    answered: int
    started: datetime | None
    targets: Keys

    def covers(self, address: str) -> bool:
        """Whether this address was among those that were sent to."""
        return holds(self.targets, address)


def holds(targets: Keys, address: str) -> bool:
    """Whether this address is among such targets."""
    try:
        return f"4/{int(ipaddress.IPv4Address(address))}" in targets
    except ValueError:
        return False


def read_metadata(stream: BinaryIO) -> ZmapMetadata:
    """Read the metadata file; an empty or cut one, as a killed zmap leaves it, is a run that did not finish.

    Raises:
        BadReport: this is the metadata of something else, or of a scan that asks no TCP or UDP port.
    """
    text = stream.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise BadReport(f"zmap's metadata is longer than {_LARGEST:,} bytes")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ZmapMetadata("tcp", (), "zmap-unfinished", False, 0, None, Keys())
    if not isinstance(found, dict) or "probe_module" not in found:
        raise BadReport("the metadata file is no metadata of zmap (-m)")
    ports = _ports(found)
    return ZmapMetadata(
        _protocol(found),
        ports,
        _fault(found, len(ports)),
        _only_successes(found),
        _count(found, "success_unique") or 0,
        _started(found),
        _targets(found),
    )


def _protocol(found: Json) -> str:
    module = found["probe_module"]
    if module in _TCP:
        return "tcp"
    if module in _UDP:
        return "udp"
    raise BadReport(f"zmap's probe module {printable(str(module), 40)!r} asks no TCP or UDP port")


def _ports(found: Json) -> tuple[int, ...]:
    listed = found.get("target_ports", [found.get("target_port")])
    if not isinstance(listed, list) or not all(type(port) is int and 0 <= port <= 65535 for port in listed):
        raise BadReport("zmap's metadata names no target port")
    return tuple(sorted(set(listed)))


def _fault(found: Json, ports: int) -> str:
    if found.get("dryrun") != 0:
        return "zmap-dry-run"
    if found.get("total_shards", 1) != 1:
        return "zmap-sharded"  # Nobody but zmap knows which targets this shard held.
    if "list_of_ips_filename" in found or str(found["probe_module"]).startswith("ipv6"):
        return "zmap-list"  # The list is not in the metadata.
    sent = _count(found, "targets_scanned", "total_sent")
    allowed = _count(found, "blocklist_total_allowed", "blacklist_total_allowed")
    if sent is None or allowed is None or sent < allowed * ports:
        return "zmap-unfinished"
    if any(_count(found, name) != 0 for name in ("send_to_failures", "pcap_drop", "pcap_ifdrop")):
        return "zmap-dropped"
    return ""


def _only_successes(found: Json) -> bool:
    kept = str(found.get("output_filter", "")).replace(" ", "")
    return 1 in {found.get("filter_unsuccessful"), found.get("default_mode")} or (
        "success=1" in kept and "||" not in kept
    )


def _count(found: Json, *names: str) -> int | None:
    for name in names:
        value = found.get(name)
        if type(value) is int and value >= 0:
            return value
    return None


def _started(found: Json) -> datetime | None:
    try:
        return datetime.strptime(str(found.get("send_start_time")), "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _targets(found: Json) -> Keys:
    allowed = _networks(found, "allowlisted_networks", "whitelisted_networks", default=[_EVERYWHERE])
    return allowed - _networks(found, "blocklisted_networks", "blacklisted_networks", default=[])


def _networks(found: Json, *names: str, default: list[str]) -> Keys:
    listed = next((found[name] for name in names if name in found), default)
    spans: list[tuple[int, int]] = []
    try:
        for text in listed if isinstance(listed, list) else [None]:
            network = ipaddress.IPv4Network(str(text), strict=False)
            spans.append((int(network.network_address), int(network.broadcast_address)))
    except ValueError as error:
        raise BadReport(f"zmap's metadata names a network that is none: {printable(str(error), 80)}") from None
    return Keys({"4": merge_spans(spans)})
