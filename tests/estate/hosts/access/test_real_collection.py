"""The real collector in a mount namespace in which this machine's accounts, homes, ssh and logs are planted ones."""

import os
import re
import secrets
import socket
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.hosts.access import CHECKS, INVENTORY
from estate.hosts.access.listeners import read_listeners
from estate.hosts.frames import read_frames
from estate.hosts.host import Host, Unseen, Visit
from tasks.hosts import collector

PARTS = Path(collector.__file__).parent
OTHERS = b"packages_sections() { :; }\nprivilege_sections() { :; }\nhardening_sections() { :; }\n"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
SHELLS = pytest.mark.parametrize("shell", [("dash",), ("bash",), ("busybox", "ash")], ids=" ".join)
HASH = "$6$rounds=5000$salt$" + "k" * 86
ESCAPED = "/home/\x1b[31mred home"


def access_only() -> bytes:
    head, access, tail = ((PARTS / f"{part}.sh").read_bytes() for part in ("head", "access", "tail"))
    return head + OTHERS + access + tail


@dataclass(frozen=True)
class Planted:
    """Files to be seen instead of this machine's own, by where."""

    folder: Path

    def write(self, path: str, text: str, mode: int = 0o644, uid: int = 0) -> Path:
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        file.chmod(mode)
        os.chown(file, uid, uid)
        return file

    def own(self, path: str, uid: int, mode: int) -> None:
        os.chown(self.folder / path.lstrip("/"), uid, uid)
        (self.folder / path.lstrip("/")).chmod(mode)

    def collect(self, *argv: str, before: tuple[str, ...] = ()) -> tuple[Host, bytes]:
        """Run the collector over these files; what lies deeper is mounted later."""
        mounts = "".join(
            f"mount --bind '{self.folder / place}' /{place} || exit 9\n"
            for place in (
                "etc/passwd",
                "etc/group",
                "etc/shadow",
                "etc/ssh",
                "etc/pam.d",
                "etc/login.defs",
                "home",
                "var/log",
            )
            if (self.folder / place).exists()
        )
        nonce = secrets.token_hex(16)
        wrapped = ("unshare", "-m", "--propagation", "private", "sh", "-c", f'{mounts}exec "$@"', "sh", *before)
        done = subprocess.run(
            (*wrapped, *argv, "-s", "--", nonce), input=access_only(), capture_output=True, check=True, timeout=120
        )
        frames = read_frames(done.stdout, nonce)
        assert frames.complete
        return Host(Visit("host:here", datetime(2026, 5, 4, tzinfo=UTC), nonce, "local"), frames), done.stdout


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    """A machine with one of everything wrong in how people get in."""
    tmp_path.chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)
    made = Planted(tmp_path)
    made.write(
        "etc/passwd",
        "root:x:0:0:The Superuser:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
        "anna:x:1000:1000:Anna Secret,Room 7:/home/anna:/bin/bash\nbert:x:1001:1001::/home/bert:/bin/sh\n"
        f"red:x:1002:1002::{ESCAPED}:/bin/sh\nold:{HASH}:1003:1003::/nonexistent:/bin/sh\n"
        "toor:x:0:0\n+@admins::::::\nanna:x:0:0::/:/bin/sh\ngames:x:5:5::/usr/games:/bin/sh\n"
        "sshd:x:105:65534::/run/sshd:/usr/sbin/nologin\nhalf",
    )
    made.write("etc/group", "root:x:0:\nsudo:x:27:anna,ghost\nanna:x:1000:\nbert:x:1001:\nred:x:1002:\n")
    made.write("etc/shadow", f"root:*:1::::::\nanna:{HASH}:1::::::\nbert::1::::::\nred:!{HASH}:1::::::\n", 0o600)
    made.write("etc/login.defs", "PASS_MAX_DAYS 99999\nUID_MIN 1000\nENCRYPT_METHOD MD5\n")
    made.write("etc/pam.d/sshd", "auth sufficient pam_permit.so\n")
    made.write(
        "etc/ssh/sshd_config",
        "Include sshd_config.d/*.conf\nUsePAM yes\nPermitRootLogin no\nMatch User bert\n  PasswordAuthentication yes\n",
    )
    made.write(
        "etc/ssh/sshd_config.d/10-first.conf",
        "PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\nCiphers aes256-ctr,aes128-cbc\n",
    )
    subprocess.run(("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", tmp_path / "weak"), check=True)
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "plain"), check=True)
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "long enough", "-f", tmp_path / "shut"), check=True)
    weak, plain = ((tmp_path / name).with_suffix(".pub").read_text() for name in ("weak", "plain"))
    made.write("etc/ssh/ssh_host_ed25519_key", (tmp_path / "plain").read_text(), 0o644)
    made.write("etc/ssh/ssh_host_rsa_key", (tmp_path / "weak").read_text(), 0o600)
    made.write("etc/ssh/keys/bert", f'from="10.0.0.1" {plain}')
    made.write("home/anna/.ssh/authorized_keys", f"# comment\n{weak}\n\x00\xff binary\n", 0o666, 1000)
    made.write("home/anna/.ssh/id_plain", (tmp_path / "plain").read_text(), 0o600, 1000)
    made.write("home/anna/.ssh/id_shut", (tmp_path / "shut").read_text(), 0o600, 1000)
    made.write("home/anna/.ssh/x\nP plain 777 0 0 /forged", (tmp_path / "plain").read_text(), 0o600, 1000)
    made.write("home/anna/.aws/credentials", "aws_secret_access_key = hush\n", 0o644, 1000)
    made.write("home/anna/.rhosts", "+ +\n", 0o600, 1000)
    made.write(f"{ESCAPED}/.ssh/authorized_keys", plain, 0o600, 1002)
    for path, uid, mode in (
        ("home/anna", 1000, 0o755),
        ("home/anna/.ssh", 1000, 0o700),
        ("home/anna/.aws", 1000, 0o755),
        (ESCAPED, 1002, 0o777),
        (f"{ESCAPED}/.ssh", 1002, 0o700),
    ):
        made.own(path, uid, mode)
    made.write("home/x\n@root\nF 666 0 0 /forged/file", "", 0o644)
    now = datetime.now().astimezone()
    failed = f"{now:%b %e %H:%M:%S} web sshd[6]: Failed password for invalid user a from 10.9.9.9"
    failures = f"{failed} from 203.0.113.9 port 6 ssh2\n" * 19
    made.write(
        "var/log/auth.log",
        f"{failures}{now:%Y-%m-%dT%H:%M:%S}.000+00:00 web sshd[7]: message repeated 2 times:"
        " [ Failed password for anna from 203.0.113.9 port 7 ssh2]\n"
        f"{now:%b %e %H:%M:%S} web sshd[8]: Accepted password for anna from 203.0.113.9 port 7 ssh2\n"
        f"{now:%b %e %H:%M:%S} web sshd[8]: Accepted password for bert from 198.51.100.1 port 7 ssh2\n"
        f"{now:%b %e %H:%M:%S} web evil: sshd[8]: Accepted password for eve from 203.0.113.9 port 7 ssh2\n",
        0o640,
    )
    return made


