from collections.abc import Callable

import pytest

from estate.hosts.host import Host
from estate.hosts.privilege.baseline import shipped
from estate.hosts.privilege.walk import read_walk

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]
Listed = Callable[[str, Host], tuple[dict[str, dict[str, str]], str]]

DPKG = b"""db dpkg
D /usr/bin/perf\t/usr/bin/perf.wrapper
V root shadow 2755 /usr/bin/tell
V root root 4755 /usr/bin/vim.basic
P mount /bin/mount
P passwd:amd64 /usr/bin/passwd
P linux-perf /usr/bin/perf
P vim /usr/bin/vim.basic
P openssh-client /usr/lib/openssh/ssh-keysign
P acme /opt/acme/bin/run
P acme /opt/acme/chrome-sandbox
P utilities /usr/bin/tell
P libgst:amd64 /usr/lib/x86_64-linux-gnu/gst-ptp-helper
P iputils-ping /bin/ping
P uidmap /usr/bin/newuidmap
"""


def walk(*rows: str, end: str = "E 0") -> bytes:
    return "\n".join((*rows, end, "")).encode("utf-8", "surrogateescape")


def test_set_id_files_of_no_package_are_rated_by_what_they_give(known: MakeHost, failed: Failed) -> None:
    rows = walk(
        "M - /",
        "M nosuid /mnt/stick",
        "S 4755 0 0 /usr/local/bin/rootsh",
        "S 4711 0 0 /home/alice/.cache/x y",
        "S 4755 1000 1000 /home/alice/mine",
        "S 4777 1000 1000 /tmp/open",
        "S 2755 0 42 /usr/local/bin/hashes",
        "S 2755 0 997 /srv/ops",
        "S 4644 0 0 /usr/local/share/nothing-runs",
        "S 4755 0 0 /mnt/stick/su",
        "S 4755 0 0 /usr/bin/mount",
        "S 4755 0 0 /usr/bin/perf.wrapper",
    )
    assert failed("001", known({"walk": rows, "owner": DPKG})) == (
        {
            "/usr/local/bin/rootsh": "critical",
            "/home/alice/.cache/x y": "critical",
            "/home/alice/mine": "medium",
            "/tmp/open": "critical",
            "/usr/local/bin/hashes": "high",
            "/srv/ops": "medium",
            "/usr/local/share/nothing-runs": "low",
            "/mnt/stick/su": "low",
        },
        "",
    )


def test_behind_a_directory_that_lets_only_root_through_a_file_is_of_little_use(
    known: MakeHost, failed: Failed
) -> None:
    refs = b"R 41c0 0 0 /data/engine\nR 41ed 0 0 /data\nR 41ed 0 0 /\n"
    rows = walk("S 4755 0 0 /data/engine/layer/bin/su", "S 4755 0 0 /data/su")
    found, _ = failed("001", known({"walk": rows, "owner": DPKG, "refs": refs}))
    assert found == {"/data/engine/layer/bin/su": "low", "/data/su": "critical"}


def test_users_own_container_stores_are_not_told(known: MakeHost, failed: Failed) -> None:
    rows = walk(
        "S 4755 1000 1000 /home/alice/.local/share/containers/storage/overlay/1/diff/bin/su",
        "S 4755 0 0 /home/alice/.local/share/containers/hidden",
    )
    assert failed("001", known({"walk": rows, "owner": DPKG})) == (
        {"/home/alice/.local/share/containers/hidden": "critical"},
        "",
    )


def test_names_that_would_forge_rows_are_names(known: MakeHost, failed: Failed, listed: Listed) -> None:
    rows = walk(
        "S 4755 0 0 /tmp/a\x01S 0755 0 0 /usr/bin/fine",
        "S 4755 0 0 /tmp/\x1b[2K'$(touch x)'\"",
        "S 4755 0 0 /tmp/\udcff",
        "N 4755 0 0",
    )
    found, reason = failed("001", known({"walk": rows, "owner": DPKG}))
    assert set(found) == {
        "/tmp/a\nS 0755 0 0 /usr/bin/fine",
        "/tmp/\x1b[2K'$(touch x)'\"",
        "/tmp/\udcff",
        "/(a path with a newline)",
    }
    assert reason == ""
    assert len(listed("suid", known({"walk": rows, "owner": DPKG}))[0]) == 4


