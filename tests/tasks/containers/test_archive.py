"""Archives that no honest engine writes are refused before a scanner opens them."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from estate.errors import BadReport
from infra.lab.images import CMD, OLD_PACKAGES, Image, Layer, debian, tar_of
from tasks.containers.archive import open_archive

IMAGE = Image((debian(OLD_PACKAGES), Layer({"app/x": b"x" * 1000}, made_by="COPY . /app")))


def with_member(path: Path, member: tarfile.TarInfo) -> Path:
    IMAGE.save(path)
    with tarfile.open(path, "a") as tar:
        tar.addfile(member)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    told = tarfile.TarInfo(name)
    told.type, told.linkname = kind, link
    return told


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (member("../../etc/cron.d/x"), "leads out of it"),
        (member("/etc/cron.d/x"), "leads out of it"),
        (member("a/layer.tar", tarfile.SYMTYPE, "../../../etc/shadow"), "leads out of it"),
        (member("a/layer.tar", tarfile.SYMTYPE, "/etc/shadow"), "leads out of it"),
        (member("a/layer.tar", tarfile.LNKTYPE, "../etc/shadow"), "leads out of it"),
        (member("sda", tarfile.BLKTYPE), "neither a file nor a directory"),
        (member("null", tarfile.CHRTYPE), "neither a file nor a directory"),
        (member("pipe", tarfile.FIFOTYPE), "neither a file nor a directory"),
    ],
)
def test_a_member_that_has_no_business_there_is_refused(tmp_path, added, words):
    with pytest.raises(BadReport, match=words):
        open_archive(with_member(tmp_path / "a.tar", added), tmp_path)


def test_a_bomb_is_refused_before_it_bursts(tmp_path):
    plain = IMAGE.save(tmp_path / "a.tar")
    layer = gzip.compress(bytes(50_000_000))
    config = json.dumps({"rootfs": {"diff_ids": ["sha256:a"]}}).encode()
    manifest = json.dumps([{"Config": "c", "Layers": ["l"]}]).encode()
    inner, outer = tmp_path / "inner.tar", tmp_path / "outer.tar"
    inner.write_bytes(tar_of({"manifest.json": manifest, "c": config, "l": layer}))
    outer.write_bytes(gzip.compress(bytes(50_000_000)))
    for path in (inner, outer):
        with pytest.raises(BadReport, match="unpacks to more"):
            open_archive(path, tmp_path, most=10_000_000)
    assert open_archive(plain, tmp_path, most=10_000_000).layers == IMAGE.diff_ids


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"manifest.json": b"["},
        {"manifest.json": b"[" * 100_000},
        {"manifest.json": b"[]"},
        {"manifest.json": b"[1]"},
        {"manifest.json": b'[{"Config":"c","Layers":[]},{"Config":"c"}]'},
        {"manifest.json": b'[{"Config":"c","Layers":["l"]}]', "c": b"{}"},
        {"index.json": b'{"manifests":[{"digest":"sha256:none"}]}'},
    ],
)
def test_an_archive_of_something_else_is_refused(tmp_path, files):
    (tmp_path / "a.tar").write_bytes(tar_of(files))
    with pytest.raises(BadReport):
        open_archive(tmp_path / "a.tar", tmp_path)


def test_an_archive_that_was_cut_is_refused_wherever(tmp_path):
    whole = IMAGE.save(tmp_path / "a.tar").read_bytes()
    needed = len(whole.rstrip(b"\0"))
    for size in range(0, needed, 512 * 3 + 7):
        (tmp_path / "cut.tar").write_bytes(whole[:size])
        with pytest.raises(BadReport):
            open_archive(tmp_path / "cut.tar", tmp_path)


def test_a_history_that_hides_no_layer_is_left_alone(tmp_path):
    image = Image((Layer(debian(OLD_PACKAGES).files, after=(CMD,)),))
    path = image.save(tmp_path / "a.tar")
    found = open_archive(path, tmp_path)
    assert (found.path, found.image_id, found.guessed) == (path, image.id, 0)


def test_a_copy_has_the_same_layers_and_no_command_below_them(tmp_path):
    found = open_archive(IMAGE.save(tmp_path / "a.tar"), tmp_path)
    assert (found.image_id, found.layers, found.guessed) == (IMAGE.id, IMAGE.diff_ids, 1)
    assert found.path != tmp_path / "a.tar"
    with tarfile.open(found.path) as tar:
        config = tar.extractfile("config.json")
        assert config is not None
        told = json.loads(config.read())
    assert CMD not in {one["created_by"] for one in told["history"]}
    assert sum(not one.get("empty_layer") for one in told["history"]) == 2


def test_gzip_around_it_is_taken_off(tmp_path):
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(IMAGE.save(tmp_path / "a.tar").read_bytes()))
    found = open_archive(packed, tmp_path)
    assert found.layers == IMAGE.diff_ids
    assert io.BytesIO(found.path.read_bytes()).read(2) != b"\x1f\x8b"
