import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.certificates.files import CertificateFiles, read_files
from estate.certificates.reading import read_certificates
from estate.errors import BadInput, EvidenceNotStored
from tasks.certificates import Limits, collect_certificates

EVIDENCE = Path(__file__).parents[1] / "evidence" / "certificates"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    place = tmp_path / "disk"
    place.mkdir()
    return place


@pytest.fixture
def collect(tmp_path):
    def collected(*paths: Path, **more) -> CertificateFiles:
        evidence = collect_certificates(paths, tmp_path, now=lambda: NOW, **more)
        assert evidence.media == "certificates"
        with evidence.path.open("rb") as stream:
            return read_files(stream)

    return collected


def names(document: CertificateFiles) -> dict[str, str]:
    return {Path(file.path).name: file.reason or file.state for file in document.files}


def put(name: str, place: Path, to: str = "") -> Path:
    path: Path = place / (to or name)
    path.write_bytes((EVIDENCE / name).read_bytes())
    return path


def test_a_folder_is_searched_to_its_bottom_whatever_the_wrapping(disk, collect):
    deep = disk / "a" / "b"
    deep.mkdir(parents=True)
    for name, place in (("sound_chain.pem", disk), ("leaf.der", deep), ("chain.p7b", deep), ("store.p12", deep)):
        put(name, place)
    (disk / "notes.txt").write_text("no certificate")
    document = collect(disk, passwords=[b"wrong", b"lab"])
    assert names(document) == dict.fromkeys(("sound_chain.pem", "leaf.der", "chain.p7b", "store.p12"), "read")
    assert document.asked == (str(disk),)
    assert document.started == NOW
    assert document.cut == ""
    held = {
        one.sha256 for file in document.files for pem in file.certificates for one in read_certificates(pem.encode())
    }
    assert held == {one.sha256 for one in read_certificates((EVIDENCE / "sound_chain.pem").read_bytes())}


def test_no_key_and_no_password_ever_gets_into_the_evidence(disk, collect, tmp_path):
    for name in ("with_key.pem", "only_key.pem", "store.p12"):
        put(name, disk)
    collect(disk, passwords=[b"lab-password-7", b"lab"])
    text = (tmp_path / "certificates.json").read_text()
    assert "PRIVATE" not in text
    assert "lab-password-7" not in text
    for line in (EVIDENCE / "only_key.pem").read_text().splitlines()[1:-1]:
        assert line not in text


def test_a_key_beside_its_certificate_is_no_news_but_one_that_was_named_is(disk, collect):
    key = put("only_key.pem", disk)
    assert names(collect(disk)) == {}
    assert names(collect(key)) == {"only_key.pem": "no certificate in it, only other PEM blocks"}


def test_what_cannot_be_read_is_out_of_sight_with_its_reason(disk, collect):
    put("cut_off.pem", disk)
    put("store.p12", disk)
    (disk / "page.crt").write_text("<html>404</html>")
    told = names(collect(disk))
    assert "cut off" in told["cut_off.pem"]
    assert told["store.p12"] == "a keystore that needs a password"
    assert "neither PEM nor DER" in told["page.crt"]


def test_links_are_followed_but_never_in_circles(disk, collect):
    archive, live = disk / "archive", disk / "live"
    archive.mkdir()
    live.mkdir()
    put("sound_chain.pem", archive, "web1.pem")
    (live / "web.pem").symlink_to("../archive/web1.pem")
    (live / "round").symlink_to(disk)
    (live / "itself.pem").symlink_to("itself.pem")
    (live / "nowhere.pem").symlink_to("/no/such/file.pem")
    told = names(collect(live))
    assert told["web.pem"] == "read"
    assert told["web1.pem"] == "read"
    assert "symbolic links" in told["itself.pem"]
    assert "nowhere.pem" not in told


def test_pipes_sockets_and_devices_are_not_waited_for(disk, collect):
    os.mkfifo(disk / "pipe.pem")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(disk / "socket.pem"))
        (disk / "zero.pem").symlink_to("/dev/zero")
        told = names(collect(disk))
    assert "pipe.pem" not in told
    assert "zero.pem" not in told


def test_a_path_that_is_not_there_holds_nothing(disk, collect):
    assert collect(disk / "never").files == ()


def test_a_relative_path_is_wrong_use(collect):
    with pytest.raises(BadInput, match="not an absolute path"):
        collect(Path("etc/ssl"))


@pytest.mark.parametrize(
    ("limits", "cut"),
    [
        (Limits(files=2), "more than 2 files"),
        (Limits(entries=3), "more than 3 files and folders"),
        (Limits(bytes=10), "10 bytes of certificates"),
        (Limits(depth=0), "nested more than 0 deep"),
    ],
)
def test_a_disk_without_end_is_cut_and_the_document_says_so(disk, collect, limits, cut):
    (disk / "below").mkdir()
    for number in range(5):
        put("leaf.der", disk, f"{number}.der")
    assert cut in collect(disk, limits=limits).cut


def test_a_file_that_is_too_large_is_refused_and_not_swallowed(disk, collect):
    with (disk / "huge.pem").open("wb") as file:
        file.write(b"-----BEGIN CERTIFICATE-----\n")
        file.truncate(1 << 30)
    assert "over the limit" in names(collect(disk))["huge.pem"]


def test_odd_names_of_files_are_one_printable_line(disk, collect):
    put("leaf.der", disk, os.fsdecode(b"a\nb\xff.der"))
    (file,) = collect(disk).files
    assert file.path.isprintable()
    assert file.path.endswith("a\\x0ab\\xff.der")


def test_a_full_disk_is_told(disk, tmp_path):
    with pytest.raises(EvidenceNotStored):
        collect_certificates([disk], tmp_path / "no such folder")
