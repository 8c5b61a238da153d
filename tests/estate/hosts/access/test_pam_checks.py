import pytest

COMMON = (
    "auth\t[success=1 default=ignore]\tpam_unix.so",
    "auth\trequisite\tpam_deny.so",
    "auth\trequired\tpam_permit.so",
    "auth required pam_faillock.so preauth",
)
PASSWORD = ("password requisite pam_pwquality.so retry=3", "password required pam_unix.so obscure yescrypt")
SESSION = ("session\t[default=1]\tpam_permit.so", "session required pam_permit.so", "session required pam_unix.so")
POLICY = {
    "/etc/login.defs": ("PASS_MAX_DAYS 90", "ENCRYPT_METHOD YESCRYPT"),
    "/etc/security/pwquality.conf": ("minlen = 14",),
}
PLAIN = {
    "/etc/pam.d/common-auth": COMMON,
    "/etc/pam.d/common-password": PASSWORD,
    "/etc/pam.d/common-session": SESSION,
    "/etc/pam.d/su": ("auth sufficient pam_rootok.so", "@include common-auth"),
    "/etc/pam.d/gdm-autologin": ("auth required pam_permit.so",),
}


def texts(files: dict[str, tuple[str, ...]]) -> bytes:
    lines = (f"!file {path}\n" + "".join(f"\t{line}\n" for line in text) for path, text in files.items())
    return "".join(lines).encode()


@pytest.fixture
def pam(host):
    """Make a host with plain stacks, and these besides."""

    def make(files=None, policy=None, more: bytes = b"", faults=None):
        return host({"pam": texts(PLAIN | (files or {})) + more, "policy": texts(policy or POLICY)}, faults or {})

    return make


@pytest.mark.parametrize("number", [17, 18])
def test_a_plain_host_passes(pam, failed, number: int) -> None:
    assert failed(f"HOST-ACC-{number:03}", pam()) == ({}, "")


@pytest.mark.parametrize("number", [17, 18])
def test_a_host_without_pam_and_its_rules_has_nothing_to_find(host, failed, number: int) -> None:
    assert failed(f"HOST-ACC-{number:03}", host({"pam": b"", "policy": b""})) == ({}, "")


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("auth sufficient pam_permit.so", "critical"),
        ("auth  [success=done default=ignore]  pam_permit.so", "critical"),
        ("auth [success=2 default=ignore] pam_permit.so", "critical"),
        ("-AUTH Sufficient /lib/x86_64-linux-gnu/security/pam_permit.so # x", "critical"),
        ("session sufficient pam_permit.so", None),
        ("auth sufficient pam_wheel.so trust use_uid", "high"),
        ("auth required pam_wheel.so", None),
        ("auth sufficient pam_rhosts.so", "high"),
        ("auth required pam_unix.so nullok", "low"),
        ("password required pam_unix.so nullok", None),
        ("auth optional pam_exec.so quiet /usr/local/bin/notify", "medium"),
        ("auth optional pam_exec.so expose_authtok /usr/local/bin/x", "high"),
        ("auth required /tmp/pam_x.so", "high"),
        ("auth required /usr/lib64/security/pam_unix.so", None),
        ("auth required $ISA/pam_unix.so", None),
        ("auth include /etc/pam.d/other", None),
        ("auth sufficient \\", None),
    ],
)
def test_each_hole_is_found(pam, failed, line: str, severity: str | None) -> None:
    found, unseen = failed("HOST-ACC-017", pam({"/etc/pam.d/sshd": (*COMMON, line)}))
    assert list(found.values()) == ([severity] if severity else [])
    assert unseen == ""


def test_a_line_that_goes_on_in_the_next_is_one(pam, failed) -> None:
    found, _ = failed("HOST-ACC-017", pam({"/etc/pam.d/sshd": ("auth sufficient \\", "pam_permit.so")}))
    assert found == {"/etc/pam.d/sshd:auth sufficient pam_permit.so": "critical"}


