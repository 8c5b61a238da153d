import pytest

PASSWD = b"root:x:0:0::/root:/bin/bash\nanna:x:1000:1000::/home/anna:/bin/sh\n"
SHADOW = b"root:none:1:::::\nanna:yescrypt:1:::::\n"
GROUP = b"root:x:0:\nssh_keys:x:996:\n"
HARD = {
    "permitrootlogin": "no",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitemptypasswords": "no",
    "usepam": "yes",
    "strictmodes": "yes",
    "maxauthtries": "4",
    "logingracetime": "60",
    "x11forwarding": "no",
    "hostbasedauthentication": "no",
    "ignorerhosts": "yes",
    "permituserenvironment": "no",
    "gatewayports": "no",
    "loglevel": "VERBOSE",
    "authenticationmethods": "any",
    "ciphers": "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com",
    "macs": "hmac-sha2-256-etm@openssh.com",
    "kexalgorithms": "sntrup761x25519-sha512@openssh.com,diffie-hellman-group14-sha256",
    "hostkeyalgorithms": "ssh-ed25519,rsa-sha2-512",
    "pubkeyacceptedalgorithms": "ssh-ed25519,rsa-sha2-512",
    "casignaturealgorithms": "ssh-ed25519",
    "gssapikexalgorithms": "gss-group14-sha1-",
    "gssapikeyexchange": "no",
}


@pytest.fixture
def server(host):
    """Make a host whose ssh server is hard but for these settings."""

    def make(more: bytes = b"", shadow: bytes = SHADOW, faults=None, **changed: str):
        settings = HARD | changed
        body = b"!global\n" + "".join(f"{name} {value}\n" for name, value in settings.items()).encode() + more
        hostkeys = b"600 0 0 /etc/ssh/ssh_host_ed25519_key\n640 0 996 /etc/ssh/ssh_host_rsa_key\n"
        sections = {"sshd": body, "shadow": shadow, "passwd": PASSWD, "group": GROUP, "hostkeys": hostkeys}
        return host(sections, faults or {})

    return make


NUMBERS = pytest.mark.parametrize("number", [11, 12, 13, 14, 15, 16])


@NUMBERS
def test_a_hard_server_passes(server, failed, number: int) -> None:
    assert failed(f"HOST-ACC-{number:03}", server()) == ({}, "")


@NUMBERS
def test_where_there_is_no_server_there_is_nothing_to_find(host, failed, number: int) -> None:
    made = host({"sshd": b"!absent\n", "hostkeys": b"!absent\n", "group": GROUP, "passwd": PASSWD})
    assert failed(f"HOST-ACC-{number:03}", made) == ({}, "")


def test_root_may_not_log_in_and_least_of_all_by_a_password(server, failed) -> None:
    def severity(**settings: str) -> list[str]:
        shadow = SHADOW.replace(b"root:none", b"root:yescrypt") if settings.pop("password", "") else SHADOW
        return list(failed("HOST-ACC-011", server(shadow=shadow, **settings))[0].values())

    assert severity(permitrootlogin="prohibit-password") == ["low"]
    assert severity(permitrootlogin="without-password") == ["low"]
    assert severity(permitrootlogin="forced-commands-only") == []
    assert severity(permitrootlogin="yes") == ["high"]
    assert severity(permitrootlogin="yes", passwordauthentication="yes") == ["high"]
    assert severity(permitrootlogin="yes", passwordauthentication="yes", password="yes") == ["critical"]


def test_a_password_that_is_only_one_of_two_steps_is_enough_for_nobody(server, failed) -> None:
    def found(shadow: bytes = SHADOW, **settings: str) -> dict[str, str]:
        problems: dict[str, str] = failed("HOST-ACC-012", server(shadow=shadow, **settings))[0]
        return problems

    assert found(passwordauthentication="yes") == {"PasswordAuthentication": "medium"}
    assert found(kbdinteractiveauthentication="yes") == {"KbdInteractiveAuthentication": "medium"}
    assert found(kbdinteractiveauthentication="yes", usepam="no") == {}
    assert found(passwordauthentication="yes", authenticationmethods="publickey,password") == {}
    assert found(passwordauthentication="yes", authenticationmethods="publickey password") != {}
    assert found(passwordauthentication="yes", permitemptypasswords="yes")["PermitEmptyPasswords"] == "critical"
    assert found(permitemptypasswords="yes") == {}
    assert found(passwordauthentication="yes", shadow=b"root:none:1:::::\n") == {"PasswordAuthentication": "low"}