@pytest.mark.parametrize(
    ("rows", "faults", "reason"),
    [
        (walk("D /root", "S 4755 0 0 /tmp/x"), {}, "no-privilege"),
        (walk("S 4755 0 0 /tmp/x", "T s"), {}, "cut"),
        (walk("S 4755 0 0 /tmp/x", end=""), {}, "truncated"),
        (walk("S 4755 0 0 /tmp/x", "S 4755 0 0 /tmp/ha", end=""), {"walk": "timeout"}, "timeout"),
        (walk("S 4755 0 0 /tmp/x", "X newline"), {}, "unreadable"),
        (walk("S 4755 0 0 /tmp/x", "T W"), {}, ""),
    ],
)
def test_what_was_not_walked_resolves_nothing(
    known: MakeHost, failed: Failed, rows: bytes, faults: dict[str, str], reason: str
) -> None:
    found, why = failed("001", known({"walk": rows, "owner": DPKG}, faults))
    assert "/tmp/x" in found
    assert why == reason


def test_without_the_package_database_only_what_no_package_can_own_is_told(known: MakeHost, failed: Failed) -> None:
    rows = walk("S 4755 0 0 /usr/bin/mount", "S 4755 0 0 /tmp/x")
    found, reason = failed("001", known({"walk": rows, "owner": b""}, {"owner": "timeout"}))
    assert (found, reason) == ({"/tmp/x": "critical"}, "timeout")
    assert failed("001", known({"walk": rows, "owner": b""})) == ({"/tmp/x": "critical"}, "not-rated")


def test_a_packaged_file_keeps_to_what_its_distribution_gives_it(known: MakeHost, failed: Failed) -> None:
    rows = walk(
        "S 4755 0 0 /usr/bin/mount",
        "S 4755 0 0 /usr/bin/passwd",
        "S 4755 0 0 /usr/lib/openssh/ssh-keysign",
        "S 2755 0 42 /usr/bin/tell",
        "S 4755 0 0 /opt/acme/chrome-sandbox",
        "S 4755 0 0 /opt/acme/bin/run",
        "S 4755 0 0 /usr/bin/vim.basic",
    )
    assert failed("002", known({"walk": rows, "owner": DPKG})) == (
        {"/opt/acme/bin/run": "high", "/usr/bin/vim.basic": "critical"},
        "",
    )


def test_a_shipped_file_of_another_owner_or_a_wider_mode_is_told(known: MakeHost, failed: Failed) -> None:
    rows = walk("S 4755 1000 1000 /usr/bin/mount", "S 6755 0 0 /usr/bin/passwd", "S 4777 0 0 /bin/mount")
    found, _ = failed("002", known({"walk": rows, "owner": DPKG}))
    assert set(found) == {"/usr/bin/mount", "/usr/bin/passwd", "/bin/mount"}


def test_rpm_and_apk_say_themselves_what_they_ship(known: MakeHost, failed: Failed) -> None:
    owner = b"db rpm\nB 4755 root root util-linux /usr/bin/mount\nB 2755 root shadow x /usr/bin/y\nP vim /usr/bin/vim\n"
    rows = walk("S 4755 0 0 /usr/bin/mount", "S 4755 0 42 /usr/bin/y", "S 4755 0 0 /usr/bin/vim", "S 4755 0 0 /usr/x")
    host = known({"walk": rows, "owner": owner})
    assert failed("002", host) == ({"/usr/bin/y": "high", "/usr/bin/vim": "critical"}, "")
    assert failed("001", host) == ({"/usr/x": "critical"}, "")


def test_apk_says_it_in_numbers(known: MakeHost, failed: Failed) -> None:
    owner = b"db apk\nB 4111 0 0 busybox-suid /bin/bbsuid\n"
    rows = walk("S 4111 0 0 /bin/bbsuid", "S 4755 0 0 /bin/busybox")
    host = known({"walk": rows, "owner": owner})
    assert failed("002", host) == ({}, "")
    assert failed("001", host) == ({"/bin/busybox": "critical"}, "")