def test_a_stack_that_asks_nobody_is_found_and_a_second_factor_is_somebody(pam, failed) -> None:
    permits = "auth required pam_permit.so"
    nobody = pam({"/etc/pam.d/vpn": ("auth required pam_env.so", permits)})
    assert failed("HOST-ACC-017", nobody)[0] == {f"/etc/pam.d/vpn:{permits}": "critical"}
    second = pam({"/etc/pam.d/vpn": ("auth required pam_google_authenticator.so", permits)})
    assert failed("HOST-ACC-017", second)[0] == {}


def test_the_one_file_for_all_services_is_read_too(pam, failed) -> None:
    found, _ = failed("HOST-ACC-017", pam({"/etc/pam.conf": ("sshd auth sufficient pam_permit.so",)}))
    assert list(found.values()) == ["critical"]


def test_a_module_of_no_package_is_found(pam, failed) -> None:
    module = "/lib/x86_64-linux-gnu/security/pam_evil.so"
    assert failed("HOST-ACC-017", pam(more=f"!module {module}\n".encode())) == ({module: "high"}, "")


def test_guessing_that_nothing_slows_down_is_found(host, failed) -> None:
    made = host({"pam": texts({"/etc/pam.d/common-auth": COMMON[:3]})})
    assert failed("HOST-ACC-017", made) == ({"pam_faillock": "low"}, "")


def test_into_a_container_without_an_ssh_server_nobody_logs_in(host, failed) -> None:
    bare = {"pam": texts({"/etc/pam.d/x": COMMON[:3]}), "policy": texts({"/etc/login.defs": ("PASS_MAX_DAYS 99999",)})}
    who = b"uid=0\ncontainer=yes\n"
    for sshd, found in ((b"!absent\n", {}), (b"!global\nport 22\n", {"pam_faillock": "low"})):
        assert failed("HOST-ACC-017", host(bare | {"who": who, "sshd": sshd})) == (found, "")
    assert failed("HOST-ACC-018", host(bare | {"who": who, "sshd": b"!absent\n"})) == ({}, "")
    assert len(failed("HOST-ACC-018", host(bare | {"sshd": b"!absent\n"}))[0]) == 3


@pytest.mark.parametrize(
    ("definitions", "found"),
    [
        (("PASS_MAX_DAYS 99999", "ENCRYPT_METHOD SHA512"), {"PASS_MAX_DAYS": "low"}),
        (("PASS_MAX_DAYS -1", "ENCRYPT_METHOD MD5"), {"PASS_MAX_DAYS": "low", "ENCRYPT_METHOD": "medium"}),
        (("PASS_MAX_DAYS 365",), {"ENCRYPT_METHOD": "medium"}),
        (("PASS_MAX_DAYS 365", "ENCRYPT_METHOD DES", "ENCRYPT_METHOD YESCRYPT"), {}),
    ],
)
def test_the_rules_for_new_passwords_are_judged(pam, failed, definitions, found) -> None:
    assert failed("HOST-ACC-018", pam(policy=POLICY | {"/etc/login.defs": definitions})) == (found, "")


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("password requisite pam_pwquality.so minlen=14", False),
        ("password requisite pam_passwdqc.so min=disabled,24,11,8,15", False),
        ("password requisite pam_unix.so minlen=8", True),
        ("password required pam_unix.so", True),
    ],
)
def test_the_least_length_is_found_where_it_is_asked_for(pam, failed, line: str, short: bool) -> None:
    made = pam({"/etc/pam.d/common-password": (line,)}, policy={"/etc/login.defs": POLICY["/etc/login.defs"]})
    assert failed("HOST-ACC-018", made) == ({"minlen": "low"} if short else {}, "")


def test_stacks_that_were_cut_off_resolve_nothing(pam, failed) -> None:
    made = pam({"/etc/pam.d/sshd": ("auth sufficient pam_permit.so", "auth requ")}, faults={"pam": "cut"})
    found, unseen = failed("HOST-ACC-017", made)
    assert (list(found.values()), unseen) == (["critical"], "cut")
    assert failed("HOST-ACC-018", made)[1] == "cut"