@pytest.mark.parametrize(
    ("option", "value", "severity"),
    [
        ("Ciphers", "aes128-cbc,aes256-ctr", "medium"),
        ("Ciphers", "3des-cbc", "medium"),
        ("MACs", "hmac-sha1,hmac-sha2-256", "low"),
        ("MACs", "hmac-sha1-96,hmac-sha1", "medium"),
        ("MACs", "hmac-md5-etm@openssh.com", "medium"),
        ("KexAlgorithms", "diffie-hellman-group14-sha1", "medium"),
        ("KexAlgorithms", "diffie-hellman-group-exchange-sha1", "medium"),
        ("HostKeyAlgorithms", "ssh-rsa", "medium"),
        ("PubkeyAcceptedAlgorithms", "ssh-dss,ssh-ed25519", "medium"),
        ("CASignatureAlgorithms", "ssh-rsa", "medium"),
    ],
)
def test_broken_and_old_algorithms_are_told_apart(server, failed, option: str, value: str, severity: str) -> None:
    assert failed("HOST-ACC-013", server(**{option.lower(): value})) == ({option: severity}, "")


def test_exchanges_of_kerberos_count_where_they_are_on(server, failed) -> None:
    assert failed("HOST-ACC-013", server(gssapikeyexchange="yes")) == ({"GSSAPIKexAlgorithms": "medium"}, "")


def test_defaults_of_a_server_that_was_not_asked_are_not_guessed(host, failed) -> None:
    body = b"!file /etc/ssh/sshd_config\n\tCiphers +aes128-cbc\n\tMACs -hmac-md5\n!refused\n"
    assert failed("HOST-ACC-013", host({"sshd": body})) == ({"Ciphers": "medium"}, "failed")


@pytest.mark.parametrize(
    ("option", "value", "severity"),
    [
        ("X11Forwarding", "yes", "low"),
        ("MaxAuthTries", "6", "low"),
        ("LoginGraceTime", "120", "low"),
        ("LoginGraceTime", "0", "medium"),
        ("PermitUserEnvironment", "yes", "medium"),
        ("PermitUserEnvironment", "LD_*,LANG", "medium"),
        ("PermitUserEnvironment", "LANG,LC_*", None),
        ("HostbasedAuthentication", "yes", "medium"),
        ("IgnoreRhosts", "no", "medium"),
        ("LogLevel", "SILENT", "medium"),
        ("UsePAM", "no", "medium"),
        ("GatewayPorts", "yes", "medium"),
        ("GatewayPorts", "clientspecified", "low"),
        ("StrictModes", "no", "medium"),
    ],
)
def test_each_layer_that_is_given_away_is_found(server, failed, option: str, value: str, severity: str | None) -> None:
    expected = {option: severity} if severity else {}
    assert failed("HOST-ACC-014", server(**{option.lower(): value})) == (expected, "")


def test_a_user_for_whom_the_server_is_weaker_is_found(server, failed) -> None:
    more = b"!user root\npermitrootlogin yes\n!user anna\nx11forwarding yes\npermitrootlogin no\n!user eve\n!unknown\n"
    assert failed("HOST-ACC-015", server(more=more)) == (
        {"root:PermitRootLogin": "high", "anna:X11Forwarding": "low"},
        "",
    )


def test_what_is_weak_for_everybody_is_no_exception(server, failed) -> None:
    assert failed("HOST-ACC-015", server(more=b"!user anna\nx11forwarding yes\n", x11forwarding="yes")) == ({}, "")


