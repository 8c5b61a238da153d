"""Every plant is found, no decoy is, and a plain host shows nothing that has no reason."""

import pytest

from estate.hosts.registry import BY_ID
from infra.lab.hosts import LabHost
from infra.lab.hosts.catalogue import DECOYS, PLANTS
from infra.lab.hosts.collecting import Judged, collect, judge
from infra.lab.hosts.plants import Planted

# The first to ask makes the root file system, from the package mirror.
pytestmark = pytest.mark.timeout(1_500)

REASONS = {
    ("HOST-ACC-011", "PermitRootLogin"): "OpenSSH's default lets root in by key",
    ("HOST-ACC-012", "PasswordAuthentication"): "OpenSSH's default takes passwords, and ops has one",
    ("HOST-ACC-013", "MACs"): "OpenSSH's default offers HMAC with SHA-1",
    ("HOST-ACC-014", "LoginGraceTime"): "OpenSSH's default is two minutes",
    ("HOST-ACC-014", "MaxAuthTries"): "OpenSSH's default is six",
    ("HOST-ACC-014", "X11Forwarding"): "Debian's sshd_config switches it on",
    (
        "HOST-ACC-017",
        "/etc/pam.d/common-auth:auth [success=1 default=ignore] pam_unix.so nullok",
    ): "Debian's PAM takes empty passwords where an account has one",
    ("HOST-ACC-017", "pam_faillock"): "Debian does not slow down who guesses",
    ("HOST-ACC-018", "PASS_MAX_DAYS"): "Debian's passwords never expire",
    ("HOST-ACC-018", "minlen"): "Debian asks for no length",
    ("HOST-HRD-001", "ipv4"): "Debian installs nftables without rules",
    ("HOST-HRD-002", "auditd"): "Debian installs no audit daemon",
    ("HOST-HRD-004", "/dev/shm:noexec"): "systemd mounts it without noexec",
    ("HOST-HRD-004", "/tmp"): "Debian 12 keeps /tmp in the root file system",
    ("HOST-HRD-006", "unattended-upgrades"): "the installer leaves it out, cloud images have it",
    ("HOST-HRD-009", "net.ipv4.conf.all.accept_redirects"): "the kernel's default",
    ("HOST-HRD-009", "net.ipv6.conf.all.accept_redirects"): "the kernel's default",
    ("HOST-HRD-009", "net.ipv4.conf.all.rp_filter"): "the kernel's default, which Debian leaves",
    ("HOST-HRD-010", "host"): "a journal alone, which stays on the host",
    ("HOST-PKG-008", "debian-12"): "its regular support has ended, and long-term support goes on",
    ("HOST-PRV-023", "kernel.kptr_restrict"): "the kernel's default, which Debian leaves",
    ("HOST-PRV-023", "kernel.yama.ptrace_scope"): "Debian's own default",
}
"""What a plain Debian is reported for."""
BUSYBOX_HAS = {"HOST-HRD-002", "HOST-HRD-004", "HOST-HRD-005", "HOST-HRD-006", "HOST-HRD-009", "HOST-HRD-010"}


def test_the_lab_is_worth_its_name() -> None:
    assert len(PLANTS) >= 40
    assert len(DECOYS) >= 20
    assert {plant.check.split("-")[1] for plant in PLANTS} == {"PKG", "PRV", "ACC", "HRD"}


@pytest.mark.parametrize("plant", [each for each in PLANTS if each.check in BY_ID], ids=lambda each: each.what)
def test_a_plant_is_found(plant: Planted, bad_judged: Judged) -> None:
    found = [each for each in bad_judged.failures if plant.is_at(each.check, each.resource, each.severity)]
    assert found, [each for each in bad_judged.failures if each.check == plant.check]


@pytest.mark.parametrize("decoy", DECOYS, ids=lambda each: each.what)
def test_a_decoy_is_not_reported(decoy: Planted, bad_judged: Judged) -> None:
    assert [each for each in bad_judged.failures if decoy.is_at(each.check, each.resource, each.severity)] == []


def test_a_plain_host_is_reported_only_for_what_has_a_reason(clean_judged: Judged) -> None:
    assert clean_judged.places - set(REASONS) == set()


def test_no_reason_is_given_for_what_is_not_reported(clean_judged: Judged) -> None:
    assert set(REASONS) - clean_judged.places == set()


def test_root_sees_everything_of_a_plain_host(clean_judged: Judged) -> None:
    # What others know of it is asked elsewhere, and whether a restart is due is told by a package that is left out.
    unseen = {check: why for check, why in clean_judged.unseen.items() if why not in {"not-asked", "not-rated"}}
    assert unseen == {"HOST-PKG-007": "missing-tool"}


@pytest.mark.parametrize("kind", ["bad", "clean"])
def test_less_privilege_raises_no_alarm_of_its_own(kind: str, request: pytest.FixtureRequest) -> None:
    lab: LabHost = request.getfixturevalue(kind)
    root: Judged = request.getfixturevalue(f"{kind}_judged")
    less = judge(collect(lab, user="ops"))
    assert less.places - root.places == set()
    # What root found and this user does not see may not pass for them.
    passed = {check for check, _ in root.places - less.places} - set(less.unseen)
    assert passed == set()


def test_a_host_of_busybox_alone_is_judged_by_what_it_has(busybox: LabHost) -> None:
    judged = judge(collect(busybox))
    assert {each.check for each in judged.failures if "-HRD-" in each.check} == BUSYBOX_HAS
    assert "HOST-HRD-001" in judged.unseen
