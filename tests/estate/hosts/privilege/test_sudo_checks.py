from collections.abc import Callable

import pytest

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]
Listed = Callable[[str, Host], tuple[dict[str, dict[str, str]], str]]

DEBIAN = """Defaults\tenv_reset
Defaults\tmail_badpass
Defaults\tsecure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Defaults\tuse_pty
#Defaults:%sudo env_keep += "EDITOR"
root\tALL=(ALL:ALL) ALL
%sudo\tALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""
REFS = b"""R 41ed 0 0 /
R 41ed 0 0 /usr
R 41ed 0 0 /usr/bin
R 81ed 0 0 /usr/bin/id
R 81ed 0 0 /usr/bin/systemctl
R 41ed 0 0 /opt
R 41ed 1000 1000 /opt/app
R 81ed 0 0 /opt/app/run
R 81ff 0 0 /opt/open
- /opt/gone
"""


def told(path: str, text: str, mode: str = "8120", owner: str = "0 0") -> bytes:
    lines = "".join(f"|{line}\n" for line in text.split("\n"))
    return f"= {mode} {owner} {path}\n{lines}".encode()


def sudoers(rules: str, *more: bytes) -> dict[str, bytes]:
    body = told("/etc/sudoers", DEBIAN) + b"= 41ed 0 0 /etc/sudoers.d\n" + told("/etc/sudoers.d/90-x", rules)
    return {"sudoers": body + b"".join(more) + b"v 1.9.13p3\nn files\n", "doas": b"", "refs": REFS}


@pytest.fixture
def ruled(known: MakeHost, failed: Failed) -> Callable[[str, str], dict[str, str]]:
    """What a check says of Debian's own sudoers with these rules beside it."""

    def ask(check_id: str, rules: str) -> dict[str, str]:
        found, reason = failed(check_id, known(sudoers(rules)))
        assert reason == ""
        return found

    return ask


Ruled = Callable[[str, str], dict[str, str]]


@pytest.mark.parametrize("check_id", ["004", "005", "006", "007", "008", "009"])
def test_debians_own_policy_is_quiet(ruled: Ruled, check_id: str) -> None:
    assert ruled(check_id, "# nothing") == {}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("alice ALL=(ALL) NOPASSWD: ALL", {"alice": "high"}),
        ("ALL ALL=(ALL:ALL) NOPASSWD:ALL", {"ALL": "critical"}),
        ("%ops ALL = NOPASSWD: /bin/ls, ALL", {"%ops": "high"}),
        ("User_Alias A = bob, %ops\nA ALL=(root) NOPASSWD: ALL", {"bob": "high", "%ops": "high"}),
        ("Cmnd_Alias C = ALL\nbob ALL=NOPASSWD: C", {"bob": "high"}),
        ("bob ALL=(postgres) NOPASSWD: ALL", {"bob": "medium"}),
        ("bob ALL=(ALL, !root) NOPASSWD: ALL", {"bob": "medium"}),
        ("Defaults !authenticate\nbob ALL=(ALL) ALL", {"bob": "high", "%sudo": "high"}),
        ("Defaults:bob !authenticate\nbob ALL=(ALL) ALL\nalice ALL=(ALL) ALL", {"bob": "high"}),
        ("bob web-7=(ALL) NOPASSWD: ALL", {"bob": "high"}),
        ("bob 10.0.0.0/8=(ALL) NOPASSWD: ALL", {"bob": "high"}),
        ("bob web-8=(ALL) NOPASSWD: ALL", {}),
        ("bob ALL, !web-7=(ALL) NOPASSWD: ALL", {}),
        ("root ALL=(ALL) NOPASSWD: ALL", {}),
        ("bob ALL=(ALL) NOPASSWD: PASSWD: ALL", {}),
        ("bob ALL=(ALL) NOPASSWD: /bin/ls, PASSWD: ALL", {}),
        ("bob ALL=(ALL) NOPASSWD: !ALL", {}),
        ("scan ALL=(root) NOPASSWD: sha256:" + "0f" * 32 + " /usr/local/sbin/collect ^[0-9a-f]{32}$", {}),
    ],
)
def test_everything_without_a_password(ruled: Ruled, rules: str, expected: dict[str, str]) -> None:
    assert ruled("004", rules) == expected