def ask_everything(host: Host) -> tuple[dict[str, str], dict[str, str]]:
    """Every problem's severity by `id resource`, and why a check could not say that this is all."""
    found: dict[str, str] = {}
    unseen: dict[str, str] = {}
    for check in CHECKS:
        try:
            for problem in check.run(host):
                found[f"{check.id[9:]} {problem.resource}"] = problem.severity.value
        except Unseen as why:
            unseen[check.id[9:]] = why.reason
    for inventory in INVENTORY:
        with suppress(Unseen):
            tuple(inventory.read(host))
    return found, unseen


@SHELLS
def test_everything_planted_is_found_in_every_shell(planted: Planted, shell: tuple[str, ...]) -> None:
    host, output = planted.collect(*shell)
    found, unseen = ask_everything(host)
    named = {re.sub(r"SHA256:\S+", "KEY", place): severity for place, severity in found.items()}
    assert (
        named.items()
        >= {
            "001 toor": "critical",
            "001 anna": "critical",
            "002 bert": "critical",
            "003 old": "high",
            "004 games": "medium",
            "005 sudo:ghost": "medium",
            "007 anna:KEY": "low",
            "008 /home/anna/.ssh/authorized_keys": "critical",
            f"008 {ESCAPED}": "high",
            "009 KEY": "medium",
            "010 anna": "medium",
            "015 bert:PasswordAuthentication": "medium",
            "016 /etc/ssh/ssh_host_ed25519_key": "high",
            "017 /etc/pam.d/sshd:auth sufficient pam_permit.so": "critical",
            "018 PASS_MAX_DAYS": "low",
            "018 ENCRYPT_METHOD": "medium",
            "019 /home/anna/.rhosts": "high",
            "020 /home/anna/.ssh/id_plain": "low",
            "021 /home/anna/.aws/credentials": "high",
            "022 203.0.113.9:anna": "critical",
        }.items()
    )
    assert named["011 PermitRootLogin"] == "high"
    assert named["013 Ciphers"] == "medium"
    assert not [place for place in named if "forged" in place or "eve" in place or "10.9.9.9" in place]
    assert "020 /home/anna/.ssh/id_shut" not in named
    assert set(unseen) <= {"024"}
    for secret in (HASH.encode(), b"k" * 20, b"Room 7", b"hush", b"PRIVATE KEY", b"long enough"):
        assert secret not in output


