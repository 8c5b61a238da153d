import pytest

from estate.hosts.access.key_checks import PUBLISHED

PASSWD = b"root:x:0:0::/root:/bin/bash\nanna:x:1000:1000::/home/anna:/bin/sh\nbert:x:1001:1001::/home/bert:/bin/sh\n"
PASSWD += b"www:x:33:33::/var/www:/usr/sbin/nologin\n"
GROUP = b"root:x:0:\nsudo:x:27:anna\nanna:x:1000:\nbert:x:1001:\nstaff:x:50:anna,bert\n"
ROOT = b"@root\nH 700 0 0 /root\nD 700 0 0 /root/.ssh\n"
HERS = b"@anna\nH 755 1000 1000 /home/anna\nD 700 1000 1000 /home/anna/.ssh\n"
SSHD = b"!global\npermitrootlogin without-password\npermituserenvironment no\n"
ANNA = "/home/anna/.ssh/authorized_keys"


@pytest.fixture
def with_keys(host):
    """Make a host with lines in anna's authorized_keys and in root's."""

    def make(*lines: str, root: tuple[str, ...] = (), more: bytes = b"", faults=None, sshd: bytes = SSHD):
        body = ROOT + b"F 600 0 0 /root/.ssh/authorized_keys\n"
        body += b"".join(b"K %b\n" % line.encode() for line in root)
        body += HERS + b"F 600 1000 1000 /home/anna/.ssh/authorized_keys\n"
        body += b"".join(b"K %b\n" % line.encode() for line in lines) + more
        return host({"passwd": PASSWD, "group": GROUP, "keys": body, "sshd": sshd}, faults or {})

    return make


@pytest.mark.parametrize("number", [6, 7, 8, 9, 19, 20, 21])
def test_a_plain_host_passes(with_keys, keys, failed, number: int) -> None:
    made = with_keys(f"{keys['ed25519']} anna", f"{keys['rsa4096']} anna")
    assert failed(f"HOST-ACC-{number:03}", made) == ({}, "")


def test_a_key_that_the_world_has_is_worse_for_an_administrator(with_keys, keys, failed) -> None:
    (fingerprint,) = (each for each, name in PUBLISHED.items() if name == "Vagrant's insecure key (Ed25519)")
    made = with_keys(keys["vagrant"], more=b"@bert\nF 600 1001 1001 /b\nK %b\n" % keys["vagrant"].encode())
    assert failed("HOST-ACC-006", made) == ({f"anna:{fingerprint}": "critical", f"bert:{fingerprint}": "high"}, "")


def test_a_key_to_a_service_is_found_unless_it_runs_one_command(with_keys, keys, failed) -> None:
    more = b'@www\nF 600 33 33 /w\nK %b\nK command="/bin/x" %b\n'
    more %= (keys["ed25519"].encode(), keys["another"].encode())
    found, unseen = failed("HOST-ACC-006", with_keys(more=more))
    assert (list(found.values()), unseen) == (["medium"], "")
    assert next(iter(found)).startswith("www:SHA256:")


def test_weak_keys_are_told_by_how_weak_they_are(with_keys, keys, failed) -> None:
    made = with_keys(keys["rsa1024"], f"restrict {keys['rsa2048']}", keys["dss"], keys["rsa4096"], keys["ecdsa"])
    assert sorted(failed("HOST-ACC-007", made)[0].values()) == ["high", "high", "low"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"@anna\nH 777 1000 1000 /home/anna\n", {"/home/anna": "high"}),
        (b"@anna\nH 1777 0 0 /tmp\n", {"/tmp": "high"}),
        (b"@anna\nH 775 1000 50 /home/anna\n", {"/home/anna": "high"}),
        (b"@anna\nH 775 1000 1000 /home/anna\n", {}),
        (b"@anna\nH 755 1001 1001 /home/anna\n", {"/home/anna": "high"}),
        (b"@anna\nD 770 1000 50 /home/anna/.ssh\n", {"/home/anna/.ssh": "critical"}),
        (b"@anna\nF 646 1000 1000 /home/anna/k\n", {"/home/anna/k": "critical"}),
        (b"@anna\nF 600 1001 1001 /home/anna/k\n", {"/home/anna/k": "critical"}),
        (b"@anna\nF 644 0 0 /etc/ssh/keys/anna\n", {}),
        (b"@anna\nH 777 1000 1000 /home/\x1b[2Jan na\n", {"/home/\x1b[2Jan na": "high"}),
        (b"@sys\nH 777 0 0 /dev\n", {}),
    ],
)
def test_places_for_keys_that_others_write_to_are_found(with_keys, failed, line: bytes, found: dict[str, str]) -> None:
    assert failed("HOST-ACC-008", with_keys(more=line)) == (found, "")


def test_a_key_of_roots_from_anywhere_is_found(with_keys, keys, failed) -> None:
    bound = f'from="10.0.0.1" {keys["another"]}'
    assert list(failed("HOST-ACC-009", with_keys(root=(keys["ed25519"], bound)))[0].values()) == ["low"]
    shut = with_keys(root=(keys["ed25519"],), sshd=b"!global\npermitrootlogin no\n")
    assert failed("HOST-ACC-009", shut) == ({}, "")


