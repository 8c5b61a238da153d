import pytest

PASSWD = (
    b"root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nanna:x:1000:1000::/home/anna:/bin/sh\n"
)
SHADOW = b"root:none:20228:0:99999:7:::\ndaemon:none:20228:0:99999:7:::\nanna:yescrypt:20228:0:99999:7:::\n"
GROUP = b"root:x:0:\nsudo:x:27:anna\nanna:x:1000:\n"
NSS = b"!file /etc/nsswitch.conf\n\tpasswd: files systemd\n\tgroup: files [SUCCESS=merge] systemd\n"
POLICY = b"!file /etc/login.defs\n\tUID_MIN 1000\n"
PLAIN = {"passwd": PASSWD, "shadow": SHADOW, "group": GROUP, "nss": NSS, "policy": POLICY}


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 10])
def test_a_plain_host_passes(host, failed, number: int) -> None:
    assert failed(f"HOST-ACC-{number:03}", host(PLAIN)) == ({}, "")


@pytest.mark.parametrize("line", [b"toor:x:0:0::/root:/bin/sh", b"toor:x:0:0", b"toor:x:00:5::/:/usr/sbin/nologin"])
def test_a_second_root_is_found_however_it_is_written(host, failed, line: bytes) -> None:
    assert failed("HOST-ACC-001", host({"passwd": PASSWD + line + b"\n"})) == ({"toor": "critical"}, "")


def test_a_second_root_counts_in_a_list_that_was_cut(host, failed) -> None:
    made = host({"passwd": PASSWD + b"toor:x:0:0::/:/bin/sh\nabc:x:0"}, {"passwd": "cut"})
    assert failed("HOST-ACC-001", made) == ({"toor": "critical"}, "cut")


def test_an_empty_password_is_found_in_either_file(host, failed) -> None:
    made = host(
        {
            "passwd": PASSWD + b"open::1001:1001::/home/open:/bin/sh\nftp:x:998:998::/srv:/usr/sbin/nologin\n",
            "shadow": SHADOW.replace(b"anna:yescrypt", b"anna:") + b"ftp::1:::::\n",
        }
    )
    assert failed("HOST-ACC-002", made) == ({"open": "critical", "anna": "critical", "ftp": "medium"}, "")


def test_without_the_shadow_file_an_empty_password_is_unseen_but_for_those_that_everybody_sees(host, failed) -> None:
    made = host({"passwd": PASSWD + b"open::1001:1001::/home/open:/bin/sh\n"}, {"shadow": "no-privilege"}, 1000)
    assert failed("HOST-ACC-002", made) == ({"open": "critical"}, "no-privilege")


def test_the_first_of_two_lines_of_one_name_counts(host, failed) -> None:
    made = host({"passwd": PASSWD + b"anna::1000:1000::/:/bin/sh\n", "shadow": SHADOW + b"anna::1:::::\n"})
    assert failed("HOST-ACC-002", made) == ({}, "")


def test_weak_hashes_are_told_by_how_weak_they_are(host, failed) -> None:
    more = b"old:x:1001:1:::\nolder:x:1002:1:::\nfine:x:1003:1:::\noff:x:1004:1:::\nbare:sha512:1005:1:::\n"
    hashes = b"old:sha256:1:::::\nolder:md5:1:::::\nfine:bcrypt:1:::::\noff:locked-md5:1:::::\n"
    made = host({"passwd": PASSWD + more, "shadow": SHADOW + hashes})
    assert failed("HOST-ACC-003", made) == ({"old": "low", "older": "medium", "bare": "high"}, "")


def test_a_service_with_a_shell_is_found_and_one_that_needs_it_is_lower(host, failed) -> None:
    more = b"game:x:5:5::/:/bin/bash\npostgres:x:105:1::/:/bin/bash\nhid:x:6:6::/:/tmp/nologin\nempty:x:7:7\n"
    found = {"game": "medium", "postgres": "low", "hid": "medium", "empty": "medium"}
    assert failed("HOST-ACC-004", host(PLAIN | {"passwd": PASSWD + more})) == (found, "")


def test_where_people_begin_is_the_hosts_own_rule(host, failed) -> None:
    made = host(
        PLAIN
        | {
            "passwd": PASSWD + b"ben:x:501:501::/home/ben:/bin/sh\n",
            "policy": b"!file /etc/login.defs\n\tUID_MIN\t500\n",
        }
    )
    assert failed("HOST-ACC-004", made) == ({}, "")


def test_an_administrator_who_is_nobody_or_a_service_is_odd(host, failed) -> None:
    group = GROUP.replace(b":anna\n", b":anna,ghost,daemon\n")
    assert failed("HOST-ACC-005", host(PLAIN | {"group": group})) == (
        {"sudo:ghost": "medium", "sudo:daemon": "medium"},
        "",
    )


def test_a_directory_may_know_who_is_not_in_the_file(host, failed) -> None:
    made = host(PLAIN | {"group": GROUP + b"wheel:x:10:ghost\n", "nss": NSS.replace(b"systemd", b"sss")})
    assert failed("HOST-ACC-005", made) == ({}, "")


def test_accounts_that_share_a_name_or_a_number_are_found(host, failed) -> None:
    made = host({"passwd": PASSWD + b"bert:x:1000:1::/home/bert:/bin/sh\nanna:x:1007:1::/:/bin/sh\n"})
    assert failed("HOST-ACC-010", made) == ({"bert": "medium", "anna": "medium"}, "")


def test_accounts_are_listed_with_what_may_be_seen_of_their_passwords(host, listed) -> None:
    users, unseen = listed("user", host(PLAIN))
    assert unseen == ""
    assert users["anna"] == {
        "uid": "1000",
        "gid": "1000",
        "home": "/home/anna",
        "shell": "/bin/sh",
        "password": "yescrypt",
    }
    users, unseen = listed("user", host({"passwd": PASSWD}, {"shadow": "no-privilege"}))
    assert "password" not in users["anna"]
    assert unseen == ""


def test_no_account_hides_behind_another_of_its_name(host, listed) -> None:
    users, _ = listed("user", host(PLAIN | {"passwd": PASSWD + b"anna:x:0:0::/:/bin/sh\n"}))
    assert users["anna"]["uid"] == "1000"
    assert users["anna:0"]["uid"] == "0"


def test_a_list_of_accounts_that_was_cut_is_not_all(host, listed) -> None:
    users, unseen = listed("user", host(PLAIN, {"passwd": "cut"}))
    assert len(users) == 3
    assert unseen == "cut"


def test_groups_are_listed_by_their_name(host, listed) -> None:
    assert listed("group", host(PLAIN)) == ({"root": {"gid": "0"}, "sudo": {"gid": "27"}, "anna": {"gid": "1000"}}, "")
