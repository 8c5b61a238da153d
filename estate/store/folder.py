"""The local evidence folder: one zstd file per document, named by the sha256 of its uncompressed bytes."""

import hashlib
import io
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import zstandard

from estate.errors import EvidenceAltered, EvidenceError, EvidenceMissing, EvidenceNotStored
from estate.evidence import EvidenceRef

_CHUNK = 1 << 17
_LEVEL = 3
_UNFINISHED = ".new-"
_DAY = 86_400


class EvidenceFolder:
    """Evidence under `root/ab/abcdef….zst`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: Path) -> EvidenceRef:
        """Compress beside its place, then rename: a reader sees the whole document or none.

        What is there already is kept, unless it was damaged: then this is how it is brought back.
        """
        hashed = hashlib.sha256()
        size = 0
        unfinished: Path | None = None
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._drop_leftovers()
            with tempfile.NamedTemporaryFile(dir=self.root, prefix=_UNFINISHED, delete=False) as target:
                unfinished = Path(target.name)
                compressor = zstandard.ZstdCompressor(_LEVEL)
                with path.open("rb") as source, compressor.stream_writer(target, closefd=False) as packed:
                    while chunk := source.read(_CHUNK):
                        hashed.update(chunk)
                        size += len(chunk)
                        packed.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            place = self._place(hashed.hexdigest())
            if not self._is_whole(hashed.hexdigest()):
                place.parent.mkdir(exist_ok=True, mode=0o700)
                unfinished.rename(place)
                unfinished = None
                _flush_names(place.parent)
        except OSError as error:
            raise EvidenceNotStored(
                f"evidence could not be written to {self.root}: {error.strerror}; nothing was half-written"
            ) from error
        finally:
            if unfinished is not None:
                unfinished.unlink(missing_ok=True)
        return EvidenceRef(hashed.hexdigest(), size)

    def open(self, sha256: str) -> BinaryIO:
        """Stream the uncompressed bytes; the last read compares them with their name."""
        place = self._place(sha256)
        try:
            packed = place.open("rb")
        except FileNotFoundError:
            raise EvidenceMissing(f"evidence {sha256} is not in {self.root}") from None
        except OSError as error:
            raise EvidenceMissing(f"evidence {sha256} in {self.root} cannot be read: {error.strerror}") from error
        return io.BufferedReader(Checked(packed, sha256), _CHUNK)

    def remove(self, sha256: str) -> None:
        """Delete the document; an absent one is no error."""
        self._place(sha256).unlink(missing_ok=True)

    def _drop_leftovers(self) -> None:
        """Remove what writers that were killed left behind; a living one takes no day for a document."""
        for left in self.root.glob(f"{_UNFINISHED}*"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - _DAY:
                    left.unlink()

    def _is_whole(self, sha256: str) -> bool:
        """Whether the document is there, unaltered."""
        if not self._place(sha256).exists():
            return False
        try:
            with self.open(sha256) as stream:
                while stream.read(_CHUNK):
                    pass
        except EvidenceError:
            return False
        return True

    def _place(self, sha256: str) -> Path:
        return self.root / sha256[:2] / f"{sha256}.zst"


def _flush_names(folder: Path) -> None:
    """Have the disk know of a rename too, before anybody relies on it."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Checked(io.RawIOBase):
    """Uncompress a stream and compare it with its name when it ends."""

    def __init__(self, packed: BinaryIO, sha256: str) -> None:
        self._packed = packed
        self._reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=False)
        self._hashed = hashlib.sha256()
        self._sha256 = sha256

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # what BufferedReader hands over
        """Read on.

        Raises:
            EvidenceAltered: the bytes are damaged, or the whole is not what its name says.
        """
        try:
            count = self._reader.readinto(buffer)
        except zstandard.ZstdError as error:
            raise EvidenceAltered(f"evidence {self._sha256} is damaged: {error}") from error
        if count:
            self._hashed.update(memoryview(buffer)[:count])
        elif self._hashed.hexdigest() != self._sha256:
            found = self._hashed.hexdigest()
            raise EvidenceAltered(f"evidence {self._sha256} was altered: its bytes have sha256 {found}")
        return count

    def close(self) -> None:
        """Close the file too."""
        if not self.closed:
            self._reader.close()  # type: ignore[no-untyped-call]  # zstandard's stub lacks it
            self._packed.close()
        super().close()
