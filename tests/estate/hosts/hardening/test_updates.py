from collections.abc import Callable

import pytest

from estate.hosts.host import Host

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]

DEBIAN = """\
family=apt
installed=unattended-upgrades
manager=systemd
apt\tAPT::Periodic::Update-Package-Lists "1";
apt\tAPT::Periodic::Unattended-Upgrade "1";
apt\tUnattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename},label=Debian-Security";
apt\trc=0
timer=apt-daily-upgrade.timer
"""
UBUNTU = DEBIAN.replace(
    'Origins-Pattern:: "origin=Debian,codename=${distro_codename},label=Debian-Security"',
    'Allowed-Origins:: "${distro_id}:${distro_codename}-security"',
)
REDHAT = "family=rpm\nmanager=systemd\ntimer=dnf-automatic.timer\nsetting=apply_updates = yes\n"


def made(host: MakeHost, said: str, init: str = "systemd", **named: object) -> Host:
    return host({"updates": said.encode(), "daemons": f"init 0 {init}\n".encode()}, **named)


@pytest.mark.parametrize(
    "said",
    [
        DEBIAN,
        UBUNTU,
        DEBIAN.replace("manager=systemd\n", "").replace("timer=apt-daily-upgrade.timer\n", ""),
        REDHAT,
        "family=rpm\ntimer=dnf-automatic-install.timer\n",
        "family=rpm\nyum-cron=yes\nsetting=apply_updates=yes\n",
        "family=apk\ncron=yes\n",
        "family=apt\ncron=yes\n",
    ],
)
def test_updates_that_install_themselves_pass(said: str, host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-006", made(host, said)) == ({}, "")


@pytest.mark.parametrize(
    ("said", "resource"),
    [
        ("family=apt\napt\trc=0\n", "unattended-upgrades"),
        (DEBIAN.replace('Unattended-Upgrade "1"', 'Unattended-Upgrade "0"'), "unattended-upgrades"),
        (DEBIAN.replace("apt\trc", 'apt\tAPT::Periodic::Enable "0";\napt\trc'), "unattended-upgrades"),
        (DEBIAN.replace("Debian-Security", "Debian-Backports"), "origins"),
        (DEBIAN.replace("timer=", "timer=man-db"), "timer"),
        (REDHAT.replace("= yes", "= no"), "automatic-updates"),
        ("family=rpm\n", "automatic-updates"),
        ("family=apk\n", "automatic-updates"),
    ],
)
def test_what_keeps_them_from_it_is_named(said: str, resource: str, host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-006", made(host, said)) == ({resource: "medium"}, "")


def test_a_job_in_roots_own_crontab_may_do_it(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-006", made(host, "family=apk\n", uid=1000)) == ({}, "no-privilege")
    assert failed("HOST-HRD-006", made(host, DEBIAN, uid=1000)) == ({}, "")


def test_settings_that_could_not_be_read_prove_nothing(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-006", made(host, "family=apt\napt\trc=100\n")) == ({}, "failed")
    assert failed("HOST-HRD-006", made(host, "")) == ({}, "not-rated")


def test_a_container_of_one_program_is_made_anew(host: MakeHost, failed: Failed) -> None:
    sections = {"who": b"uid=0\ncontainer=yes\n", "updates": b"family=apk\n", "daemons": b"init 0 nginx\n"}
    assert failed("HOST-HRD-006", host(sections)) == ({}, "")
    sections["daemons"] = b"init 0 systemd\n"
    assert failed("HOST-HRD-006", host(sections)) == ({"automatic-updates": "medium"}, "")
