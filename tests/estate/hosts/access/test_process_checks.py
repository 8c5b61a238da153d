import pytest

PASSWD = b"root:x:0:0::/root:/bin/bash\nanna:x:1000:1000::/home/anna:/bin/sh\n"
SHADOW = b"root:none:1:::::\nanna:yescrypt:1:::::\n"
KEYS_ONLY = b"!global\npasswordauthentication no\nkbdinteractiveauthentication no\nusepam yes\n"
PASSWORDS = b"!global\npasswordauthentication yes\nusepam yes\n"
PLAIN = {
    "passwd": PASSWD,
    "shadow": SHADOW,
    "sshd": PASSWORDS,
    "logins": b"",
    "sockets": b"s tcp 0.0.0.0:22 0 1\ns tcp 127.0.0.1:6379 0 3\ni 1 9\nx 9 0 own /usr/sbin/sshd\n",
    "exes": b"x 4 0 own /usr/sbin/cron (deleted)\nx 5 0 own /usr/local/bin/k3s (deleted)\n",
}


@pytest.mark.parametrize("number", [22, 23, 24, 25])
def test_a_plain_host_passes(host, failed, number: int) -> None:
    assert failed(f"HOST-ACC-{number:03}", host(PLAIN)) == ({}, "")


def test_guessing_counts_where_a_password_could_be_guessed(host, failed) -> None:
    guessed = PLAIN | {"logins": b"F 203.0.113.9\nF 2001:db8::1\n"}
    assert failed("HOST-ACC-022", host(guessed)) == ({"ssh": "medium"}, "")
    assert failed("HOST-ACC-022", host(guessed | {"sshd": KEYS_ONLY})) == ({}, "")
    assert failed("HOST-ACC-022", host(guessed | {"sshd": b"!absent\n"})) == ({}, "")
    assert failed("HOST-ACC-022", host(guessed | {"shadow": b"root:none:1\nanna:locked-sha512:1\n"})) == ({}, "")


def test_who_guessed_and_came_in_is_found_however_the_server_is_set_now(host, failed) -> None:
    made = host(PLAIN | {"logins": b"F 203.0.113.9\nA 203.0.113.9 anna\n", "sshd": KEYS_ONLY})
    assert failed("HOST-ACC-022", made) == ({"203.0.113.9:anna": "critical"}, "")


@pytest.mark.parametrize("fault", ["no-privilege", "missing-tool", "cut"])
def test_a_log_that_may_not_be_read_is_not_a_quiet_one(host, failed, fault: str) -> None:
    assert failed("HOST-ACC-022", host(PLAIN, {"logins": fault})) == ({}, fault)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"s tcp 0.0.0.0:23 0 5", {"tcp/23": "high"}),
        (b"s tcp *:2375 0 5", {"tcp/2375": "high"}),
        (b"s udp [::]:69 0 5", {"udp/69": "high"}),
        (b"s tcp 10.0.0.4:6379 0 5", {"tcp/6379": "high"}),
        (b"s tcp 192.0.2.1:6380 0 5\ni 5 50\nx 50 1 own /usr/bin/redis-server", {"tcp/6380": "high"}),
        (b"s tcp 0.0.0.0:23 0 5\ni 5 50\nx 50 0 own /usr/sbin/sshd", {}),
        (b"s tcp 127.0.0.1:27017 0 5\ns tcp [::1]:11211 0 6\ns udp 0.0.0.0%lo:69 0 7", {}),
        (b"s tcp 0.0.0.0:8443 0 5", {}),
    ],
)
def test_services_open_by_nature_are_found_on_the_network(host, failed, line: bytes, found: dict[str, str]) -> None:
    assert failed("HOST-ACC-023", host({"sockets": line + b"\n"})) == (found, "")
    assert failed("HOST-ACC-023", host({"sockets": line + b"\n"}, {"sockets": "no-privilege"})) == (
        found,
        "no-privilege",
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"/tmp/x", {"/tmp/x": "high"}),
        (b"/dev/shm/.a/b (deleted)", {"/dev/shm/.a/b": "high"}),
        (b"/run/user/1000/x", {"/run/user/1000/x": "high"}),
        (b"/memfd:payload (deleted)", {"/memfd:payload": "high"}),
        (b"/memfd:runc_cloned:/proc/self/exe (deleted)", {}),
        (b"/var/www/shell (deleted)", {"/var/www/shell": "high"}),
        (b"/var/www/fine", {}),
        (b"/home/anna/.vscode-server/node (deleted)", {}),
        (b"/usr/bin/python3.11 (deleted)", {}),
        (b"/opt/agent/agent (deleted)", {}),
        (b"/tmp/.mount_AppXy/usr/bin/app", {"/tmp/.mount_AppXy/usr/bin/app": "low"}),
        (b"/tmp/\x1b[31m a b", {"/tmp/\x1b[31m a b": "high"}),
        (b"", {}),
    ],
)
def test_programs_from_nowhere_are_found(host, failed, line: bytes, found: dict[str, str]) -> None:
    made = host(PLAIN | {"exes": b"x 7 1000 own %b\n" % line})
    assert failed("HOST-ACC-024", made) == (found, "")


def test_a_program_from_nowhere_that_listens_is_worse(host, failed) -> None:
    for exe, severity in ((b"/tmp/x", "critical"), (b"/home/anna/tool (deleted)", "medium")):
        line = b"x 7 1000 own %b\n" % exe
        made = host(PLAIN | {"exes": line, "sockets": b"s tcp 0.0.0.0:4444 1000 5\ni 5 7\n" + line})
        assert list(failed("HOST-ACC-024", made)[0].values()) == [severity]


def test_processes_of_others_that_may_not_be_seen_are_not_fine(host, failed) -> None:
    made = host(PLAIN | {"exes": b"x 7 1000 own /tmp/mine\n"}, {"exes": "no-privilege"}, 1000)
    assert failed("HOST-ACC-024", made) == ({"/tmp/mine": "high"}, "no-privilege")


def test_another_host_key_is_a_finding_and_any_other_fault_says_nothing_of_it(host, failed) -> None:
    assert failed("HOST-ACC-025", host({}, error="host-key-changed")) == ({"host": "critical"}, "host-key-changed")
    assert failed("HOST-ACC-025", host({})) == ({}, "")
    for error in ("unreachable", "timeout", "auth-failed", "host-key-unknown", "failed"):
        assert failed("HOST-ACC-025", host({}, error=error)) == ({}, error)
