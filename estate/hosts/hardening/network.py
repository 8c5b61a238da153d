"""How the kernel treats packets that lie or lead astray: the network's settings, as they take effect together."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.hardening.told import daemons, is_container
from estate.hosts.host import Host, Unseen, lines

_LINE = re.compile(r"net/(ipv[46])/(?:conf/([^/]+)/)?(\w+):(-?\d{1,9})")
_ROUTES = frozenset(
    [
        "dockerd",
        "containerd",
        "kubelet",
        "k3s-server",
        "k3s-agent",
        "crio",
        "libvirtd",
        "virtqemud",
        "virtnetworkd",
        "lxd",
        "incusd",
        "bird",
        "bird6",
        "zebra",
        "bgpd",
        "ospfd",
        "keepalived",
        "openvpn",
        "charon",
        "charon-systemd",
        "starter",
        "tailscaled",
        "pppd",
        "radvd",
        "cilium-agent",
        "calico-node",
        "ovs-vswitchd",
        "firecracker",
        "hostapd",
        "zerotier-one",
        "nebula",
        "xl2tpd",
        "slirp4netns",
    ]
)
_BRIDGES = re.compile(
    r"(?:docker|br-|cni|flannel|cilium|virbr|podman|lxdbr|lxcbr|incusbr|wg|tun|tailscale|kube|weave|vmbr)"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by family, interface (`all`, `default`, a name, or empty for the machine's own) and name."""

    values: dict[tuple[str, str, str], int]

    def of(self, family: str, name: str, where: str = "") -> int:
        """One value; -1 where there is none."""
        return self.values.get((family, where, name), -1)

    def interfaces(self, family: str) -> tuple[str, ...]:
        """Interfaces that lead elsewhere, those to come (`default`) first."""
        found = {where for (each, where, _) in self.values if each == family} - {"", "all", "lo"}
        return tuple(sorted(found, key=lambda name: (name != "default", name)))

    def any_of(self, family: str, name: str, where: Callable[[int, int], bool]) -> str:
        """The first interface at which `where(all's value, its own)` holds; empty where there is none."""
        every = self.of(family, name, "all")
        return next((each for each in self.interfaces(family) if where(every, self.of(family, name, each))), "")


def read_settings(host: Host) -> Settings:
    """The kernel's network settings.

    Raises:
        Unseen: the list is not whole.
    """
    matches = (_LINE.fullmatch(line) for line in lines(host.section("netctl")))
    values = {(found[1], found[2] or "", found[3]): int(found[4]) for found in matches if found}
    if ("ipv4", "", "ip_forward") not in values:
        raise Unseen("unreadable")
    return Settings(values)


def weak_network(host: Host) -> Iterator[Problem]:
    """HOST-HRD-009: what holds at an interface is told of `all`, where it is set; see the kernel's ip-sysctl."""
    if is_container(host):
        return
    settings = host.read(read_settings)
    try:
        running, hidden = host.read(daemons).names, ""
    except Unseen as unseen:
        running, hidden = frozenset[str](), unseen.reason
    bridged = any(_BRIDGES.match(name) for name in settings.interfaces("ipv4"))
    router = bridged or bool(running & _ROUTES)
    forwards = settings.of("ipv4", "ip_forward") > 0
    yield from _lies(settings, forwards)
    if hidden and not router:
        raise Unseen(hidden)
    yield from _ways(settings, router, forwards)


def _lies(settings: Settings, forwards: bool) -> Iterator[Problem]:
    if settings.of("ipv4", "tcp_syncookies") == 0:
        yield _problem("net.ipv4.tcp_syncookies", 0, Severity.MEDIUM)
    if settings.of("ipv4", "icmp_echo_ignore_broadcasts") == 0:
        yield _problem("net.ipv4.icmp_echo_ignore_broadcasts", 0, Severity.LOW)
    if settings.of("ipv4", "icmp_ignore_bogus_error_responses") == 0:
        yield _problem("net.ipv4.icmp_ignore_bogus_error_responses", 0, Severity.LOW)
    for family in ("ipv4", "ipv6"):
        if settings.of(family, "disable_ipv6", "all") == 1:
            continue
        # A redirect is believed at an IPv6 interface by its own setting alone.
        believes = _own if family == "ipv6" else _both if forwards else _either
        routes = family == "ipv6" and settings.of(family, "forwarding", "all") > 0
        if not routes and (where := settings.any_of(family, "accept_redirects", believes)):
            yield _at(settings, family, "accept_redirects", where, Severity.LOW)
    if where := settings.any_of("ipv4", "accept_source_route", _both):
        yield _at(settings, "ipv4", "accept_source_route", where, Severity.MEDIUM)