@pytest.mark.parametrize(
    ("command", "severity"),
    [
        ("NOPASSWD: /usr/bin/find", "critical"),
        ("/usr/bin/find", "high"),
        ("NOPASSWD: /usr/bin/python3.11", "critical"),
        ("NOPASSWD: /usr/bin/vim.basic /etc/motd", "high"),
        ("NOPASSWD: NOEXEC: /usr/bin/less", "high"),
        ("NOPASSWD: /usr/bin/less /var/log/syslog", "high"),
        ("NOPASSWD: /usr/bin/tee", "critical"),
        ("NOPASSWD: /usr/bin/tee /etc/motd", ""),
        ("NOPASSWD: /usr/bin/cat", "high"),
        ("NOPASSWD: /usr/bin/cat /etc/motd", ""),
        ("NOPASSWD: /usr/bin/cat /var/log/*", "medium"),
        ("NOPASSWD: /bin/bash", "critical"),
        ('NOPASSWD: /bin/bash ""', "high"),
        ("NOPASSWD: /bin/bash /opt/backup.sh", ""),
        ("NOPASSWD: /bin/su -", "high"),
        ("NOPASSWD: /bin/su - postgres", ""),
        ("NOPASSWD: /usr/bin/systemctl restart nginx", ""),
        ("NOPASSWD: /usr/bin/systemctl status nginx", "high"),
        ("NOPASSWD: /usr/bin/systemctl", "critical"),
        ("NOPASSWD: /usr/bin/systemctl restart *", "high"),
        ("NOPASSWD: sudoedit /etc/motd", ""),
        ("NOPASSWD: sudoedit /etc/*", "critical"),
        ("NOPASSWD: !/usr/bin/find", ""),
        ("NOPASSWD: /usr/bin/uptime", ""),
        ("(postgres) NOPASSWD: /usr/bin/psql", "high"),
        ("NOPASSWD: /usr/sbin/useradd", "critical"),
        ("ALL", ""),
    ],
)
def test_programs_that_start_a_shell(ruled: Ruled, command: str, severity: str) -> None:
    found = ruled("005", f"bob ALL={command}")
    assert list(found.values()) == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/opt/bin/", "high"),
        ("/opt/*/run", "high"),
        ("/usr/bin/tail /var/log/*", "high"),
        ("/usr/bin/tail /var/log/app?.log", "high"),
        ("!/bin/su", "medium"),
        ("(postgres) /opt/*", "medium"),
        ("/usr/bin/tail ^/var/log/.*$", "high"),
        ("/usr/bin/tail ^/var/log/[a-z]+$", ""),
        (r"/usr/bin/tail \*", ""),
        ("/usr/bin/tail", ""),
        ("/usr/bin/tail /var/log/syslog", ""),
    ],
)
def test_wildcards_directories_and_exceptions(ruled: Ruled, command: str, expected: str) -> None:
    assert list(ruled("006", f"bob ALL={command}").values()) == ([expected] if expected else [])


def test_targets_that_others_can_replace(ruled: Ruled) -> None:
    rules = "bob ALL=/opt/app/run, /opt/open, /opt/gone, /usr/bin/id, /opt/app/*, !/opt/open/x"
    assert ruled("007", rules) == {
        "/opt/app/run": "critical",
        "/opt/open": "critical",
        "/opt/app": "critical",
    }


def test_the_script_of_an_interpreter_counts_as_well(known: MakeHost, failed: Failed) -> None:
    refs = REFS + b"R 41ed 0 0 /bin\nR 81ed 0 0 /bin/bash\n"
    host = known({**sudoers("bob ALL=/bin/bash /opt/app/run --now"), "refs": refs})
    assert failed("007", host) == ({"/opt/app/run": "critical"}, "")


def test_a_target_that_was_not_looked_at_resolves_nothing(known: MakeHost, failed: Failed) -> None:
    host = known(sudoers("bob ALL=/srv/never/asked"))
    assert failed("007", host) == ({}, "not-asked")
    cut = known(sudoers("bob ALL=/usr/bin/id"), {"refs": "cut"})
    assert failed("007", cut) == ({}, "cut")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("Defaults !authenticate", {"!authenticate": "high"}),
        ("Defaults:bob !authenticate", {":bob !authenticate": "high"}),
        ("Defaults !env_reset", {"!env_reset": "high"}),
        ('Defaults env_keep += "LD_PRELOAD EDITOR"', {"env_keep+=LD_PRELOAD EDITOR": "high"}),
        ("Defaults env_keep += PYTHONPATH", {"env_keep+=PYTHONPATH": "high"}),
        ('Defaults:%sudo env_keep += "GIT_AUTHOR_* GIT_COMMITTER_*"', {}),
        ('Defaults env_keep += "http_proxy SSH_AUTH_SOCK LANG"', {}),
        ("Defaults timestamp_timeout=-1", {"timestamp_timeout=-1": "medium"}),
        ("Defaults timestamp_timeout=60", {"timestamp_timeout=60": "medium"}),
        ("Defaults timestamp_timeout=5", {}),
        ("Defaults timestamp_timeout=60\nDefaults timestamp_timeout=5", {}),
        ("Defaults targetpw", {"targetpw": "medium"}),
        ("Defaults pwfeedback", {"pwfeedback": "low"}),
        ("Defaults !pwfeedback", {}),
        ("Defaults !use_pty", {"!use_pty": "low"}),
        ("Defaults exempt_group=ops", {"exempt_group=ops": "high"}),
        ("Defaults setenv", {"setenv": "high"}),
        ("bob ALL=SETENV: /usr/bin/id", {"SETENV bob /usr/bin/id": "high"}),
        ("bob ALL=SETENV: ALL", {}),
        ("Defaults@web-8 !authenticate", {}),
    ],
)
def test_settings_that_weaken(ruled: Ruled, setting: str, expected: dict[str, str]) -> None:
    assert ruled("008", setting) == expected