@SHELLS
def test_a_server_that_cannot_be_asked_is_read_from_its_files(planted: Planted, shell: tuple[str, ...]) -> None:
    planted.write("etc/ssh/sshd_config.d/99-bad.conf", "NoSuchOption yes\n")
    host, _ = planted.collect(*shell)
    found, unseen = ask_everything(host)
    assert found["011 PermitRootLogin"] == "high"
    assert found["013 Ciphers"] == "medium"
    assert unseen["013"] == "failed"
    assert found["015 bert:PasswordAuthentication"] == "medium"


@SHELLS
def test_a_login_without_rights_says_what_it_may_not_see(planted: Planted, shell: tuple[str, ...]) -> None:
    host, _ = planted.collect(*shell, before=NOBODY)
    found, unseen = ask_everything(host)
    assert found["001 toor"] == "critical"
    assert found["003 old"] == "high"
    assert found["011 PermitRootLogin"] == "high"
    assert found[f"008 {ESCAPED}"] == "high"
    assert set(unseen) == {f"{number:03}" for number in (2, 3, 6, 7, 8, 9, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24)}
    assert set(unseen.values()) == {"no-privilege"}


def test_a_password_file_of_two_gigabytes_is_cut(planted: Planted) -> None:
    with (planted.folder / "etc/passwd").open("r+b") as file:
        file.truncate(2 * 1024**3)
    host, _ = planted.collect("dash")
    found, unseen = ask_everything(host)
    assert host.fault("passwd") == "cut"
    assert found["001 toor"] == "critical"
    assert unseen["001"] == "cut"


def test_ten_thousand_keys_are_cut_and_those_of_others_still_count(planted: Planted) -> None:
    keys = planted.folder / "home/anna/.ssh/authorized_keys"
    keys.write_text(keys.read_text(errors="replace") * 10_000)
    host, _ = planted.collect("dash")
    found, unseen = ask_everything(host)
    assert unseen["007"] == "cut"
    assert [place for place in found if place.startswith("009 SHA256:")]