def test_a_key_that_sets_the_environment_is_found_where_the_server_lets_it(with_keys, keys, failed) -> None:
    line = f'environment="LD_PRELOAD=/tmp/x" {keys["ed25519"]}'
    lets = with_keys(line, sshd=b"!global\npermituserenvironment yes\n")
    assert list(failed("HOST-ACC-009", lets)[0].values()) == ["high"]
    assert failed("HOST-ACC-009", with_keys(line)) == ({}, "")
    unknown = with_keys(line, sshd=b"", faults={"sshd": "no-privilege"})
    assert failed("HOST-ACC-009", unknown) == ({}, "no-privilege")


def test_one_key_for_several_accounts_is_found_unless_it_only_says_where_to_go(with_keys, keys, failed) -> None:
    told = f"no-pty,command=\"echo 'Please login as the user anna'\" {keys['ed25519']}"
    assert failed("HOST-ACC-009", with_keys(keys["ed25519"], root=(told,))) == ({}, "")
    both = with_keys(keys["ed25519"], more=b"@bert\nF 600 1001 1001 /b\nK %b\n" % keys["ed25519"].encode())
    (place,) = failed("HOST-ACC-009", both)[0]
    assert place.startswith("SHA256:")


def test_trust_in_everybody_is_worse_than_trust_in_somebody(with_keys, failed) -> None:
    made = with_keys(more=b"R all 644 1000 1000 /home/anna/.rhosts\n@\nR some 644 0 0 /etc/hosts.equiv\n")
    assert failed("HOST-ACC-019", made) == ({"/home/anna/.rhosts": "high", "/etc/hosts.equiv": "medium"}, "")


def test_an_open_door_to_a_directory_counts_where_it_is_in_force(host, failed) -> None:
    for source, found in (("compat", {"/etc/passwd": "high"}), ("files", {})):
        nss = b"!file /etc/nsswitch.conf\n\tpasswd: %b\n" % source.encode()
        made = host({"keys": ROOT + HERS, "passwd": PASSWD + b"+::::::\n", "nss": nss})
        assert failed("HOST-ACC-019", made) == (found, "")


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        (b"P plain 600 1000 1000 /home/anna/.ssh/id", "low"),
        (b"P plain 644 1000 1000 /home/anna/.ssh/id", "low"),
        (b"P plain 644 1000 1000 /home/anna/id", "high"),
        (b"P encrypted 600 1000 1000 /home/anna/.ssh/id", None),
        (b"P encrypted 644 1000 1000 /home/anna/id", "medium"),
        (b"P plain 640 1000 1000 /home/anna/id", "low"),
    ],
)
def test_a_private_key_is_judged_by_its_passphrase_and_who_gets_at_it(with_keys, failed, line, severity) -> None:
    found, unseen = failed("HOST-ACC-020", with_keys(more=line + b"\n"))
    assert list(found.values()) == ([severity] if severity else [])
    assert unseen == ""


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (b"E 755 1000 1000 /home/anna/.aws\nC 644 1000 1000 /home/anna/.aws/credentials", True),
        (b"E 700 1000 1000 /home/anna/.aws\nC 644 1000 1000 /home/anna/.aws/credentials", False),
        (b"C 600 1000 1000 /home/anna/.netrc", False),
        (b"C 640 1000 50 /home/anna/.netrc", True),
        (b"E 755 0 0 /etc/kubernetes\nC 644 0 0 /etc/kubernetes/admin.conf", True),
    ],
)
def test_credentials_count_where_others_get_at_them(with_keys, failed, lines: bytes, found: bool) -> None:
    problems, unseen = failed("HOST-ACC-021", with_keys(more=lines + b"\n"))
    assert set(problems.values()) == ({"high"} if found else set())
    assert unseen == ""


@pytest.mark.parametrize(
    ("mark", "reason"),
    [(b"!denied /root/.ssh", "no-privilege"), (b"!cut accounts", "cut"), (b"!far /net/x", "not-asked")],
)
def test_what_could_not_be_looked_into_resolves_nothing(
    with_keys, keys, failed, listed, mark: bytes, reason: str
) -> None:
    made = with_keys(keys["rsa1024"], more=mark + b"\n")
    found, unseen = failed("HOST-ACC-007", made)
    assert (len(found), unseen) == (1, reason)
    assert listed("authorized-key", made)[1] == reason
    for number in (6, 8, 9, 19, 20, 21):
        assert failed(f"HOST-ACC-{number:03}", made)[1] == reason


def test_keys_are_listed_by_account_and_fingerprint(with_keys, keys, listed) -> None:
    line = f'from="10.0.0.1",no-pty {keys["ed25519"]} anna@laptop'
    found, unseen = listed("authorized-key", with_keys(line))
    ((name, values),) = found.items()
    assert name.startswith("anna:SHA256:")
    assert values == {
        "type": "ed25519",
        "bits": "256",
        "options": 'from="10.0.0.1",no-pty',
        "comment": "anna@laptop",
        "file": ANNA,
    }
    assert unseen == ""


def test_a_second_line_with_fewer_bounds_shows(with_keys, keys, listed) -> None:
    found, _ = listed("authorized-key", with_keys(f"restrict {keys['ed25519']} a", f"{keys['ed25519']} a"))
    (values,) = found.values()
    assert values["options"] == "none | restrict"


def test_ten_thousand_keys_and_lines_of_noise_are_read(with_keys, keys, listed) -> None:
    noise = b"".join(b"K \xff\x00\x1b[31m %d\n" % number for number in range(5000))
    found, _ = listed("authorized-key", with_keys(*([keys["ed25519"]] * 10_000), more=noise))
    assert len(found) == 1
