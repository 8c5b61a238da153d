from collections.abc import Callable

import pytest

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("/srv 10.0.0.0/8(rw,sync)", {}),
        ("/srv *(ro)", {}),
        ("/srv *(rw)", {"/srv:*": "high"}),
        ("/srv (rw)", {"/srv:*": "high"}),
        ("/srv *(rw,no_root_squash)", {"/srv:*": "critical"}),
        ("/srv 10.1.1.1(rw,no_root_squash) 10.1.1.2(rw)", {"/srv:10.1.1.1": "high"}),
        ("/srv -rw,no_root_squash 10.1.1.1 10.1.1.2(root_squash)", {"/srv:10.1.1.1": "high"}),
        ("/srv \\\n 10.1.1.1(no_root_squash)", {"/srv:10.1.1.1": "high"}),
        ('"/srv/a b" *(rw)', {"/srv/a b:*": "high"}),
        ("/srv/a\\040b *(rw)", {"/srv/a b:*": "high"}),
        ("/srv *(rw,sec=krb5p)", {}),
        ("# /srv *(rw,no_root_squash)", {}),
        ("/srv *(no_root_squash,all_squash)", {}),
    ],
)
def test_exports(known: MakeHost, failed: Failed, lines: str, expected: dict[str, str]) -> None:
    body = "= 81a4 0 0 /etc/exports\n" + "".join(f"|{line}\n" for line in lines.split("\n"))
    assert failed("024", known({"exports": body.encode()})) == (expected, "")


@pytest.mark.parametrize(
    ("dockerd", "units", "expected"),
    [
        ("", "", {}),
        ("A -H\nA unix:///run/docker.sock\n", "", {}),
        ("A -H\nA tcp://0.0.0.0:2375\n", "", {"hosts:tcp://0.0.0.0:2375": "critical"}),
        ("A -Htcp://127.0.0.1:2375\n", "", {"hosts:tcp://127.0.0.1:2375": "critical"}),
        ("A --host=tcp://:2376\nA --tlsverify\nA --tlscacert=/x\n", "", {}),
        ("A --host=tcp://:2376\nA --tls\n", "", {"hosts:tcp://:2376": "critical"}),
        (
            'F /etc/docker/daemon.json\nJ "hosts": ["fd://", "tcp://10.0.0.1:2375"]\n',
            "",
            {"hosts:tcp://10.0.0.1:2375": "critical"},
        ),
        ('F /etc/docker/daemon.json\nJ "hosts": ["tcp://10.0.0.1:2376"]\nJ "tlsverify": true\n', "", {}),
        (
            'F /d\nJ "insecure-registries" : ["r.example:5000", "127.0.0.1:5000"]\n',
            "",
            {"insecure-registries:r.example:5000": "medium"},
        ),
        (
            "",
            "U /etc/systemd/system/docker.service\nExecStart /usr/bin/dockerd -H tcp://0.0.0.0:2375\n",
            {"hosts:tcp://0.0.0.0:2375": "critical"},
        ),
        ("", "U /usr/lib/systemd/system/docker.service\nExecStart /usr/bin/dockerd -H\n", {}),
    ],
)
def test_engines_that_take_commands_from_anybody(
    known: MakeHost, failed: Failed, dockerd: str, units: str, expected: dict[str, str]
) -> None:
    assert failed("026", known({"dockerd": dockerd.encode(), "units": units.encode()})) == (expected, "")


def test_what_could_not_be_read_resolves_nothing(known: MakeHost, failed: Failed) -> None:
    assert failed("024", known({"exports": b""}, {"exports": "no-privilege"})) == ({}, "no-privilege")
    assert failed("026", known({"dockerd": b"", "units": b""}, {"dockerd": "no-privilege"})) == ({}, "no-privilege")