@pytest.mark.parametrize(
    ("path", "mode", "owner", "group", "expected"),
    [
        ("/usr/bin/crontab", 0o2755, "root", "crontab", True),
        ("/bin/crontab", 0o0755, "root", "crontab", True),
        ("/usr/bin/crontab", 0o6755, "root", "crontab", False),
        ("/usr/bin/crontab", 0o2755, "root", "root", False),
        ("/usr/lib/aarch64-linux-gnu/utempter/utempter", 0o2755, "root", "utmp", True),
        ("/usr/lib/dbus-1.0/dbus-daemon-launch-helper", 0o4754, "root", "messagebus", True),
        ("/usr/libexec/sssd/krb5_child", 0o4750, "root", "root", True),
        ("/usr/bin/vim", 0o4755, "root", "root", False),
    ],
)
def test_the_baseline_knows_path_mode_and_owner(path: str, mode: int, owner: str, group: str, expected: bool) -> None:
    assert shipped(path, mode, owner, group) is expected


def test_capabilities_as_good_as_root_are_told(known: MakeHost, failed: Failed, listed: Listed) -> None:
    rows = walk(
        "/usr/bin/python3.11 cap_setuid=ep",
        "/usr/bin/old = cap_dac_read_search+ep",
        "/opt/tool cap_net_bind_service=ep",
        "/usr/bin/ping cap_net_raw=ep",
        "/usr/bin/newuidmap cap_setuid=ep",
        "/home/alice/newuidmap cap_setuid=ep",
        "/tmp/all =ep",
        "/tmp/none cap_setuid-ep",
        "/tmp/a cap_net_raw=ep cap_setgid=ep",
        "/srv/lxc/x cap_sys_admin=ep [rootid=100000]",
    )
    host = known({"walk": rows, "owner": DPKG})
    assert failed("003", host) == (
        {
            "/usr/bin/python3.11": "critical",
            "/usr/bin/old": "high",
            "/home/alice/newuidmap": "critical",
            "/tmp/all": "critical",
            "/tmp/a": "high",
            "/srv/lxc/x": "critical",
        },
        "",
    )
    assert listed("capability", host)[0]["/usr/bin/ping"] == {"capabilities": "cap_net_raw=ep"}


@pytest.mark.parametrize(
    ("row", "reason"), [("X caps", "missing-tool"), ("C /tmp/a\x01b", "unreadable"), ("T /", "cut")]
)
def test_capabilities_that_were_not_asked_for_are_not_absent(
    known: MakeHost, failed: Failed, row: str, reason: str
) -> None:
    assert failed("003", known({"walk": walk(row), "owner": DPKG})) == ({}, reason)
    assert failed("001", known({"walk": walk(row), "owner": DPKG}))[1] == ""


def test_the_inventory_names_mode_owner_and_package(known: MakeHost, listed: Listed) -> None:
    rows = walk("S 4755 0 0 /usr/bin/mount", "S 2755 0 42 /srv/x")
    assert listed("suid", known({"walk": rows, "owner": DPKG})) == (
        {
            "/usr/bin/mount": {"mode": "4755", "owner": "root", "group": "root", "package": "mount"},
            "/srv/x": {"mode": "2755", "owner": "root", "group": "shadow", "package": ""},
        },
        "",
    )


def test_an_attribute_that_nobody_could_look_up_is_not_there(known: MakeHost, listed: Listed) -> None:
    host = known({"walk": walk("S 4755 0 0 /usr/bin/mount"), "owner": b""}, {"owner": "failed", "passwd": "cut"})
    assert listed("suid", host)[0] == {"/usr/bin/mount": {"mode": "4755"}}


def test_a_hundred_thousand_set_id_files_are_read_at_once(known: MakeHost) -> None:
    rows = "\n".join(f"S 4755 1000 1000 /tmp/{number}" for number in range(100_000))
    assert len(known({"walk": f"{rows}\nE 0\n".encode()}).read(read_walk).special) == 100_000
