from collections.abc import Callable

import pytest

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]

REFS = b"""R 41ed 0 0 /
R 41ed 0 0 /usr
R 41ed 0 0 /usr/sbin
R 81ed 0 0 /usr/sbin/sshd
R 41ed 0 0 /bin
R 81ed 0 0 /bin/sh
R 41ed 0 0 /opt
R 81ed 1001 1001 /opt/bobs
R 81ff 0 0 /opt/open
- /opt/absent
R 41ed 0 0 /etc
R 41ed 0 0 /etc/default
R 81a4 1001 1001 /etc/default/bobs
"""


def unit(name: str, *rows: str, place: str = "/etc/systemd/system") -> str:
    return "".join(f"{row}\n" for row in (f"U {place}/{name}", *rows))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (unit("a.service", "ExecStart /opt/bobs"), {"a.service:/opt/bobs": "high"}),
        (unit("a.service", "ExecStart /opt/open"), {"a.service:/opt/open": "critical"}),
        (unit("a.service", "ExecStartPre /opt/bobs", "ExecStart /usr/sbin/sshd"), {"a.service:/opt/bobs": "high"}),
        (unit("a.service", "ExecStart /bin/sh /opt/bobs"), {"a.service:/opt/bobs": "high"}),
        (unit("a.service", "ExecStart /usr/sbin/sshd /opt/bobs"), {}),
        (
            unit("a.service", "ExecStart /usr/sbin/sshd", "EnvironmentFile -/etc/default/bobs"),
            {"a.service:/etc/default/bobs": "high"},
        ),
        (unit("a.service", "User root", "ExecStart /opt/bobs"), {"a.service:/opt/bobs": "high"}),
        (unit("a.service", "User bob", "ExecStart /opt/bobs"), {}),
        (unit("a.service", "DynamicUser yes", "ExecStart /opt/bobs"), {}),
        (unit("a.service", "RootDirectory /srv", "ExecStart /opt/bobs"), {}),
        (unit("a.service", "ExecStart /opt/absent"), {}),
        (unit("a.service", "ExecStart /opt/%i"), {}),
        (unit("a.service", "ExecStart systemctl"), {}),
        (unit("a.service", "ExecStart /opt/bobs") + "Z /etc/systemd/system/a.service\n", {}),
        (
            unit("a.service", "ExecStart /opt/bobs", place="/usr/lib/systemd/system")
            + unit("a.service", "ExecStart /usr/sbin/sshd"),
            {},
        ),
        (
            unit("a.service", "ExecStart /opt/bobs", place="/usr/lib/systemd/system")
            + unit("a.service.d/x.conf", "User bob"),
            {},
        ),
        (
            unit("a.service", "User bob", place="/usr/lib/systemd/system")
            + unit("a.service.d/x.conf", "User root", "ExecStart /opt/bobs"),
            {"a.service:/opt/bobs": "high"},
        ),
        ("K core_pattern |/opt/bobs %p\n", {"kernel.core_pattern:/opt/bobs": "high"}),
        ("K core_pattern core\nK modprobe /usr/sbin/sshd\n", {}),
    ],
)
def test_what_root_starts_must_be_roots(known: MakeHost, failed: Failed, rows: str, expected: dict[str, str]) -> None:
    assert failed("014", known({"units": rows.encode(), "refs": REFS})) == (expected, "")


def test_files_of_the_start_up_are_written_by_root_alone(known: MakeHost, failed: Failed) -> None:
    rows = b"""= 81b6 0 0 /etc/systemd/system/open.service
= 81a4 1001 1001 /home/bob/linked.service
= 81b4 0 997 /etc/init.d/ops
= 81b4 0 996 /etc/init.d/nobodys
= 41c0 108 0 /etc/polkit-1/rules.d
= 41c0 1001 0 /usr/share/polkit-1/rules.d
"""
    passwd = b"root:x:0:0::/:/bin/sh\npolkitd:x:108:1::/:\nbob:x:1001:1001::/:/bin/sh\n"
    assert failed("013", known({"units": rows, "refs": b"", "passwd": passwd})) == (
        dict.fromkeys(
            (
                *("/etc/systemd/system/open.service", "/home/bob/linked.service", "/etc/init.d/ops"),
                "/usr/share/polkit-1/rules.d",
            ),
            "critical",
        ),
        "",
    )


@pytest.mark.parametrize("check_id", ["013", "014"])
def test_units_that_were_cut_resolve_nothing(known: MakeHost, failed: Failed, check_id: str) -> None:
    host = known({"units": b"U /etc/systemd/system/a.service\nExecStart /usr/s", "refs": REFS}, {"units": "cut"})
    assert failed(check_id, host) == ({}, "cut")
