from collections.abc import Callable

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]
Listed = Callable[[str, Host], tuple[dict[str, dict[str, str]], str]]


def test_members_of_groups_that_are_as_good_as_root(known: MakeHost, failed: Failed) -> None:
    assert failed("010", known({})) == ({"docker:alice": "high", "adm:alice": "info"}, "")


def test_a_primary_group_counts_as_well(known: MakeHost, failed: Failed) -> None:
    passwd = b"root:x:0:0::/:/bin/sh\nops:x:900:6::/:/usr/sbin/nologin\nhalt:x:7:0::/:/sbin/halt\n"
    group = b"root:x:0:bob\ndisk:x:6:\nshadow:x:42:root\nusers:x:100:bob\n"
    found = failed("010", known({"passwd": passwd, "group": group}))
    assert found == ({"root:bob": "high", "disk:ops": "high"}, "")


def test_ordinary_groups_are_quiet(known: MakeHost, failed: Failed) -> None:
    assert failed("010", known({"group": b"root:x:0:\nsudo:x:27:alice\nops:x:9:bob\n"})) == ({}, "")


def test_lists_that_were_cut_resolve_nothing(known: MakeHost, failed: Failed, listed: Listed) -> None:
    host = known({"group": b"docker:x:998:alice\nlxd:x:99:b"}, {"group": "cut"})
    assert failed("010", host) == ({"docker:alice": "high"}, "cut")
    assert listed("member", host) == ({"docker:alice": {}}, "cut")


def test_every_member_is_listed_but_not_a_group_of_ones_own(known: MakeHost, listed: Listed) -> None:
    found, reason = listed("member", known({}))
    assert reason == ""
    assert set(found) == {"adm:syslog", "adm:alice", "docker:alice", "ops:bob"}
