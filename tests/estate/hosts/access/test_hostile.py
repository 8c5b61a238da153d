"""Whatever bytes come: no check fails in another way than by saying what it could not see."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.hosts.access import CHECKS, INVENTORY
from estate.hosts.host import Host, Unseen

SECTIONS = {
    "passwd": b"root:x:0:0::/root:/bin/bash\nanna:x:1000:1000::/home/anna:/bin/sh\n",
    "group": b"root:x:0:\nsudo:x:27:anna\nanna:x:1000:\n",
    "shadow": b"root:none:1:::::\nanna:sha256:1:::::\n",
    "nss": b"!file /etc/nsswitch.conf\n\tpasswd: files\n",
    "policy": b"!file /etc/login.defs\n\tUID_MIN 1000\n\tPASS_MAX_DAYS 99999\n",
    "sshd": b"!file /etc/ssh/sshd_config\n\tMatch User anna\n\tX11Forwarding yes\n"
    b"!global\npermitrootlogin yes\n!user anna\nx11forwarding yes\n",
    "hostkeys": b"644 0 0 /etc/ssh/ssh_host_rsa_key\n",
    "keys": b"@anna\nH 755 1000 1000 /home/anna\nP plain 644 0 0 /p\nR all 6 0 0 /r\nF 606 1000 1000 /k\n"
    b"K ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1YdxBpNlzxDqfJyw/QKow1F+wvG9hXGoqiysfJOn5Y a\nC 644 1000 1000 /c\n",
    "pam": b"!file /etc/pam.d/su\n\tauth sufficient pam_permit.so\n!module /lib/security/x.so\n",
    "logins": b"F 203.0.113.9\nA 203.0.113.9 anna\n",
    "sockets": b"!range 1 2\ns tcp 0.0.0.0:23 0 1\nh tcp 0100007F:1F90 0 5\ni 1 2\nx 2 0 own /bin/x\no p /bin/x\n",
    "exes": b"x 7 0 own /tmp/x (deleted)\n",
}
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def ask_everything(host: Host) -> None:
    for check in CHECKS:
        with suppress(Unseen):
            for problem in check.run(host):
                assert problem.resource
                assert problem.evidence
    for inventory in INVENTORY:
        with suppress(Unseen):
            tuple(inventory.read(host))


@QUIET
@given(body=st.binary())
def test_no_bytes_upset_a_check(host, body: bytes) -> None:
    ask_everything(host(dict.fromkeys(SECTIONS, body)))


@QUIET
@given(name=st.sampled_from(sorted(SECTIONS)), where=st.integers(0, 200), byte=st.integers(0, 255))
def test_no_changed_byte_upsets_a_check(host, name: str, where: int, byte: int) -> None:
    body = bytearray(SECTIONS[name])
    body[where % len(body)] = byte
    ask_everything(host(SECTIONS | {name: bytes(body)}))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_cut_anywhere_finds_nothing_that_is_not_there(host, name: str) -> None:
    """What a cut section still says is a part of what it said whole, and nothing of it is proved to be all."""
    whole = findings(host(SECTIONS))
    for end in range(len(SECTIONS[name])):
        cut = findings(host(SECTIONS | {name: SECTIONS[name][:end]}, {name: "truncated"}))
        for check_id, (found, unseen) in cut.items():
            assert unseen or found == whole[check_id][0], (check_id, end)


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("fault", ["no-privilege", "missing-tool", "timeout", "cut", "failed"])
def test_a_section_that_did_not_come_resolves_nothing(host, name: str, fault: str) -> None:
    whole = findings(host(SECTIONS))
    for check_id, (found, unseen) in findings(host(SECTIONS | {name: b""}, {name: fault})).items():
        assert unseen or found >= whole[check_id][0], check_id


@pytest.mark.parametrize("error", ["unreachable", "auth-failed", "host-key-changed"])
def test_a_host_that_was_not_collected_passes_nothing(host, error: str) -> None:
    for found, unseen in findings(host({}, error=error)).values():
        assert unseen == error
        assert found <= {"host"}


def findings(host: Host) -> dict[str, tuple[frozenset[str], str]]:
    told: dict[str, tuple[frozenset[str], str]] = {}
    for check in CHECKS:
        found: set[str] = set()
        unseen = ""
        try:
            for problem in check.run(host):
                found.add(problem.resource)
        except Unseen as why:
            unseen = why.reason
        told[check.id] = (frozenset(found), unseen)
    return told
