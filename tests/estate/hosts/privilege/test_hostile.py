from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.hosts.checks import Check, Inventory
from estate.hosts.host import Host, Unseen
from estate.hosts.privilege import CHECKS, INVENTORY

MakeHost = Callable[..., Host]

SECTIONS = (
    *("walk", "owner", "sudoers", "doas", "cron", "units", "paths", "loader", "refs", "modes", "exports", "dockerd"),
    *("kernel", "passwd", "group", "who"),
)
WORDS = (
    "M nosuid /a",
    "M - /",
    "S 4755 0 0 /usr/bin/x",
    "S 4755 99999999999999999999 0 /x",
    "s",
    "T S",
    "T",
    "E 0",
    "E",
    "D ?",
    "/x cap_setuid=ep",
    "/x = cap_setuid+ep",
    "/x =",
    "O 1 2 /y",
    "W d 777 0 0 /etc/z",
    "W q",
    "N 4755 0 0",
    "C /x\x01y",
    "X caps",
    "db dpkg",
    "P mount /bin/mount",
    "B 4755 root root p /x",
    "V root root 4755 /x",
    "D /a\t/b",
    "= 81a4 0 0 /etc/sudoers",
    "= 41ed 0 0 /etc/sudoers.d",
    "= zz",
    "|@include /etc/sudoers",
    "|#includedir /etc/sudoers.d",
    "|alice ALL=(ALL) NOPASSWD: ALL",
    "|User_Alias A = A, !A",
    "|A ALL=B",
    "|Cmnd_Alias B = B, /x",
    "|Defaults !authenticate",
    "|Defaults env_keep+=LD_*",
    "|Defaults timestamp_timeout=nan",
    "|x\\",
    "! /etc/sudoers",
    "- /x",
    "cut",
    "v 1.9.13p3",
    "v 99999999999999999999.1",
    "nfiles ldap",
    "J root /opt/x ; sh /y",
    "J root",
    "P /a::b:.:$HOME",
    "U /etc/systemd/system/a.service",
    "User root",
    "ExecStart /opt/x",
    "Z /a",
    "ExecStart",
    "K core_pattern |/x %p",
    "K",
    'P /etc/profile:PATH=".:/x"',
    "L /evil.so",
    "C /lib",
    "V PRELOAD /x",
    "R 41ed 0 0 /opt",
    "R 43ff 0 0 /opt",
    "R 81ff 1 1 /opt/x",
    "- /opt/x",
    "L /opt\t/opt",
    "L /a\t/b",
    "L /b\t/a",
    "c1b6 0 998 /run/docker.sock",
    "81a4 0 0 /etc/shadow",
    "|/srv *(rw,no_root_squash)",
    "|/srv",
    "|-rw",
    'J "hosts": ["tcp://0.0.0.0:2375"]',
    "A -H",
    "A tcp://0.0.0.0:1",
    "F /x",
    "kernel/randomize_va_space:0",
    "kernel/kptr_restrict:99999999999999999999",
    "cpu/meltdown:Vulnerable",
    "root:x:0:0::/:/bin/sh",
    "a:x:1:1",
    "docker:x:9:a",
    "uid=7",
    "host=\xff",
)
BODY = st.one_of(
    st.binary(max_size=200), st.lists(st.sampled_from(WORDS), max_size=30).map(lambda words: "\n".join(words).encode())
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.dictionaries(st.sampled_from(SECTIONS), BODY), st.sampled_from((0, 1000)))
def test_whatever_comes_is_read_or_unseen(host: MakeHost, bodies: dict[str, bytes], uid: int) -> None:
    made = host(bodies, uid=uid)
    for each in (*(check.run for check in CHECKS), *(inventory.read for inventory in INVENTORY)):
        with suppress(Unseen):
            tuple(each(made))


@pytest.mark.parametrize("each", [*CHECKS, *INVENTORY], ids=lambda each: getattr(each, "id", "") or each.family)
def test_without_a_single_section_nothing_is_passed(each: Check | Inventory, host: MakeHost) -> None:
    run = each.run if isinstance(each, Check) else each.read
    with pytest.raises(Unseen, match="truncated"):
        tuple(run(host({}, complete=False)))