def test_a_machine_of_one_program_is_read_as_well(planted: Planted) -> None:
    """BusyBox alone, without a shadow file, an ssh server, or PAM; its sockets are the kernel's own tables."""
    root = planted.folder
    for place in ("bin", "proc", "dev"):
        (root / place).mkdir()
    (root / "bin/busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (root / "bin/busybox").chmod(0o755)
    (root / "etc/shadow").unlink()
    script = (
        'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && chroot "$1" /bin/busybox --install -s /bin'
        ' && exec chroot "$1" /bin/sh -s -- "$2"'
    )
    nonce = secrets.token_hex(16)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        done = subprocess.run(
            ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", root, nonce),
            input=access_only(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        port = listening.getsockname()[1]
    frames = read_frames(done.stdout, nonce)
    host = Host(Visit("host:box", datetime(2026, 5, 4, tzinfo=UTC), nonce, "local"), frames)
    assert b"\nh tcp " in frames.sections["sockets"].body
    (ours,) = (
        each for each in read_listeners(host) if (each.proto, each.port, each.address) == ("tcp", port, "127.0.0.1")
    )
    assert ours.exe == os.path.realpath(sys.executable)
    found, unseen = ask_everything(host)
    assert found["001 toor"] == "critical"
    assert [place for place in found if place.startswith("007 anna:")]
    assert not [number for number in ("011", "012", "013", "014", "015", "016") if number in unseen]


def test_sockets_and_who_holds_them_are_this_machines(planted: Planted) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        host, _ = planted.collect("dash")
        port = listening.getsockname()[1]
    (ours,) = (
        each for each in read_listeners(host) if (each.proto, each.port, each.address) == ("tcp", port, "127.0.0.1")
    )
    assert ours.loopback
    assert (ours.exe, ours.user) == (os.path.realpath(sys.executable), "root")


def test_a_program_whose_file_is_gone_is_found(planted: Planted, tmp_path: Path) -> None:
    program = tmp_path / "var" / "gone\nx 1 0 own forged"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    with subprocess.Popen((program, "60")) as running:
        program.unlink()
        try:
            found, _ = ask_everything(planted.collect("dash")[0])
        finally:
            running.kill()
    assert any(place.startswith(f"024 {tmp_path}/var/gone") for place in found)
    assert not any("forged" in place for place in found)


def test_alpines_packages_are_asked_of_their_own_list(tmp_path: Path) -> None:
    """Both spellings of a path are known, and a package's name comes without its version."""
    (tmp_path / "lib/apk/db").mkdir(parents=True)
    listed = "P:nginx\nV:1.26-r1\nF:usr/sbin\nR:nginx\n\nP:busybox\nF:bin\nR:busybox\nF:usr/bin\nR:other\n"
    (tmp_path / "lib/apk/db/installed").write_text(listed)
    (tmp_path / "bin").mkdir()
    (tmp_path / "dev").mkdir()
    (tmp_path / "bin/busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (tmp_path / "bin/busybox").chmod(0o755)
    names = "'/usr/sbin/nginx' '/usr/bin/busybox' '/opt/else'"
    (tmp_path / "ask.sh").write_bytes(
        (PARTS / "head.sh").read_bytes() + (PARTS / "access.sh").read_bytes() + f"TIMEOUT=\nowners {names}\n".encode()
    )
    script = (
        'mount --bind /dev "$1/dev" && chroot "$1" /bin/busybox --install -s /bin && exec chroot "$1" /bin/sh /ask.sh'
    )
    argv = ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", tmp_path)
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    assert sorted(told.splitlines()) == ["o busybox /bin/busybox", "o nginx /usr/sbin/nginx"]


WRITES = re.compile(rb"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE")
CHANGES = "creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,link,linkat,symlink,symlinkat,mknod,mknodat"
RIGHTS = "chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,truncate,ftruncate,utimensat,setxattr,connect"


def test_nothing_is_written_and_nobody_is_called(planted: Planted, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    argv = ("strace", "-f", "-qq", "-o", str(trace), "-e", f"trace=open,openat,{CHANGES},{RIGHTS}")
    planted.collect("dash", before=argv)
    lines = [line for line in trace.read_bytes().splitlines() if b"= -1 " not in line]
    opened = [line for line in lines if b"open" in line and WRITES.search(line) and b'"/dev/null"' not in line]
    # sshd asks the kernel which way the addresses that it listens on would go, over sockets that send nothing.
    changed = [line for line in lines if not re.search(rb' open|exited|SIG|AF_UNSPEC|"(::|0\.0\.0\.0)"', line)]
    assert len(lines) > 1000
    assert opened == []
    assert changed == []
