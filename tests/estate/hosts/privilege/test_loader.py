from collections.abc import Callable

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]

REFS = b"""R 41ed 0 0 /
R 41ed 0 0 /usr
R 41fd 0 50 /usr/local
R 45fd 0 50 /usr/local/bin
R 41ed 0 0 /usr/bin
R 41ed 0 0 /usr/lib
R 41ed 0 0 /opt
R 41ff 0 0 /opt/open
R 41ed 1001 1001 /opt/bobs
R 41ed 0 0 /etc
R 41ed 0 0 /etc/ld.so.conf.d
R 81b6 0 0 /etc/ld.so.conf.d/open.conf
- /opt/absent
- /sbin
"""
SUDO = b"= 8120 0 0 /etc/sudoers\n|Defaults secure_path=/opt/bobs:/usr/bin\n"
QUIET = {"sudoers": b"", "doas": b"", "cron": b"", "loader": b"", "refs": REFS, "owner": b"db dpkg\n"}


def test_a_path_of_roots_has_only_directories_of_roots(known: MakeHost, failed: Failed) -> None:
    paths = b"""P /etc/profile: PATH="/usr/local/bin:/usr/bin:/opt/open"
P /root/.bashrc:PATH=$HOME/bin:~/x:.:relative/x:$PATH
P /etc/login.defs:PATH=/usr/bin:/opt/absent
P /etc/environment:PATH="/usr/bin::/bin"
"""
    host = known({**QUIET, "paths": paths, "sudoers": SUDO, "cron": b"= 81a4 0 0 /etc/crontab\nP /opt/bobs:/usr/bin\n"})
    assert failed("015", host) == (
        dict.fromkeys(("/opt/open", ".", "relative/x", "(empty)", "/opt/bobs"), "high"),
        "",
    )


def test_a_group_without_members_writes_nothing(known: MakeHost, failed: Failed) -> None:
    paths = b"P /etc/profile:PATH=/usr/local/bin\n"
    assert failed("015", known({**QUIET, "paths": paths})) == ({}, "")
    group = b"root:x:0:\nstaff:x:50:bob\n"
    assert failed("015", known({**QUIET, "paths": paths, "group": group})) == (
        {"/usr/local/bin": "high", "/usr/local/sbin": "high"},
        "",
    )


def test_what_was_not_read_of_a_path_resolves_nothing(known: MakeHost, failed: Failed) -> None:
    host = known({**QUIET, "paths": b"! /root\n"}, {"paths": "no-privilege"})
    assert failed("015", host) == ({}, "no-privilege")


def test_a_library_in_every_program_is_told(known: MakeHost, failed: Failed) -> None:
    owner = b"db dpkg\nP libfakeroot:amd64 /usr/lib/libfakeroot.so\nP acme /opt/acme.so\n"
    loader = b"L /usr/lib/libfakeroot.so\nL /opt/acme.so\nL /tmp/\x1b[1mx.so\nV PRELOAD /tmp/y.so\nC /usr/lib\n"
    assert failed("016", known({**QUIET, "loader": loader, "owner": owner})) == (
        {"/opt/acme.so": "critical", "/tmp/\x1b[1mx.so": "critical", "LD_PRELOAD": "high"},
        "",
    )
    assert failed("016", known(QUIET)) == ({}, "")


def test_libraries_come_from_directories_of_roots(known: MakeHost, failed: Failed) -> None:
    loader = b"C /usr/lib\nC /opt/open\nC /opt/bobs/lib\nC /opt/absent\n"
    refs = REFS + b"- /opt/bobs/lib\n"
    assert failed("017", known({**QUIET, "loader": loader, "refs": refs})) == (
        dict.fromkeys(("/opt/open", "/opt/bobs/lib", "/etc/ld.so.conf.d/open.conf"), "critical"),
        "",
    )
    quiet = REFS.replace(b"R 81b6", b"R 81a4")
    assert failed("017", known({**QUIET, "loader": b"C /usr/lib\n", "refs": quiet})) == ({}, "")
