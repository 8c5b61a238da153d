from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.hosts.checks import Check
from estate.hosts.hardening import CHECKS, INVENTORY
from estate.hosts.host import Host, Unseen

MakeHost = Callable[..., Host]

SECTIONS = ("firewall", "daemons", "mounts", "confinement", "updates", "cores", "netctl", "shipping", "agents", "boot")
WORDS = (
    "nft\ttable ip x {",
    "nft\t\tchain a {",
    "nft\t\t\ttype filter hook input priority 0; policy drop;",
    "nft\t\t\tjump a",
    "nft\t\t}",
    "nft\t}",
    "ip\t-P INPUT DROP",
    "ip\t-A INPUT -j INPUT",
    "addr\t1: x inet 999.1.1.1/8 ",
    "nft\trc=0",
    "init 0 systemd",
    "- 99999999999 x",
    "1 2 3:4 / / rw - ext4 /dev/x rw",
    "apparmor=Y",
    "file 777 0 no /boot/x",
    "net/ipv4/ip_forward:1",
    "net/ipv4/conf/all/rp_filter:-999999999",
    "limit=a - core 1",
    "status=200",
    "family=apt",
)
BODY = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(WORDS)).map(lambda words: "\n".join(words).encode()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from((*SECTIONS, "who", "metadata")), BODY), st.sampled_from((0, 1000)))
def test_whatever_comes_is_read_or_unseen(host: MakeHost, bodies: dict[str, bytes], uid: int) -> None:
    made = host(bodies, uid=uid)
    for each in (*(check.run for check in CHECKS), *(inventory.read for inventory in INVENTORY)):
        with suppress(Unseen):
            tuple(each(made))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_without_a_single_section_nothing_is_passed(check: Check, host: MakeHost) -> None:
    with pytest.raises(Unseen, match="truncated"):
        tuple(check.run(host({}, complete=False)))
