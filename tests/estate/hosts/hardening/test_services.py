from collections.abc import Callable

import pytest

from estate.hosts.hardening.services import INVENTORY
from estate.hosts.hardening.told import daemons
from estate.hosts.host import Host, Unseen

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]

AUDITED = b"audit\tenabled 1\naudit\trc=0\nrules\trc=0\n"
CONTAINER = b"uid=0\ncontainer=yes\n"


def made(host: MakeHost, *names: str, user: int = 0, init: str = "systemd", **named: object) -> Host:
    sections = named.pop("sections", {})
    assert isinstance(sections, dict)
    runs = f"init 0 {init}\n" + "".join(f"- {user} {name}\n" for name in names)
    return host({"daemons": runs.encode(), "shipping": b"", "agents": b"", **sections}, **named)


def test_a_process_of_an_ordinary_user_is_no_daemon_whatever_its_name(host: MakeHost) -> None:
    assert made(host, "auditd", user=1000).read(daemons).names == {"systemd"}
    assert made(host, "auditd", user=998).read(daemons).names == {"systemd", "auditd"}
    assert made(host, "x", user=61200).read(daemons).names == {"systemd", "x"}
    assert host({"daemons": b"init 0 init\n- ? chronyd\n"}).read(daemons).names == {"init"}


@pytest.mark.parametrize("body", [b"", b"- 0 sshd\n", b"\x00\xff\n", b"init 99999999999 x\n"])
def test_a_list_without_a_first_process_is_no_list(body: bytes, host: MakeHost) -> None:
    with pytest.raises(Unseen, match="unreadable"):
        host({"daemons": body}).read(daemons)


def test_a_host_without_auditd_is_not_audited(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-002", made(host)) == ({"auditd": "low"}, "")
    assert failed("HOST-HRD-002", made(host, "auditd", sections={"confinement": AUDITED})) == ({}, "")
    assert failed("HOST-HRD-002", made(host, "auditbeat")) == ({}, "")


def test_auditd_without_rules_or_switched_off_audits_nothing(host: MakeHost, failed: Failed) -> None:
    idle = b"audit\tenabled 0\naudit\trc=0\nrules\tNo rules\nrules\trc=0\n"
    found = failed("HOST-HRD-002", made(host, "auditd", sections={"confinement": idle}))
    assert found == ({"enabled": "low", "rules": "low"}, "")


def test_whether_auditd_has_rules_is_for_root_to_see(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-002", made(host, "auditd", uid=1000)) == ({}, "no-privilege")
    assert failed("HOST-HRD-002", made(host, "auditd", sections={"confinement": b""})) == ({}, "missing-tool")
    broken = b"audit\trc=1\nrules\trc=0\n"
    assert failed("HOST-HRD-002", made(host, "auditd", sections={"confinement": broken})) == ({}, "failed")


def test_one_time_client_is_enough_and_two_are_too_many(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-005", made(host)) == ({"host": "low"}, "")
    assert failed("HOST-HRD-005", made(host, "systemd-timesyn", user=997)) == ({}, "")
    assert failed("HOST-HRD-005", made(host, "chronyd", "ptp4l")) == ({}, "")
    assert failed("HOST-HRD-005", made(host, "chronyd", "ntpd")) == ({"clients": "low"}, "")


def test_logs_are_shipped_by_an_agent_or_by_the_logger(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-010", made(host)) == ({"host": "low"}, "")
    assert failed("HOST-HRD-010", made(host, "systemd-journal")) == ({"host": "low"}, "")
    assert failed("HOST-HRD-010", made(host, "fluent-bit")) == ({}, "")
    sends = {"shipping": b"sends=yes\n"}
    assert failed("HOST-HRD-010", made(host, "rsyslogd", sections=sends)) == ({}, "")
    assert failed("HOST-HRD-010", made(host, sections=sends)) == ({"host": "low"}, "")
    assert failed("HOST-HRD-010", made(host, sections={"shipping": b"uploads=yes\n"})) == ({}, "")
    unread = {"shipping": b"unread=yes\n"}
    assert failed("HOST-HRD-010", made(host, "rsyslogd", sections=unread)) == ({}, "no-privilege")


def test_a_guard_that_is_installed_has_to_run(host: MakeHost, failed: Failed) -> None:
    installed = {"agents": b"/opt/microsoft/mdatp\n/usr/bin/osqueryd\n/opt/osquery\n/opt/unheard-of\n"}
    assert failed("HOST-HRD-011", made(host, "osqueryd", sections=installed)) == ({"defender": "medium"}, "")
    assert failed("HOST-HRD-011", made(host, "osqueryd", "wdavdaemon", sections=installed)) == ({}, "")
    (inventory,) = INVENTORY
    assert dict(inventory.read(made(host, "osqueryd", sections=installed))) == {
        "defender": (("runs", "no"),),
        "osquery": (("runs", "yes"),),
    }


@pytest.mark.parametrize("check", ["HOST-HRD-002", "HOST-HRD-005", "HOST-HRD-010", "HOST-HRD-011"])
def test_hidden_processes_prove_nothing(check: str, host: MakeHost, failed: Failed) -> None:
    hidden = host({"shipping": b"", "agents": b""}, faults={"daemons": "no-privilege"}, uid=1000)
    assert failed(check, hidden) == ({}, "no-privilege")


@pytest.mark.parametrize("check", ["HOST-HRD-002", "HOST-HRD-005", "HOST-HRD-010"])
def test_a_container_of_one_program_needs_none_of_it(check: str, host: MakeHost, failed: Failed) -> None:
    assert failed(check, made(host, init="nginx", sections={"who": CONTAINER})) == ({}, "")


def test_a_container_of_a_whole_system_ships_its_logs(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-010", made(host, sections={"who": CONTAINER})) == ({"host": "low"}, "")