def _ways(settings: Settings, router: bool, forwards: bool) -> Iterator[Problem]:
    if forwards:
        yield _problem("net.ipv4.ip_forward", 1, Severity.INFO if router else Severity.MEDIUM)
    if settings.of("ipv6", "forwarding", "all") > 0 and settings.of("ipv6", "disable_ipv6", "all") != 1:
        yield _problem("net.ipv6.conf.all.forwarding", 1, Severity.INFO if router else Severity.MEDIUM)
    if router:
        return
    if forwards and (where := settings.any_of("ipv4", "send_redirects", _either)):
        yield _at(settings, "ipv4", "send_redirects", where, Severity.LOW)
    if where := settings.any_of("ipv4", "rp_filter", lambda every, own: max(every, own) == 0):
        yield _at(settings, "ipv4", "rp_filter", where, Severity.LOW)
    if where := settings.any_of("ipv4", "route_localnet", _either):
        yield _at(settings, "ipv4", "route_localnet", where, Severity.MEDIUM)


def _either(every: int, own: int) -> bool:
    return every > 0 or own > 0


def _own(_every: int, own: int) -> bool:
    return own > 0


def _both(every: int, own: int) -> bool:
    return every > 0 and own > 0


def _problem(name: str, value: int, severity: Severity) -> Problem:
    return Problem(name, severity, f"{name} = {value}")


def _at(settings: Settings, family: str, name: str, where: str, severity: Severity) -> Problem:
    """Told of `all`, so that an interface that comes and goes is no new finding."""
    every, own = settings.of(family, name, "all"), settings.of(family, name, where)
    told = "all" if every > 0 or own == every else "default" if where == "default" else "an interface"
    value = every if told == "all" else own
    evidence = (
        f"net.{family}.conf.{told}.{name} = {value}" if told != "an interface" else f"{told} has {name} = {value}"
    )
    return Problem(f"net.{family}.conf.all.{name}", severity, evidence)


def _inventory(host: Host) -> Iterator[Inventoried]:
    for (family, where, name), value in host.read(read_settings).values.items():
        if where in {"", "all", "default"}:
            path = f"net.{family}.conf.{where}.{name}" if where else f"net.{family}.{name}"
            yield path, attributes(value=value)


INVENTORY = (Inventory("sysctl", "hardening", _inventory),)
CHECKS = (
    Check(
        id="HOST-HRD-009",
        title="The kernel believes packets that it should not, or passes them on",
        run=weak_network,
        remediation=(
            "In /etc/sysctl.d/60-network.conf, then sysctl --system: net.ipv4.ip_forward = 0 and "
            "net.ipv6.conf.all.forwarding = 0 (not on a router), net.ipv4.conf.{all,default}.accept_redirects = 0, "
            "net.ipv6.conf.{all,default}.accept_redirects = 0, net.ipv4.conf.{all,default}.accept_source_route = 0, "
            "net.ipv4.conf.{all,default}.send_redirects = 0, net.ipv4.conf.{all,default}.rp_filter = 1, "
            "net.ipv4.conf.{all,default}.route_localnet = 0, net.ipv4.tcp_syncookies = 1, "
            "net.ipv4.icmp_echo_ignore_broadcasts = 1"
        ),
        cis=("3.3.1", "3.3.2", "3.3.3", "3.3.4", "3.3.5", "3.3.7", "3.3.8", "3.3.10"),
        controls=("4.1", "4.8"),
        attack=("T1557", "T1090.001"),
    ),
)