@pytest.mark.parametrize(("version", "expected"), [("1.9.13p3", {"use_pty": "low"}), ("1.9.16", {}), ("", {})])
def test_an_own_terminal_is_asked_for_where_sudo_does_not_give_one(
    known: MakeHost, failed: Failed, version: str, expected: dict[str, str]
) -> None:
    body = told("/etc/sudoers", "root ALL=(ALL) ALL") + (f"v {version}\n".encode() if version else b"")
    assert failed("008", known({"sudoers": body, "doas": b""})) == (expected, "")


def test_files_with_the_wrong_owner_or_mode(known: MakeHost, failed: Failed) -> None:
    body = b"".join(
        (
            *(told("/etc/sudoers", DEBIAN), b"= 41ff 0 0 /etc/sudoers.d\n"),
            *(told("/etc/sudoers.d/a", "", "81b0"), told("/etc/sudoers.d/b", "", "8124", "1000 0")),
            *(told("/etc/sudoers.d/c", "", "8120", "0 997"), told("/etc/sudoers.d/d", "", "8180")),
        )
    )
    assert failed("009", known({"sudoers": body, "doas": b"", "refs": REFS})) == (
        {
            "/etc/sudoers.d": "critical",
            "/etc/sudoers.d/a": "medium",
            "/etc/sudoers.d/b": "medium",
            "/etc/sudoers.d/c": "medium",
        },
        "",
    )


@pytest.mark.parametrize("check_id", ["004", "005", "006", "007", "008", "009"])
def test_a_file_that_could_not_be_read_resolves_nothing(known: MakeHost, failed: Failed, check_id: str) -> None:
    body = b"= 8120 0 0 /etc/sudoers\n! /etc/sudoers\n"
    made = known({"sudoers": body, "doas": b"", "refs": REFS}, {"sudoers": "no-privilege"}, 1000)
    assert failed(check_id, made)[1] == "no-privilege"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [(b"n files sss\n", "not-rated"), (b"n files [SUCCESS=merge] ldap\n", "not-rated"), (b"cut\n", "cut")],
)
def test_rules_from_elsewhere_are_not_all_rules(known: MakeHost, failed: Failed, rows: bytes, reason: str) -> None:
    made = sudoers("bob ALL=NOPASSWD: ALL")
    assert failed("004", known({**made, "sudoers": made["sudoers"] + rows})) == ({"bob": "high"}, reason)


def test_a_line_that_is_none_is_left_out_and_told(known: MakeHost, failed: Failed) -> None:
    made = known(sudoers("bob ALL=NOPASSWD: ALL\nthis is = = none ("))
    assert failed("004", made) == ({"bob": "high"}, "unreadable")


def test_every_rule_is_listed_in_one_spelling(known: MakeHost, listed: Listed) -> None:
    rules = "Cmnd_Alias SHELLS=/bin/sh,/bin/bash\nbob   ALL =NOPASSWD :SHELLS\nalice ALL=(ALL : ALL)NOPASSWD:ALL"
    found, reason = listed("sudo-rule", known(sudoers(rules)))
    assert reason == ""
    assert found == {
        "root ALL=(ALL:ALL) ALL": {"file": "/etc/sudoers"},
        "%sudo ALL=(ALL:ALL) ALL": {"file": "/etc/sudoers"},
        "bob ALL=(root) NOPASSWD: /bin/sh": {"file": "/etc/sudoers.d/90-x"},
        "bob ALL=(root) NOPASSWD: /bin/bash": {"file": "/etc/sudoers.d/90-x"},
        "alice ALL=(ALL:ALL) NOPASSWD: ALL": {"file": "/etc/sudoers.d/90-x"},
    }


def test_doas_is_another_sudo(known: MakeHost, failed: Failed, listed: Listed) -> None:
    rules = (
        "permit persist :wheel\npermit nopass alice  # she asked\n"
        "permit nopass keepenv bob as root cmd /usr/bin/vi args /etc/motd\ndeny eve"
    )
    host = known({"sudoers": b"", "doas": told("/etc/doas.conf", rules), "refs": REFS})
    assert failed("004", host) == ({"alice": "high"}, "")
    assert failed("005", host) == ({"bob:/usr/bin/vi /etc/motd": "high"}, "")
    assert failed("008", host) == ({"SETENV bob /usr/bin/vi /etc/motd": "high"}, "")
    assert set(listed("sudo-rule", host)[0]) == {
        "%wheel ALL=(ALL) ALL",
        "alice ALL=(ALL) NOPASSWD: ALL",
        "bob ALL=(root) NOPASSWD: SETENV: /usr/bin/vi /etc/motd",
    }


def test_a_host_without_sudo_passes(known: MakeHost, failed: Failed) -> None:
    host = known({"sudoers": b"", "doas": b"", "refs": b""})
    assert [failed(check, host) for check in ("004", "005", "006", "007", "008", "009")] == [({}, "")] * 6
