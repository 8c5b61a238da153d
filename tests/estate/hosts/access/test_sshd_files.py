"""The reader of sshd_config files, with the real server as its judge."""

import os
import subprocess
from pathlib import Path

import pytest

from estate.hosts.access import CHECKS, sshd_judged
from estate.hosts.access.sshd import DEFAULTS, read_server
from estate.hosts.access.sshd_files import words
from estate.hosts.access.sshd_judged import seconds
from estate.hosts.checks import remedy


def files(**texts: str) -> bytes:
    body = b""
    for name, text in texts.items():
        path = "/etc/ssh/sshd_config" if name == "main" else f"/etc/ssh/sshd_config.d/{name}.conf"
        body += f"!file {path}\n".encode() + b"".join(b"\t%b\n" % line.encode() for line in text.splitlines())
    return body


INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf\n"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (files(main="PermitRootLogin yes\nPermitRootLogin no"), "yes"),
        (files(main=f"{INCLUDE}PermitRootLogin yes", a="PermitRootLogin no"), "no"),
        (files(main=f"PermitRootLogin yes\n{INCLUDE}", a="PermitRootLogin no"), "yes"),
        (files(main=INCLUDE, b="PermitRootLogin yes", a="PermitRootLogin no"), "no"),
        (files(main="permitrootlogin=Yes"), "yes"),
        (files(main='PermitRootLogin "yes" # why'), "yes"),
        (files(main="Match User anna\nPermitRootLogin yes"), "prohibit-password"),
        (files(main="Match User anna\nX11Forwarding no\nMatch all\nPermitRootLogin yes"), "yes"),
        (files(main=f"Match User anna\n{INCLUDE}", a="PermitRootLogin yes"), "prohibit-password"),
        (files(main=f"{INCLUDE}PermitRootLogin yes", a="Match User anna\nPermitRootLogin no"), "yes"),
        (files(main="Include sshd_config.d/a.conf\n", a="PermitRootLogin yes"), "yes"),
        (files(main="Include sshd_config.d/a.conf", a="Include sshd_config.d/a.conf\nPermitRootLogin yes"), "yes"),
    ],
)
def test_the_first_value_counts_where_it_stands_for_everybody(host, body: bytes, value: str) -> None:
    server = read_server(host({"sshd": body + b"!refused\n"}))
    assert server.settings.get("permitrootlogin") == value
    assert server.unseen == ""
    assert not server.asked


def test_a_file_that_may_not_be_read_leaves_everything_open(host) -> None:
    made = host({"sshd": files(main=INCLUDE) + b"!denied /etc/ssh/sshd_config.d/50-cloud-init.conf\n"})
    assert read_server(made).unseen == "no-privilege"


def test_no_file_and_no_answer_is_nothing_to_judge(host) -> None:
    assert read_server(host({"sshd": b"!refused\n"})).unseen == "unreadable"
    assert read_server(host({"sshd": b"!absent\n"})).unseen == ""


def test_older_names_are_todays(host) -> None:
    made = host({"sshd": files(main="ChallengeResponseAuthentication no") + b"!refused\n"})
    assert read_server(made).settings.get("kbdinteractiveauthentication") == "no"


@pytest.mark.parametrize(
    ("text", "found"), [('a "b c" d', ["a", "b c", "d"]), ("a # b", ["a"]), ('""', [""]), ("", [])]
)
def test_arguments_are_parted_by_blanks_outside_quotes(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "value"), [("120", 120), ("2m", 120), ("1h30m", 5400), ("0", 0), ("x", None), ("", None)]
)
def test_times_are_read_as_sshd_does(text: str, value: int | None) -> None:
    assert seconds(text) == value


@pytest.fixture
def sshd(tmp_path: Path):
    """What the real server says of a configuration, for a user where one is named."""
    Path("/run/sshd").mkdir(exist_ok=True)
    key = tmp_path / "host_key"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key), check=True)

    def say(text: str, user: str = "") -> str:
        config = tmp_path / "sshd_config"
        config.write_text(text)
        criteria = ("-C", f"user={user},host=host.invalid,addr=192.0.2.1,laddr=192.0.2.2,lport=22") if user else ()
        argv = ("/usr/sbin/sshd", "-T", "-f", config, "-h", key, *criteria)
        return subprocess.run(argv, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout

    return say


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PermitRootLogin yes\nPermitRootLogin no\n",
        "PasswordAuthentication=no\nX11Forwarding yes\nMaxAuthTries 3\n",
        "LoginGraceTime 2m\nLogLevel QUIET\nUsePAM yes\n",
        "Match User root\nPermitRootLogin no\nPasswordAuthentication no\nMatch all\nGatewayPorts clientspecified\n",
        'AuthenticationMethods publickey,password "publickey"\n',
        "\tpermitemptypasswords   yes\n#PermitRootLogin no\nStrictModes no\nHostbasedAuthentication yes\n",
    ],
)
def test_the_files_are_read_as_the_server_reads_them(host, sshd, text: str) -> None:
    said = read_server(host({"sshd": b"!global\n" + sshd(text).encode()}))
    read = read_server(host({"sshd": files(main=text) + b"!refused\n"}))
    assert said.asked
    for name in DEFAULTS:
        ours, theirs = read.settings.get(name), said.settings.get(name)
        if name == "permitrootlogin":
            ours, theirs = ours.replace("without", "prohibit"), theirs.replace("without", "prohibit")
        if name == "logingracetime":
            assert seconds(ours) == seconds(theirs)
        else:
            assert ours.replace("quiet", "silent") == theirs, name


def test_what_holds_for_one_user_is_asked_of_the_server(host, sshd) -> None:
    text = "PasswordAuthentication no\nMatch User root\nPasswordAuthentication yes\n"
    body = b"!global\n%b!user root\n%b" % (sshd(text).encode(), sshd(text, "root").encode())
    server = read_server(host({"sshd": body}))
    (root,) = server.users
    assert root.whose == "root"
    assert root.get("passwordauthentication") == "yes"
    assert server.settings.get("passwordauthentication") == "no"


BAD = """
X11Forwarding yes
MaxAuthTries 6
LoginGraceTime 0
PermitUserEnvironment yes
HostbasedAuthentication yes
IgnoreRhosts no
UsePAM no
GatewayPorts yes
StrictModes no
LogLevel QUIET
Ciphers +aes128-cbc,3des-cbc
MACs +hmac-sha1-96,hmac-md5
KexAlgorithms +diffie-hellman-group1-sha1,diffie-hellman-group-exchange-sha1
HostKeyAlgorithms +ssh-rsa
PubkeyAcceptedAlgorithms +ssh-rsa
CASignatureAlgorithms +ssh-rsa
GSSAPIKeyExchange yes
"""


def test_what_is_pasted_takes_every_weakness_away(host, sshd) -> None:
    def weak(config: str) -> dict[str, str]:
        settings = read_server(host({"sshd": b"!global\n" + sshd(config).encode()})).settings
        algorithms = {each.option: "HOST-ACC-013" for each in sshd_judged.algorithms(settings)}
        return algorithms | {each.option: "HOST-ACC-014" for each in sshd_judged.others(settings)}

    found = weak(BAD)
    assert len(found) == 17
    words = {check.id: check.remediation for check in CHECKS}
    pasted = ""
    for option, check_id in found.items():
        command = remedy(words[check_id], option).partition(" >>")[0]
        pasted += subprocess.run(("sh", "-c", command), capture_output=True, text=True, check=True).stdout
    assert weak(pasted + BAD) == {}
