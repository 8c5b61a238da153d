import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.packages.sources import apt_settings

OS = b"ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n"
DPKG = b"ii \tall\t1\tx\t1\tx\n"
RPM = b"(none)\t1\t2\tnoarch\tx-1-2.src.rpm\t1\tx\n"
PLAIN = (
    b"F\t/etc/apt/sources.list\n\tdeb http://deb.debian.org/debian bookworm main\n"
    b"\tdeb [arch=amd64 signed-by=/k.gpg] http://security.debian.org bookworm-security main\n"
)
DEB822 = (
    b"F\t/etc/apt/sources.list.d/x.sources\n\tTypes: deb deb-src\n\tURIs: https://x.example/a https://y.example/\n"
    b"\tSuites: stable\n\t  testing\n\tComponents: main\n\tTrusted: yes\n\t\n\tTypes: deb\n\tEnabled: no\n"
    b"\tURIs: https://off.example/\n\tSuites: stable\n\tTrusted: yes\n"
)


@pytest.fixture
def debian(host):
    def make(sources: bytes = PLAIN, options: bytes = b"", **faults: str):
        sections = {"os": OS, "managers": b"dpkg\n", "dpkg": DPKG, "apt_sources": sources, "apt_options": options}
        return host(sections, faults)

    return make


@pytest.fixture
def red_hat(host):
    def make(conf: bytes, repo: bytes, where: bytes = b"/etc/yum.repos.d/x.repo"):
        body = b"F\t/etc/dnf/dnf.conf\n\t[main]\n" + conf + b"F\t" + where + b"\n" + repo
        return host({"os": b"ID=rocky\nVERSION_ID=9\n", "managers": b"rpm\n", "rpm": RPM, "yum_sources": body})

    return make


def test_debians_own_sources_pass(debian, failed) -> None:
    options = b'Acquire::AllowInsecureRepositories "0";\nAcquire::Check-Valid-Until "false";\n'
    assert failed("HOST-PKG-009", debian(options=options)) == ({}, "")


def test_a_source_that_is_trusted_whatever_it_sends_is_found_in_both_forms(debian, failed) -> None:
    line = b"\tdeb [ arch=amd64 trusted=yes ] http://evil.example/ ./\n\tdeb [trusted=yes] file:/srv/repo ./\n"
    assert failed("HOST-PKG-009", debian(PLAIN + line)) == (
        {"http://evil.example/ ./": "high", "file:/srv/repo ./": "low"},
        "",
    )
    found, _ = failed("HOST-PKG-009", debian(PLAIN + DEB822))
    assert set(found) == {
        f"{site} {suite}" for site in ("https://x.example/a", "https://y.example/") for suite in ("stable", "testing")
    }


@pytest.mark.parametrize(
    "option",
    [
        b'APT::Get::AllowUnauthenticated "true";',
        b'Acquire::AllowInsecureRepositories "1";',
        b'Acquire::https::Verify-Peer "false";',
        b'Acquire::https::mirror.example::Verify-Host "no";',
    ],
)
def test_an_option_that_waives_the_signature_is_found(debian, failed, option) -> None:
    name = option.decode().partition(" ")[0]
    assert failed("HOST-PKG-009", debian(options=option + b"\n")) == ({name: "high"}, "")


def test_a_release_without_its_security_updates_is_found(debian, failed) -> None:
    only_main = PLAIN.split(b"\tdeb [")[0]
    assert failed("HOST-PKG-009", debian(only_main)) == ({"security-suite": "high"}, "")
    # A mirror of one's own may have everything in a suite of its own name.
    assert failed("HOST-PKG-009", debian(b"F\t/etc/apt/sources.list\n\tdeb https://mirror/ ours main\n")) == ({}, "")


def test_a_file_that_may_not_be_read_is_told(debian, failed) -> None:
    assert failed("HOST-PKG-009", debian(PLAIN + b"F\t/etc/apt/sources.list.d/secret.list\nE\n")) == (
        {},
        "no-privilege",
    )
    assert failed("HOST-PKG-009", debian(PLAIN, apt_sources="cut")) == ({}, "cut")
    assert failed("HOST-PKG-009", debian(PLAIN, apt_options="missing-tool")) == ({}, "missing-tool")


def test_a_repository_that_checks_no_signature_is_found(red_hat, failed) -> None:
    on, off = b"\tgpgcheck=1\n", b"\t[x]\n\tbaseurl=https://x/\n\tgpgcheck=0\n"
    assert failed("HOST-PKG-009", red_hat(on, off)) == ({"x": "high"}, "")
    assert failed("HOST-PKG-009", red_hat(on, off + b"\tenabled=0\n")) == ({}, "")
    assert failed("HOST-PKG-009", red_hat(on, b"\t[x]\n\tbaseurl=https://x/\n")) == ({}, "")
    assert failed("HOST-PKG-009", red_hat(on, off.replace(b"https://x/", b"file:///srv"))) == ({"x": "low"}, "")
    assert failed("HOST-PKG-009", red_hat(on, b"\t[x]\n\tsslverify = False\n")) == ({"x": "medium"}, "")
    # dnf itself checks none unless it is told to.
    assert failed("HOST-PKG-009", red_hat(b"", b"\t[x]\n\tbaseurl=https://x/\n")) == ({"x": "high"}, "")
    assert failed("HOST-PKG-009", red_hat(b"", b"\t[x]\n\tbaseurl=https://x/\n", b"/etc/zypp/repos.d/x.repo")) == (
        {},
        "",
    )


def test_others_may_ask_for_what_apt_is_told(debian) -> None:
    options = b'APT::Periodic::Unattended-Upgrade "1";\nAPT::Periodic::Unattended-Upgrade "0";\nnonsense\n'
    assert apt_settings(debian(options=options)) == {"apt::periodic::unattended-upgrade": "1"}


@given(body=st.binary(max_size=300))
def test_any_bytes_are_read_or_told_unseen(anything, failed, body) -> None:
    apt = {"os": OS, "managers": b"dpkg\n", "dpkg": DPKG, "apt_options": body + b"\n"}
    for name in (b"x.list", b"x.sources"):
        failed("HOST-PKG-009", anything({**apt, "apt_sources": b"F\t/" + name + b"\n\t" + body + b"\n"}))
    failed(
        "HOST-PKG-009", anything({"managers": b"rpm\n", "rpm": RPM, "yum_sources": b"F\t/x\n\t[x]\n\t" + body + b"\n"})
    )