def test_a_block_about_addresses_is_judged_as_it_is_written(server, failed) -> None:
    more = b"!user anna\n!file /etc/ssh/sshd_config\n\tMatch Address 10.0.0.0/8\n\tPasswordAuthentication yes\n"
    more += b"\tMatch User nobody\n\tPasswordAuthentication yes\n"
    assert failed("HOST-ACC-015", server(more=more)) == ({"Address 10.0.0.0/8:PasswordAuthentication": "medium"}, "")


def test_a_login_that_may_not_ask_resolves_nothing(host, failed) -> None:
    body = b"!file /etc/ssh/sshd_config\n\tPermitRootLogin yes\n\tMatch Group dev\n\tX11Forwarding yes\n"
    made = host({"sshd": body}, {"sshd": "no-privilege", "shadow": "no-privilege"}, 1000)
    assert failed("HOST-ACC-011", made) == ({"PermitRootLogin": "high"}, "no-privilege")
    assert failed("HOST-ACC-015", made) == ({"Group dev:X11Forwarding": "low"}, "no-privilege")
    for number in (12, 13, 14):
        assert failed(f"HOST-ACC-{number:03}", made)[1] == "no-privilege"


@pytest.mark.parametrize(
    ("criteria", "users"),
    [
        ("User anna", ["anna"]),
        ("User a*,!abel", ["anna"]),
        ("Group dev", ["anna", "eve"]),
        ("Group *,!dev", ["root", "abel"]),
        ("User *,!root Group dev,ops", ["abel", "anna", "eve"]),
        ("User nobody", []),
        ("User anna Address 10.0.0.0/8", ["User anna Address 10.0.0.0/8"]),
    ],
)
def test_a_block_is_called_by_its_users_whoever_asked(criteria: str, users: list[str], host, failed) -> None:
    passwd = b"root:x:0:0::/root:/bin/sh\nanna:x:1000:50::/home/anna:/bin/sh\nabel:x:1001:60::/home/abel:/bin/sh\n"
    passwd += b"eve:x:1002:60::/home/eve:/bin/sh\nnobody:x:65534:1::/:/usr/sbin/nologin\n"
    sections = {
        "sshd": b"!file /etc/ssh/sshd_config\n\tMatch %b\n\tX11Forwarding yes\n" % criteria.encode(),
        "passwd": passwd,
        "group": b"dev:x:50:eve\nops:x:60:\nroot:x:0:\n",
    }
    made = host(sections, {"sshd": "no-privilege", "shadow": "no-privilege"}, 1000)
    found, unseen = failed("HOST-ACC-015", made)
    assert (set(found), unseen) == ({f"{user}:X11Forwarding" for user in users}, "no-privilege")


def test_settings_are_listed_where_the_server_was_asked(server, host, listed) -> None:
    found, unseen = listed("sshd-setting", server(authorizedkeyscommand="/usr/bin/keys %u"))
    assert found["permitrootlogin"] == {"value": "no"}
    assert found["authorizedkeyscommand"] == {"value": "/usr/bin/keys %u"}
    assert unseen == ""
    files = b"!file /etc/ssh/sshd_config\n\tPermitRootLogin yes\n"
    assert listed("sshd-setting", host({"sshd": files + b"!refused\n"})) == ({}, "failed")
    assert listed("sshd-setting", host({"sshd": files}, {"sshd": "no-privilege"})) == ({}, "no-privilege")
    assert listed("sshd-setting", host({"sshd": b"!absent\n"})) == ({}, "")


def test_a_hosts_private_key_is_for_root_alone(host, failed) -> None:
    body = b"644 0 0 /etc/ssh/a\n600 1000 0 /etc/ssh/b\n640 0 0 /etc/ssh/c\n640 0 996 /etc/ssh/d\n600 0 0 /etc/ssh/e\n"
    made = host({"hostkeys": body, "group": GROUP, "passwd": PASSWD})
    assert failed("HOST-ACC-016", made) == ({"/etc/ssh/a": "high", "/etc/ssh/b": "high", "/etc/ssh/c": "high"}, "")
