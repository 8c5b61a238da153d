from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from estate.hosts.hardening.network import INVENTORY
from estate.hosts.host import Host, Unseen

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]

GOOD = {
    "net/ipv4/ip_forward": 0,
    "net/ipv4/tcp_syncookies": 1,
    "net/ipv4/icmp_echo_ignore_broadcasts": 1,
    "net/ipv4/icmp_ignore_bogus_error_responses": 1,
    **{
        f"net/{family}/conf/{where}/{name}": value
        for where in ("all", "default", "eth0", "lo")
        for family, name, value in (
            ("ipv4", "accept_redirects", 0),
            ("ipv4", "send_redirects", 0),
            ("ipv4", "accept_source_route", 0),
            ("ipv4", "rp_filter", 1),
            ("ipv4", "route_localnet", 0),
            ("ipv6", "accept_redirects", 0),
            ("ipv6", "forwarding", 0),
            ("ipv6", "disable_ipv6", 0),
        )
    },
}
V4, V6 = "net/ipv4/conf/", "net/ipv6/conf/"
RUNS = b"init 0 systemd\n- 0 sshd\n"


def made(host: MakeHost, changed: Mapping[str, int] = MappingProxyType({}), daemons: bytes = RUNS) -> Host:
    body = "".join(f"{name}:{value}\n" for name, value in {**GOOD, **changed}.items())
    return host({"netctl": body.encode(), "daemons": daemons}, faults={} if daemons else {"daemons": "no-privilege"})


def test_a_hardened_host_passes(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-009", made(host)) == ({}, "")


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"net/ipv4/tcp_syncookies": 0}, {"net.ipv4.tcp_syncookies": "medium"}),
        ({"net/ipv4/icmp_echo_ignore_broadcasts": 0}, {"net.ipv4.icmp_echo_ignore_broadcasts": "low"}),
        ({"net/ipv4/icmp_ignore_bogus_error_responses": 0}, {"net.ipv4.icmp_ignore_bogus_error_responses": "low"}),
        ({V4 + "all/accept_redirects": 1}, {"net.ipv4.conf.all.accept_redirects": "low"}),
        ({V4 + "eth0/accept_redirects": 1}, {"net.ipv4.conf.all.accept_redirects": "low"}),
        ({V4 + "lo/accept_redirects": 1}, {}),
        ({V6 + "all/accept_redirects": 1}, {}),
        ({V6 + "eth0/accept_redirects": 1}, {"net.ipv6.conf.all.accept_redirects": "low"}),
        ({V6 + "eth0/accept_redirects": 1, V6 + "all/disable_ipv6": 1}, {}),
        ({V4 + "all/accept_source_route": 1}, {}),
        ({V4 + "default/accept_source_route": 1}, {}),
        (
            {V4 + "all/accept_source_route": 1, V4 + "eth0/accept_source_route": 1},
            {"net.ipv4.conf.all.accept_source_route": "medium"},
        ),
        ({V4 + "all/rp_filter": 0}, {}),
        ({V4 + "all/rp_filter": 0, V4 + "eth0/rp_filter": 0}, {"net.ipv4.conf.all.rp_filter": "low"}),
        ({V4 + "all/rp_filter": 2, V4 + "eth0/rp_filter": 0}, {}),
        ({V4 + "all/send_redirects": 1}, {}),
        ({V4 + "eth0/route_localnet": 1}, {"net.ipv4.conf.all.route_localnet": "medium"}),
        ({"net/ipv4/ip_forward": 1}, {"net.ipv4.ip_forward": "medium"}),
        (
            {"net/ipv4/ip_forward": 1, V4 + "all/send_redirects": 1},
            {"net.ipv4.ip_forward": "medium", "net.ipv4.conf.all.send_redirects": "low"},
        ),
        ({V6 + "all/forwarding": 1}, {"net.ipv6.conf.all.forwarding": "medium"}),
    ],
)
def test_settings_count_as_they_take_effect_together(
    changed: dict[str, int], found: dict[str, str], host: MakeHost, failed: Failed
) -> None:
    assert failed("HOST-HRD-009", made(host, changed)) == (found, "")


@pytest.mark.parametrize("router", [{"net/ipv4/conf/docker0/rp_filter": 0}, {}])
def test_a_router_forwards_and_that_is_told_but_no_fault(
    router: dict[str, int], host: MakeHost, failed: Failed
) -> None:
    runs = RUNS if router else RUNS + b"- 0 keepalived\n"
    changed = {**router, "net/ipv4/ip_forward": 1, V4 + "all/rp_filter": 0, V4 + "eth0/rp_filter": 0}
    assert failed("HOST-HRD-009", made(host, changed, runs)) == ({"net.ipv4.ip_forward": "info"}, "")


def test_a_user_cannot_make_a_router_of_a_host_by_a_name(host: MakeHost, failed: Failed) -> None:
    changed = {"net/ipv4/ip_forward": 1}
    found = failed("HOST-HRD-009", made(host, changed, RUNS + b"- 1001 dockerd\n"))
    assert found == ({"net.ipv4.ip_forward": "medium"}, "")


def test_where_processes_are_hidden_nobody_knows_whether_it_is_a_router(host: MakeHost, failed: Failed) -> None:
    changed = {"net/ipv4/ip_forward": 1, "net/ipv4/tcp_syncookies": 0}
    hidden = made(host, changed, b"")
    assert failed("HOST-HRD-009", hidden) == ({"net.ipv4.tcp_syncookies": "medium"}, "no-privilege")


def test_settings_that_did_not_come_are_unseen(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-009", host({"netctl": b"", "daemons": RUNS})) == ({}, "unreadable")


def test_a_containers_settings_are_its_engines(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-009", host({"who": b"uid=0\ncontainer=yes\n"})) == ({}, "")


def test_the_inventory_has_no_interface_that_comes_and_goes(host: MakeHost) -> None:
    (inventory,) = INVENTORY
    listed = dict(inventory.read(made(host)))
    assert listed["net.ipv4.ip_forward"] == (("value", "0"),)
    assert listed["net.ipv4.conf.all.rp_filter"] == (("value", "1"),)
    assert not any("eth0" in name for name in listed)
    with pytest.raises(Unseen):
        tuple(inventory.read(host({})))
