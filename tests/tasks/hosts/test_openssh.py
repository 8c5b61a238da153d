"""The real client against servers that behave as hosts do, and as they should not."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from estate.hosts.shard import Target
from tasks.hosts.openssh import OpenSsh
from tasks.hosts.transport import Errand
from tasks.hosts.visit import may_retry

pytestmark = pytest.mark.usefixtures("small_collector")

CHECKOUT = Path(__file__).parents[3]


def says(*parts: bytes, code: int = 0, stderr: bytes = b"", hold: float = 0.0):
    """A handler that prints this whatever it is asked, with NONCE replaced by the one asked for."""

    async def handle(process):
        nonce = process.command.split()[-1].encode()
        for part in parts:
            process.stdout.write(part.replace(b"NONCE", nonce))
        process.stderr.write(stderr)
        await asyncio.sleep(hold)
        process.exit(code)

    return handle


async def never_ends(process):
    await asyncio.sleep(300)


WHO = b"\n@NONCE B who\nsystem=Linux\n\n@NONCE E who rc=0 cap=99\n"


def test_the_collector_comes_through_whole(ssh, visited):
    came = visited(ssh.start())

    assert (came.told.via, came.told.error, came.told.detail, came.evidence.ended) == ("ssh", "", "", "")
    assert came.collected.complete
    assert came.who["system"] == "Linux"
    assert ssh.connections == 1


def test_a_banner_and_a_talkative_login_shell_do_not_matter(ssh, visited):
    async def chats(process):
        process.stdout.write(b"Welcome!\n@0123 B who\nLast login: never\n" * 100)
        process.stderr.write(b"stty: not a typewriter\n")
        await ssh.runs_it(process)

    came = visited(ssh.start(chats, banner="Authorised use only. Permission denied to others.\n" * 50))

    assert came.told.error == ""
    assert came.collected.complete
    assert came.who["system"] == "Linux"


def test_an_unknown_host_key_is_refused_and_never_learnt(ssh, visited):
    target = ssh.start()
    known = Path(target.known_hosts)
    known.write_text("")

    came = visited(target)

    assert came.told.error == "host-key-unknown"
    assert not may_retry(came.told)
    assert known.read_text() == ""


@pytest.mark.parametrize("loose", ["StrictHostKeyChecking no", "NoHostAuthenticationForLocalhost yes"])
def test_a_changed_host_key_is_refused_whatever_the_configuration_allows(ssh, visited, loose):
    Path(ssh.folder / "config").write_text(f"Host *\n  {loose}\n")
    target = ssh.start()
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    Path(target.known_hosts).write_text(f"[127.0.0.1]:{target.port} {other}")

    came = visited(target)

    assert came.told.error == "host-key-changed"
    assert not may_retry(came.told)
    assert came.evidence.companion is None


def test_a_refused_key_is_tried_once(ssh, visited):
    target = ssh.start()
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(ssh.folder / "other")
    (ssh.folder / "other").chmod(0o600)

    came = visited(replace(target, identity=str(ssh.folder / "other")))

    assert came.told.error == "auth-failed"
    assert "Permission denied" in came.told.detail
    assert not may_retry(came.told)
    assert ssh.connections == 1


def test_nobody_is_asked_for_a_password(ssh, visited):
    class AsksForPasswords(asyncssh.SSHServer):
        def password_auth_supported(self):
            return True

        def validate_password(self, username, password):
            raise AssertionError("a password was sent")

    target = ssh.start(server_factory=AsksForPasswords, authorized_client_keys=None)

    assert visited(target).told.error == "auth-failed"


def test_a_key_that_needs_a_pass_phrase_and_has_no_agent_is_refused_without_a_question(ssh, visited, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    target = ssh.start()
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", target.identity], check=True, timeout=30)

    assert visited(target).told.error == "auth-failed"


def test_nobody_listening_may_be_tried_again(ssh, visited):
    target = ssh.start()
    ssh.close()

    came = visited(target)

    assert came.told.error == "unreachable"
    assert "refused" in came.told.detail
    assert may_retry(came.told)


def test_a_name_that_does_not_resolve_is_unreachable(ssh, visited):
    assert visited(replace(ssh.start(), address="no-such-host.invalid")).told.error == "unreachable"


async def silent(reader, writer):
    try:
        await asyncio.sleep(300)
    finally:
        writer.close()


async def hangs_up(reader, writer):
    writer.close()


async def speaks_http(reader, writer):
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 2_000)
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("server", "error"), [(silent, "timeout"), (hangs_up, "unreachable"), (speaks_http, "unreachable")]
)
def test_a_port_that_is_no_ssh_server_is_not_waited_for_for_ever(ssh, visited, server, error):
    came = visited(ssh.start_plain(server), deadline=3)

    assert came.told.error == error
    assert may_retry(came.told)


def test_a_server_that_lets_us_in_and_never_answers_is_a_timeout(ssh, visited):
    came = visited(ssh.start(never_ends), deadline=3)

    assert (came.told.error, came.evidence.ended) == ("timeout", "deadline")
    assert may_retry(came.told)


def test_a_slow_server_has_the_time_it_needs(ssh, visited):
    async def slow(process):
        await asyncio.sleep(2)
        await ssh.runs_it(process)

    assert visited(ssh.start(slow)).collected.complete


@pytest.mark.parametrize("after", [0, 1, 30, 90, 120, 400])
def test_a_connection_that_is_cut_keeps_what_was_framed(ssh, visited, after):
    whole = WHO + b"\n@NONCE B next\n" + b"x" * 300 + b"\n@NONCE E next rc=0 cap=999\n\n@NONCE Z ok\n"

    async def cut(process):
        nonce = process.command.split()[-1].encode()
        process.stdout.write(whole.replace(b"NONCE", nonce)[:after])
        await process.stdout.drain()
        await asyncio.sleep(0.3)
        process.channel.get_connection().abort()

    came = visited(ssh.start(cut))

    assert not came.collected.complete
    if after < 90:
        # Not even the first frame's mark has come.
        assert came.told.error == ("unreachable" if after < 37 else "")
        assert may_retry(came.told) == (after < 37)
    else:
        assert came.told.error == ""
        assert came.evidence.ended == "exit 255"
        assert set(came.collected.sections) <= {"who", "next"}
        assert all(one.fault == "truncated" for name, one in came.collected.sections.items() if name == "next")


def test_a_flood_is_cut_at_the_bound(ssh, visited):
    async def floods(process):
        nonce = process.command.split()[-1].encode()
        process.stdout.write(WHO.replace(b"NONCE", nonce))
        for _ in range(400):
            process.stdout.write(b"z" * 65_536)
            await process.stdout.drain()

    came = visited(ssh.start(floods))

    assert came.evidence.companion.stat().st_size == 16 * 1024 * 1024
    assert (came.told.error, came.evidence.ended) == ("", "too-large")
    assert came.who == {"system": "Linux"}


def test_frames_of_another_nonce_are_no_frames(ssh, visited):
    forged = b"\n@" + b"0" * 32 + b" B who\nsystem=Linux\n\n@" + b"0" * 32 + b" E who rc=0 cap=99\n"

    came = visited(ssh.start(says(forged)))

    assert came.told.error == "refused"
    assert came.collected.sections == {}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"This account is currently not available.\n", 1),
        (b"% Invalid input detected at '^' marker.\n", 0),
        (b"sh: command not found\n", 127),
        (b"", 0),
        (b"Connection reset by peer\n", 255),
    ],
)
def test_a_host_that_lets_us_in_and_runs_nothing_has_refused(ssh, visited, said, code):
    came = visited(ssh.start(says(said, code=code)))

    assert came.told.error == "refused"
    assert said.decode().strip() in came.told.detail
    assert not may_retry(came.told)


def test_a_server_that_runs_no_commands_has_refused(ssh, visited):
    came = visited(ssh.start(process_factory=None))

    assert came.told.error == "refused"


CMD = b"'sh' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
POWERSHELL = (
    b"sh : The term 'sh' is not recognized as the name of a cmdlet, function, script file, or operable program.\r\n"
    b"    + CategoryInfo          : ObjectNotFound: (sh:String) [], CommandNotFoundException\r\n"
)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("OpenSSH_for_Windows_9.5", CMD),
        ("OpenSSH_for_Windows_9.5", b"'sh' n'est pas reconnu en tant que commande interne\r\n"),
        ("OpenSSH_for_Windows_9.5", WHO + b"\n@NONCE Z ok\n"),  # a Linux guest of that host: the host is not looked at
        ("8.49 FlowSsh: Bitvise SSH Server (WinSSHD)", b""),
        ("OpenSSH_9.0", CMD),
        ("OpenSSH_9.0", POWERSHELL),
    ],
)
def test_a_windows_host_is_not_covered_and_never_clean(ssh, visited, version, said):
    came = visited(ssh.start(says(said, code=1), server_version=version))

    assert came.told.error == "not-covered"
    assert came.told.detail.startswith("a Windows host: ")
    assert came.collected.sections == {}
    assert not may_retry(came.told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "-oProxyCommand=touch /tmp/owned"},
        {"address": "host name"},
        {"address": ""},
        {"user": "-oProxyCommand=x"},
        {"user": "root;reboot"},
        {"port": 70_000},
        {"identity": "/no/such/key"},
        {"config": "/no/such/config"},
        {"known_hosts": 'a"b'},
    ],
)
def test_what_the_client_could_misread_never_reaches_it(ssh, visited, wrong):
    came = visited(replace(ssh.start(), **wrong))

    assert came.told.error == "failed"
    assert came.told.detail
    assert ssh.connections == 0


def test_files_may_have_spaces_and_percent_signs_in_their_names(ssh, visited):
    target = ssh.start()
    folder = ssh.folder / "our keys %h"
    folder.mkdir()
    moved = {}
    for name in ("identity", "known_hosts", "config"):
        moved[name] = str(Path(getattr(target, name)).rename(folder / f"the {name}"))

    assert visited(replace(target, **moved)).collected.complete


def test_the_configuration_may_name_the_host_its_port_and_its_user(ssh, visited):
    target = ssh.start()
    Path(target.config).write_text(
        f"Host web-7\n  HostName 127.0.0.1\n  Port {target.port}\n  User scan\n  RemoteCommand false\n"
        "  RequestTTY force\n  ForwardAgent yes\n  ControlMaster auto\n  ControlPersist 10m\n"
        "  ControlPath /tmp/roundsman-%C\n"
    )

    came = visited(replace(target, address="web-7", port=0, user=""))

    assert came.told.detail == ""
    assert came.collected.complete


def test_a_configuration_that_others_may_write_is_the_operators_business(ssh, visited):
    target = ssh.start()
    Path(target.config).chmod(0o666)

    assert visited(target).collected.complete


def pids_of(needle: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().decode(errors="replace")
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if needle in line and state not in "ZX":
                found.append(int(folder.name))
    return found


def wait_for(truth, within: float = 20.0) -> None:
    until = time.monotonic() + within
    while not truth():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_cancelling_ends_the_client_at_once(ssh, visited, tmp_path):
    cancelled = threading.Event()
    threading.Timer(1.5, cancelled.set).start()

    came = visited(ssh.start(never_ends), cancelled=cancelled)

    assert (came.told.error, came.evidence.ended) == ("cancelled", "cancelled")
    assert pids_of(str(tmp_path / "visits")) == []


def test_a_sigkill_of_our_process_leaves_no_client_behind(ssh, tmp_path):
    target = ssh.start(never_ends)
    folder = tmp_path / "visits"
    folder.mkdir()
    program = (
        "import sys\nfrom pathlib import Path\nfrom estate.hosts.shard import Target\n"
        "from tasks.hosts.visit import visit\n"
        f"visit({target!r}, Path({str(folder)!r}), deadline=300, cancelled=None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT) as process:
        wait_for(lambda: ssh.connections == 1 and pids_of(f"{folder}/"))

        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    wait_for(lambda: not pids_of(f"{folder}/"), within=10)


def test_a_configuration_leads_nowhere_but_to_the_address_that_was_admitted(tmp_path):
    theirs = tmp_path / "config"
    theirs.write_text("Host 10.9.9.9\nHostName 192.0.2.77\n")
    transport = OpenSsh(Target("web", "ssh", "10.9.9.9", "10.9.9.9", config=str(theirs)))
    command = transport.command(Errand("a" * 32, "standard", 10, tmp_path / "log"))
    told = subprocess.run(
        ("ssh", "-G", "-F", command[command.index("-F") + 1], "10.9.9.9"), capture_output=True, text=True, check=True
    )
    assert "hostname 10.9.9.9\n" in told.stdout
