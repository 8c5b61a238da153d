from collections.abc import Callable

import pytest

from estate.hosts.hardening.firewall import INVENTORY, Firewall, no_filter, read_firewall
from estate.hosts.host import Host, Unseen

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]

OPEN = """\
table inet filter {
	chain input {
		type filter hook input priority filter; policy accept;
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
	}
}
"""
POLICY = OPEN.replace("hook input priority filter; policy accept", "hook input priority filter; policy drop")
# As firewalld lays it out: the policy accepts, and the chain ends with a rejection.
LAST_RULE = """\
table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		jump filter_INPUT_POLICIES
		reject with icmpx admin-prohibited
	}
	chain filter_INPUT_POLICIES {
		return
	}
}
"""
JUMPED = """\
table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy accept;
		counter packets 0 bytes 0 jump LAST
	}
	chain LAST {
		counter packets 12 bytes 880 log prefix "dropped: " level info
		counter drop comment "the rest"
	}
}
"""


def section(
    nft: str = "", ip: str = "", ip6: str = "", addresses: str = "", codes: str = "000", ufw: str = ""
) -> bytes:
    told = [f"ufw\t{ufw}"] if ufw else []
    told += [f"addr\t{line}" for line in (*addresses.splitlines(), "rc=0")]
    for word, text, code in zip(("nft", "ip", "ip6"), (nft, ip, ip6), codes, strict=True):
        told += [f"{word}\t{line}" for line in (*text.splitlines(), f"rc={code}")]
    return ("\n".join(told) + "\n").encode()


ADDRESSES = "2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0"
SIX = ADDRESSES + "\n2: eth0    inet6 2a01:4f8::7/64 scope global "


def read(host: Host) -> Firewall:
    return host.read(read_firewall)


@pytest.mark.parametrize("nft", ["", OPEN])
def test_a_host_that_lets_everything_in_has_no_firewall(nft: str, host: MakeHost, failed: Failed) -> None:
    body = section(nft, addresses=ADDRESSES)
    assert failed("HOST-HRD-001", host({"firewall": body})) == ({"ipv4": "medium"}, "")


def test_a_public_address_makes_it_worse(host: MakeHost, failed: Failed) -> None:
    body = section(addresses="2: eth0    inet 8.8.4.4/24 scope global eth0")
    assert failed("HOST-HRD-001", host({"firewall": body})) == ({"ipv4": "high"}, "")


@pytest.mark.parametrize("nft", [POLICY, LAST_RULE])
def test_a_policy_or_a_last_rule_that_drops_is_a_firewall(nft: str, host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-001", host({"firewall": section(nft, addresses=SIX)})) == ({}, "")


def test_a_chain_that_is_jumped_to_can_drop_the_rest(host: MakeHost) -> None:
    firewall = read(host({"firewall": section(JUMPED)}))
    assert (firewall.drops("ip"), firewall.drops("ip6")) == (True, False)


def test_a_filter_for_ipv4_alone_leaves_ipv6_open(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-001", host({"firewall": section(JUMPED, addresses=SIX)})) == ({"ipv6": "high"}, "")


def test_without_an_ipv6_address_there_is_nothing_to_filter(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-001", host({"firewall": section(JUMPED, addresses=ADDRESSES)})) == ({}, "")


@pytest.mark.parametrize(
    ("rule", "drops"),
    [
        ("drop", True),
        ('log prefix "a \\" drop" flags all drop', True),
        ("counter packets 1 bytes 40 reject with icmp port-unreachable", True),
        ('counter packets 0 bytes 0 xt target "REJECT"', True),
        ("counter packets 1 bytes 40 tcp dport 22 drop", False),
        ("log level info", False),
        ("accept", False),
        ("jump nowhere", False),
        ("goto input", False),
        ("counter packets", False),
    ],
)
def test_only_a_rule_that_every_packet_meets_decides(rule: str, drops: bool, host: MakeHost) -> None:
    nft = OPEN.replace("policy accept;\n\t}", f"policy accept;\n\t\t{rule}\n\t}}", 1)
    assert read(host({"firewall": section(nft)})).drops("ip") is drops


def test_what_accepts_everything_first_leaves_nothing_to_drop(host: MakeHost) -> None:
    nft = POLICY.replace("policy drop;\n", "policy drop;\n\t\taccept\n")
    assert not read(host({"firewall": section(nft)})).drops("ip")


def test_the_older_tables_count_too(host: MakeHost, failed: Failed) -> None:
    old = '-P INPUT ACCEPT\n-A INPUT -m comment --comment "the rest" -j ufw-reject\n-A ufw-reject -j DROP'
    body = section(ip=old, ip6="-P INPUT DROP", addresses=SIX)
    assert failed("HOST-HRD-001", host({"firewall": body})) == ({}, "")


@pytest.mark.parametrize(
    ("codes", "reason"), [("300", "missing-tool"), ("C00", "failed"), ("030", "missing-tool"), ("100", "failed")]
)
def test_a_tool_that_did_not_answer_proves_nothing(codes: str, reason: str, host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-001", host({"firewall": section(codes=codes)})) == ({}, reason)


def test_without_root_or_without_all_of_it_nobody_knows(host: MakeHost, failed: Failed) -> None:
    unprivileged = host({"firewall": b"addr\trc=0\n"}, faults={"firewall": "no-privilege"}, uid=1000)
    assert failed("HOST-HRD-001", unprivileged) == ({}, "no-privilege")
    cut = host({"firewall": b"nft\ttable inet fil"}, faults={"firewall": "cut"})
    assert failed("HOST-HRD-001", cut) == ({}, "cut")


def test_what_was_seen_before_the_cut_drops_all_the_same(host: MakeHost, failed: Failed) -> None:
    cut = host({"firewall": section(POLICY)[:-20]}, faults={"firewall": "cut"})
    assert failed("HOST-HRD-001", cut) == ({}, "")


def test_a_container_is_guarded_from_outside(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-001", host({"who": b"uid=0\ncontainer=yes\n", "firewall": section()})) == ({}, "")


def test_ufw_that_is_enabled_but_not_loaded_is_said(host: MakeHost) -> None:
    made = host({"firewall": section(ufw="yes")})
    (problem,) = no_filter(made)
    assert "ufw.conf says ENABLED=yes" in problem.evidence


def test_the_inventory_says_where_packets_end(host: MakeHost) -> None:
    (inventory,) = INVENTORY
    assert dict(inventory.read(host({"firewall": section(POLICY)}))) == {
        "inet/filter/input": (("hook", "input"), ("otherwise", "drop")),
        "inet/filter/forward": (("hook", "forward"), ("otherwise", "accept")),
    }
    with pytest.raises(Unseen, match="missing-tool"):
        tuple(inventory.read(host({"firewall": section(POLICY, codes="030")})))
