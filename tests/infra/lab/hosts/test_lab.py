"""A lab host is a host of its own, and leaves nothing behind."""

import subprocess
from pathlib import Path

import pytest

from infra.lab.hosts import LabHost, lab_host, ssh_door
from infra.lab.hosts.plants import Planted
from infra.lab.namespaces import LabError

pytestmark = pytest.mark.timeout(1_500)


def test_nothing_done_inside_is_done_around(clean: LabHost) -> None:
    clean.must("touch /etc/planted /tmp/planted /root/planted; hostname other; kill -0 1")
    assert not any(Path(f"/{place}/planted").exists() for place in ("etc", "tmp", "root"))
    assert subprocess.run(("hostname",), capture_output=True, text=True, check=True).stdout.strip() != "other"
    clean.must("rm /etc/planted /tmp/planted /root/planted; hostname host-7")


def test_everything_ends_with_the_block() -> None:
    with lab_host("busybox") as host:
        inside = Path(f"/proc/{host.pid}")
        assert inside.exists()
    assert not inside.exists()


def test_a_plant_that_cannot_be_made_is_said() -> None:
    with (
        pytest.raises(LabError, match="what nobody has"),
        lab_host("busybox", [Planted("what nobody has", "false", "", "")]),
    ):
        pass


def test_what_is_written_shows(clean: LabHost) -> None:
    before = clean.written()
    clean.must("echo x >/etc/motd; touch /run/new; chmod 600 /dev/shm")
    changed = {line.split(" ")[0] for line in clean.written() ^ before}
    assert {"/mnt/upper/etc/motd", "/mnt/host/run/new", "/mnt/host/dev/shm"} <= changed
    clean.must("rm /run/new; chmod 1777 /dev/shm")


def test_a_door_opens_to_its_key_alone(clean: LabHost, tmp_path: Path) -> None:
    with ssh_door(clean) as door:
        other = tmp_path / "other"
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other), check=True)
        for key, code in ((door.identity, 0), (other, 255)):
            options = (f"UserKnownHostsFile={door.known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes")
            argv = ["ssh", "-F", "none", "-i", str(key), *(f"-o{each}" for each in (*options, "IdentitiesOnly=yes"))]
            argv += ["-p", str(door.port), f"{door.user}@{door.address}", "hostname"]
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
            assert (done.returncode, done.stdout) == (code, "" if code else "host-7\n")
