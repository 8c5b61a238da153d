"""Evidence in a folder: whole or not at all, checked to the last byte, and healed when it is brought again."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from estate.errors import EvidenceAltered, EvidenceMissing, EvidenceNotStored
from estate.store.folder import EvidenceFolder

HOUSE = Path(__file__).parents[3]
PUT = """
import resource, sys
from pathlib import Path
from estate.errors import EvidenceNotStored
from estate.store.folder import EvidenceFolder
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    EvidenceFolder(Path(sys.argv[1])).put(Path(sys.argv[2]))
except EvidenceNotStored as error:
    print(error, error.retryable, error.exit_code)
"""


@pytest.fixture
def folder(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path / "evidence")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Bytes that do not compress."""
    path = tmp_path / "document"
    path.write_bytes(os.urandom(300_000))
    return path


def files(folder: EvidenceFolder) -> list[Path]:
    return sorted(path for path in folder.root.rglob("*") if path.is_file())


def read(folder: EvidenceFolder, sha256: str) -> bytes:
    with folder.open(sha256) as stream:
        return stream.read()


def test_what_is_put_is_found_under_its_hash_and_nobody_else_may_read_it(folder, document) -> None:
    ref = folder.put(document)
    assert read(folder, ref.sha256) == document.read_bytes()
    assert ref.size == 300_000
    (stored,) = files(folder)
    assert stored.name == f"{ref.sha256}.zst"
    assert (stored.stat().st_mode & 0o077, stored.parent.stat().st_mode & 0o077) == (0, 0)


def test_the_same_bytes_again_write_nothing(folder, document) -> None:
    folder.put(document)
    (stored,) = files(folder)
    before = stored.stat()
    folder.put(document)
    assert files(folder) == [stored]
    assert stored.stat().st_ino == before.st_ino


@pytest.mark.parametrize("position", [0, 100_000, -1])
def test_one_altered_byte_is_noticed(folder, document, position) -> None:
    ref = folder.put(document)
    (stored,) = files(folder)
    body = bytearray(stored.read_bytes())
    body[position] ^= 1
    stored.write_bytes(body)
    with pytest.raises(EvidenceAltered, match=ref.sha256):
        read(folder, ref.sha256)
    folder.put(document)
    assert read(folder, ref.sha256) == document.read_bytes(), "bringing it again heals it"


@pytest.mark.parametrize("kept", [0, 10, 200_000])
def test_a_truncated_document_is_noticed(folder, document, kept) -> None:
    ref = folder.put(document)
    (stored,) = files(folder)
    stored.write_bytes(stored.read_bytes()[:kept])
    with pytest.raises(EvidenceAltered, match=ref.sha256):
        read(folder, ref.sha256)


def test_a_missing_document_is_said(folder, document) -> None:
    ref = folder.put(document)
    folder.remove(ref.sha256)
    folder.remove(ref.sha256)
    with pytest.raises(EvidenceMissing, match=ref.sha256):
        folder.open(ref.sha256)


def test_a_full_disk_leaves_nothing_half_written(folder, document) -> None:
    """A limit on the size of files fails like a full disk, at the same call."""
    told = subprocess.run(
        [sys.executable, "-c", PUT, str(folder.root), str(document)],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.strip().endswith("nothing was half-written True 3"), told.stderr
    assert files(folder) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096


def test_a_folder_that_cannot_be_made_is_said(tmp_path, document) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceNotStored, match="could not be written"):
        EvidenceFolder(tmp_path / "file" / "evidence").put(document)


def test_what_a_killed_writer_left_is_removed_after_a_day(folder, document) -> None:
    folder.put(document)
    old, young = folder.root / ".new-old", folder.root / ".new-young"
    for left in (old, young):
        left.write_bytes(b"half")
    os.utime(old, (time.time() - 100_000, time.time() - 100_000))
    folder.put(document)
    assert (old.exists(), young.exists()) == (False, True)
