"""Evidence in filesystem blocks: written once, checked on reading, and honest about what the storage cannot do."""

import os
import uuid
from pathlib import Path

import pytest
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem

from blocks.evidence import BlockEvidence, evidence_in, open_evidence
from estate.errors import BadInput, EvidenceAltered, EvidenceError, EvidenceMissing, EvidenceNotStored
from estate.evidence import EvidenceStore


class Shelf(WritableFileSystem):
    """A storage with plain coroutines, as the interface declares them, that can be made to fail."""

    files: dict[str, bytes]
    full: bool = False
    writes: int = 0

    async def read_path(self, path: str) -> bytes:
        return self.files[path]

    async def write_path(self, path: str, content: bytes) -> None:
        self.writes += 1
        if self.full:
            raise RuntimeError("quota exceeded")
        self.files[path] = content


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.xml"
    path.write_bytes(b"<nmaprun>" + os.urandom(300_000) + b"</nmaprun>")
    return path


@pytest.fixture(params=["local", "remote", "shelf"])
def filesystem(request: pytest.FixtureRequest, tmp_path: Path) -> WritableFileSystem:
    if request.param == "local":
        return LocalFileSystem(basepath=str(tmp_path / "evidence"))
    if request.param == "remote":
        return RemoteFileSystem(basepath=f"memory://evidence-{uuid.uuid4()}/")
    return Shelf(files={})


def read_back(store: EvidenceStore, sha256: str) -> bytes:
    with store.open(sha256) as stream:
        return stream.read()


def test_what_is_stored_is_read_back(filesystem: WritableFileSystem, report: Path) -> None:
    store = evidence_in(filesystem)
    ref = store.put(report)
    assert ref.size == report.stat().st_size
    assert read_back(store, ref.sha256) == report.read_bytes()
    assert store.put(report) == ref


def test_all_storages_use_the_same_place_and_packing(tmp_path: Path, report: Path) -> None:
    shelf = Shelf(files={})
    ref = evidence_in(shelf).put(report)
    folder = evidence_in(LocalFileSystem(basepath=str(tmp_path / "evidence")))
    assert folder.put(report) == ref
    assert list(shelf.files) == [f"{ref.sha256[:2]}/{ref.sha256}.zst"]
    assert (tmp_path / "evidence" / next(iter(shelf.files))).read_bytes() == next(iter(shelf.files.values()))


def test_the_same_bytes_are_written_once(report: Path) -> None:
    shelf = Shelf(files={})
    evidence_in(shelf).put(report)
    evidence_in(shelf).put(report)
    assert shelf.writes == 1


def test_evidence_that_is_not_there_is_missing(filesystem: WritableFileSystem) -> None:
    with pytest.raises(EvidenceMissing):
        evidence_in(filesystem).open("0" * 64)


@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-20], lambda packed: packed[:90] + b"x" + packed[91:], lambda _: b""]
)
def test_altered_evidence_is_said_and_written_again(damage, report: Path) -> None:
    shelf = Shelf(files={})
    store = evidence_in(shelf)
    ref = store.put(report)
    (place,) = shelf.files
    shelf.files[place] = damage(shelf.files[place])
    with pytest.raises(EvidenceAltered):
        read_back(store, ref.sha256)
    store.put(report)
    assert read_back(store, ref.sha256) == report.read_bytes()


def test_a_full_storage_is_worth_another_try(report: Path) -> None:
    with pytest.raises(EvidenceNotStored, match="quota exceeded") as caught:
        evidence_in(Shelf(files={}, full=True)).put(report)
    assert caught.value.retryable


def test_evidence_is_forgotten_where_the_storage_can(tmp_path: Path, report: Path) -> None:
    for able in (
        LocalFileSystem(basepath=str(tmp_path / "e")),
        RemoteFileSystem(basepath=f"memory://{uuid.uuid4()}/x"),
    ):
        store = evidence_in(able)
        ref = store.put(report)
        store.remove(ref.sha256)
        store.remove(ref.sha256)
        with pytest.raises(EvidenceMissing):
            store.open(ref.sha256)


def test_a_storage_that_cannot_forget_says_who_can(report: Path) -> None:
    with pytest.raises(EvidenceError, match="lifecycle rule"):
        evidence_in(Shelf(files={})).remove("0" * 64)


@pytest.mark.usefixtures("prefect_api")
def test_a_block_is_found_by_its_name(tmp_path: Path, report: Path) -> None:
    RemoteFileSystem(basepath="memory://named/").save("evidence")
    store = open_evidence("remote-file-system/evidence")
    assert isinstance(store, BlockEvidence)
    ref = store.put(report)
    assert read_back(store, ref.sha256) == report.read_bytes()


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize("name", ["remote-file-system/nowhere", "no-such-type/x", "nonsense"])
def test_a_block_that_is_not_there_is_a_mistake_in_the_file(name: str) -> None:
    with pytest.raises(BadInput, match="cannot be loaded"):
        open_evidence(name)
