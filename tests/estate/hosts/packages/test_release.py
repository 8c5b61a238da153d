import pytest

from estate.hosts.host import Unseen
from estate.hosts.packages.release import Release, ecosystems, read_release

DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'


def test_a_release_is_read_whatever_its_quotes(host) -> None:
    release = read_release(host({"os": DEBIAN + b"ID_LIKE='a  b'\nHOME_URL=x\n\nDEBIAN_VERSION=12.9\n"}))
    assert (release.id, release.version, release.codename, release.like) == ("debian", "12", "bookworm", ("a", "b"))
    assert release.name == "Debian GNU/Linux 12 (bookworm)"
    assert release.label == "debian-12"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\n", b"ID=\n", b'NAME="no id"\n'])
def test_a_release_without_a_name_is_not_guessed(host, body) -> None:
    with pytest.raises(Unseen):
        read_release(host({"os": body}))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"ID=debian\nVERSION_ID=12", ("Debian:12",)),
        (b"ID=debian\nVERSION_ID=9.13", ("Debian:9",)),
        (b"ID=debian\nDEBIAN_VERSION=forky/sid", ("Debian:sid",)),
        (b"ID=debian", ()),
        (b"ID=ubuntu\nVERSION_ID=24.04\nUBUNTU_CODENAME=noble", ("Ubuntu:24.04:LTS",)),
        (b"ID=ubuntu\nVERSION_ID=25.04", ("Ubuntu:25.04",)),
        (b"ID=ubuntu\nVERSION_ID=24.10", ("Ubuntu:24.10",)),
        (b"ID=linuxmint\nVERSION_ID=22\nUBUNTU_CODENAME=noble", ("Ubuntu:24.04:LTS",)),
        (b"ID=alpine\nVERSION_ID=3.20.3", ("Alpine:v3.20",)),
        (b"ID=alpine\nVERSION_ID=3.23.0_alpha20250612", ()),
        (b'ID="almalinux"\nVERSION_ID="9.4"', ("AlmaLinux:9",)),
        (b'ID="rocky"\nVERSION_ID="9.4"', ("Rocky Linux:9",)),
        (
            b'ID="rhel"\nVERSION_ID="9.4"',
            (
                "Red Hat:enterprise_linux:9::baseos",
                "Red Hat:enterprise_linux:9::appstream",
                "Red Hat:enterprise_linux:9::crb",
            ),
        ),
        (b'ID="opensuse-leap"\nVERSION_ID="15.6"\nPRETTY_NAME="openSUSE Leap 15.6"', ("openSUSE:Leap 15.6",)),
        (
            b'ID="sles"\nVERSION_ID="15.6"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP6"',
            ("SUSE:Linux Enterprise Server 15 SP6",),
        ),
        (b"ID=wolfi\nVERSION_ID=20230201", ("Wolfi",)),
        (b"ID=amzn\nVERSION_ID=2023", ()),
        (b"ID=kali\nVERSION_ID=2025.1\nID_LIKE=debian", ()),
    ],
)
def test_an_ecosystem_bears_the_release_as_osv_spells_it(host, said, expected) -> None:
    assert ecosystems(read_release(host({"os": said + b"\n"}))) == expected


def test_a_release_that_osv_does_not_know_has_no_ecosystem() -> None:
    assert ecosystems(Release("templeos", "5")) == ()
