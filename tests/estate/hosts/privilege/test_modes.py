from collections.abc import Callable

import pytest

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]


def walk(*rows: str) -> dict[str, bytes]:
    return {"walk": "\n".join((*rows, "E 0", "")).encode()}


def test_what_everybody_may_write_of_the_systems_is_rated_by_what_it_does(known: MakeHost, failed: Failed) -> None:
    host = known(
        walk(
            "W f 666 0 0 /etc/profile.d/x.sh",
            "W d 777 0 0 /etc/cron.d",
            "W f 666 0 0 /etc/acme/notes",
            "W f 777 0 0 /usr/local/bin/run",
            "W f 666 0 0 /usr/share/data",
            "W d 777 0 0 /opt/acme",
            "W f 666 0 0 /opt/acme/data",
            "W d 777 0 0 /srv/drop",
        )
    )
    assert failed("018", host) == (
        {
            "/etc/profile.d/x.sh": "critical",
            "/etc/cron.d": "critical",
            "/etc/acme/notes": "medium",
            "/usr/local/bin/run": "critical",
            "/usr/share/data": "high",
            "/opt/acme": "high",
            "/opt/acme/data": "medium",
        },
        "",
    )
    assert failed("020", host) == ({"/srv/drop": "medium"}, "")
    assert failed("018", known(walk())) == ({}, "")
    assert failed("020", known(walk())) == ({}, "")


def test_room_that_ran_out_resolves_nothing(known: MakeHost, failed: Failed) -> None:
    assert failed("018", known(walk("T W")))[1] == "cut"
    assert failed("020", known(walk("T w")))[1] == "cut"
    assert failed("021", known(walk("T O")))[1] == "cut"


def test_files_of_nobody_are_told_by_the_uppermost(known: MakeHost, failed: Failed) -> None:
    rows = (
        *("O 1500 1500 /srv/old", "O 1500 1500 /srv/old/a", "O 1500 1500 /srv/old/a/b", "O 0 1500 /srv/b"),
        *("O 100123 100123 /srv/mapped", "O 61999 61999 /var/lib/private/x", "O 0 1500 /run/sudo/ts/x"),
    )
    assert failed("021", known(walk(*rows))) == ({"/srv/old": "low", "/srv/b": "low"}, "")
    assert failed("021", known(walk("A passwd files systemd"))) == ({}, "")


@pytest.mark.parametrize(("row", "reason"), [("A passwd files sss", "not-rated"), ("X unowned", "missing-tool")])
def test_where_accounts_come_from_elsewhere_nobody_is_told(
    known: MakeHost, failed: Failed, row: str, reason: str
) -> None:
    assert failed("021", known(walk(row, "O 70001 70001 /home/carol")))[1] == reason


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        ("81a0 0 42 /etc/shadow", ""),
        ("8000 0 0 /etc/shadow", ""),
        ("81a4 0 42 /etc/shadow", "critical"),
        ("8184 0 0 /etc/gshadow-", "critical"),
        ("81a0 0 997 /etc/shadow", "high"),
        ("81a0 0 996 /etc/shadow", "medium"),
        ("81a0 1000 42 /etc/shadow", "critical"),
        ("81a4 0 0 /etc/passwd", ""),
        ("81b6 0 0 /etc/passwd", "critical"),
        ("81b4 0 997 /etc/group", "critical"),
        ("81b4 0 996 /etc/group", ""),
        ("81a4 0 0 /etc/krb5.keytab", "high"),
        ("8180 0 0 /etc/krb5.keytab", ""),
        ("41c0 0 0 /root", ""),
        ("41ff 0 0 /root", "critical"),
        ("81a4 0 0 /etc/security/opasswd", "high"),
    ],
)
def test_files_of_accounts_and_secrets(known: MakeHost, failed: Failed, row: str, severity: str) -> None:
    expected = {row.rsplit(maxsplit=1)[-1]: severity} if severity else {}
    assert failed("019", known({"modes": f"{row}\n".encode()})) == (expected, "")


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        ("c1b0 0 998 /run/docker.sock", ""),
        ("c1b6 0 998 /run/docker.sock", "critical"),
        ("c1ff 0 0 /run/podman/podman.sock", "critical"),
        ("c1b0 0 997 /run/containerd/containerd.sock", "high"),
        ("c1b0 0 996 /run/containerd/containerd.sock", ""),
        ("81b6 0 0 /run/docker.sock", ""),
    ],
)
def test_sockets_of_engines(known: MakeHost, failed: Failed, row: str, severity: str) -> None:
    expected = {row.rsplit(maxsplit=1)[-1]: severity} if severity else {}
    assert failed("022", known({"modes": f"{row}\n".encode()})) == (expected, "")


@pytest.mark.parametrize("check_id", ["019", "022"])
def test_modes_that_were_cut_resolve_nothing(known: MakeHost, failed: Failed, check_id: str) -> None:
    assert failed(check_id, known({"modes": b"81a4 0 0 /etc/pass"}, {"modes": "cut"})) == ({}, "cut")
