import pytest

from estate.hosts.access.listeners import Program, read_listeners
from estate.hosts.host import Unseen

PASSWD = b"root:x:0:0::/root:/bin/bash\nwww:x:33:33::/var/www:/usr/sbin/nologin\n"
SOCKETS = b"""!range 32768	60999
s tcp 0.0.0.0:443 0 11
s tcp 127.0.0.1:5432 101 12
s udp 127.0.0.53%lo:53 102 13
s tcp [::]:22 0 14
s tcp *:8080 33 15
s udp [fe80::1]%eth0:546 0 16
s udp 0.0.0.0:45000 0 17
s udp 0.0.0.0:51820 0 0
s tcp [::ffff:127.0.0.1]:9000 0 18
i 11 300
i 11 30
i 15 44
x 300 33 own /usr/sbin/nginx
x 30 0 own /usr/sbin/nginx
x 44 33 other /usr/bin/app (deleted)
o nginx-light /usr/sbin/nginx
o evil /usr/bin/app
"""


def test_listeners_come_in_order_with_who_is_behind_them(host) -> None:
    found = {
        f"{each.proto}/{each.port}@{each.address}": each
        for each in read_listeners(host({"sockets": SOCKETS, "passwd": PASSWD}))
    }
    assert list(found) == [
        "tcp/22@::",
        "tcp/443@0.0.0.0",
        "tcp/5432@127.0.0.1",
        "tcp/8080@*",
        "tcp/9000@127.0.0.1",
        "udp/53@127.0.0.53%lo",
        "udp/546@fe80::1%eth0",
        "udp/51820@0.0.0.0",
    ]
    assert {name for name, each in found.items() if each.loopback} == {
        "tcp/5432@127.0.0.1",
        "tcp/9000@127.0.0.1",
        "udp/53@127.0.0.53%lo",
    }
    assert found["tcp/443@0.0.0.0"].program == Program("/usr/sbin/nginx", False, "root", "nginx-light")
    assert found["tcp/8080@*"].program == Program("/usr/bin/app", True, "www")
    assert found["tcp/22@::"].program is None


def test_a_containers_program_is_of_no_package_of_the_host(host) -> None:
    by_port = {each.port: each for each in read_listeners(host({"sockets": SOCKETS, "passwd": PASSWD}))}
    assert by_port[443].package == "nginx-light"
    assert by_port[8080].package == ""


def test_packages_are_found_under_both_spellings_of_a_path(host) -> None:
    body = b"s tcp 0.0.0.0:25 0 7\ni 7 1\nx 1 0 own /usr/bin/x\no pkg /bin/x\n"
    (listener,) = read_listeners(host({"sockets": body}))
    assert (listener.process, listener.exe, listener.package) == ("x", "/usr/bin/x", "pkg")


@pytest.mark.parametrize(
    ("line", "address", "port", "arch"),
    [
        (b"h tcp 0100007F:1F90 0 5", "127.0.0.1", 8080, b"x86_64"),
        (b"h tcp 7F000001:1F90 0 5", "127.0.0.1", 8080, b"s390x"),
        (b"h tcp6 00000000000000000000000000000000:0016 0 5", "*", 22, b"x86_64"),
        (b"h tcp6 00000000000000000000000001000000:0016 0 5", "::1", 22, b"aarch64"),
        (b"h tcp6 0000000000000000FFFF00000100007F:0016 0 5", "127.0.0.1", 22, b"x86_64"),
    ],
)
def test_the_kernels_own_tables_say_the_same(host, line: bytes, address: str, port: int, arch: bytes) -> None:
    (listener,) = read_listeners(host({"sockets": line + b"\n", "who": b"uid=0\narch=%b\n" % arch}))
    assert (listener.proto, listener.address, listener.port) == ("tcp", address, port)


def test_older_spellings_of_ss_are_read(host) -> None:
    made = host({"sockets": b"s tcp :::22 0 1\ns tcp ::1:25 0 2\ns tcp fe80::1%eth0:80 0 3\n"})
    assert [(each.address, each.port) for each in read_listeners(made)] == [
        ("::", 22),
        ("::1", 25),
        ("fe80::1%eth0", 80),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"s tcp",
        b"s tcp nonsense 0 1",
        b"s tcp 1.2.3.4:99999 0 1",
        b"s tcp 1.2.3:5 0 1",
        b"h tcp 01:02 0 1",
        b"s tcp 0.0.0.0:0 0 1",
        b"s udp 0.0.0.0:* 0 1",
        b"i x y",
        b"x 1 0 own",
        b"!range a b",
        b"\xff",
    ],
)
def test_lines_that_say_nothing_are_skipped(host, line: bytes) -> None:
    assert read_listeners(host({"sockets": line + b"\n"})) == ()


def test_who_may_not_see_programs_still_sees_all_sockets(host, listed) -> None:
    made = host({"sockets": b"s tcp 0.0.0.0:443 0 11\n"}, {"sockets": "no-privilege"}, 1000)
    assert listed("listener", made) == ({"tcp/443@0.0.0.0": {"reach": "network"}}, "")


@pytest.mark.parametrize("fault", ["cut", "timeout", "truncated", "missing-tool"])
def test_a_list_that_is_not_whole_is_no_list(host, fault: str) -> None:
    with pytest.raises(Unseen, match=fault):
        read_listeners(host({"sockets": SOCKETS}, {"sockets": fault}))


def test_listeners_are_listed_with_nothing_that_differs_from_run_to_run(host, listed) -> None:
    found, unseen = listed("listener", host({"sockets": SOCKETS, "passwd": PASSWD}))
    assert found["tcp/443@0.0.0.0"] == {
        "reach": "network",
        "process": "nginx",
        "exe": "/usr/sbin/nginx",
        "user": "root",
        "package": "nginx-light",
    }
    assert found["tcp/5432@127.0.0.1"] == {"reach": "loopback"}
    assert unseen == ""
