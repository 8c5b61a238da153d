"""Evidence in any Prefect filesystem block: an object store, a share or a folder that the UI names."""

import hashlib
import inspect
import io
from pathlib import Path
from typing import BinaryIO

import zstandard
from prefect.blocks.core import Block
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem
from prefect.utilities.asyncutils import run_coro_as_sync

from estate.errors import BadInput, EvidenceError, EvidenceMissing, EvidenceNotStored
from estate.evidence import EvidenceRef, EvidenceStore
from estate.store.folder import Checked, EvidenceFolder

_CHUNK = 1 << 17
_LEVEL = 3


def open_evidence(name: str) -> EvidenceStore:
    """The evidence store in the filesystem block `type/name`.

    Raises:
        BadInput: there is no such block, or it is no filesystem.
    """
    try:
        block = Block.load(name)
    except Exception as error:  # noqa: BLE001  # each collection of blocks fails to load in its own way
        raise BadInput(f"the Prefect block {name!r} cannot be loaded: {error}") from None
    if not isinstance(block, WritableFileSystem):
        raise BadInput(f"the Prefect block {name!r} is a {type(block).__name__}, which holds no files")
    return evidence_in(block)


def evidence_in(filesystem: WritableFileSystem) -> EvidenceStore:
    """The evidence store in a filesystem block.

    A local one is our own folder, which writes aside, syncs and renames; others write an object whole by themselves.
    """
    if isinstance(filesystem, LocalFileSystem):
        return EvidenceFolder(Path(filesystem.basepath or ".").expanduser())
    return BlockEvidence(filesystem)


class BlockEvidence:
    """Evidence under `ab/abcdef….zst`, as in the local folder."""

    def __init__(self, filesystem: WritableFileSystem) -> None:
        self._filesystem = filesystem
        self._where = type(filesystem).get_block_type_name()

    def put(self, path: Path) -> EvidenceRef:
        """Compress in memory and write once; what is there whole is left alone, what was cut short is written again."""
        hashed = hashlib.sha256()
        size = 0
        packed = io.BytesIO()
        try:
            with (
                path.open("rb") as source,
                zstandard.ZstdCompressor(_LEVEL).stream_writer(packed, closefd=False) as out,
            ):
                while chunk := source.read(_CHUNK):
                    hashed.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
        except OSError as error:
            raise EvidenceNotStored(f"evidence {path} cannot be read: {error.strerror}") from error
        ref = EvidenceRef(hashed.hexdigest(), size)
        if not self._holds(ref.sha256):
            try:
                _wait(self._filesystem.write_path(_place(ref.sha256), packed.getvalue()))
            except Exception as error:  # every storage has errors of its own
                raise EvidenceNotStored(f"evidence could not be written to {self._where}: {error}") from error
        return ref

    def open(self, sha256: str) -> BinaryIO:
        """The uncompressed bytes; the last read compares them with their name."""
        try:
            packed = _wait(self._filesystem.read_path(_place(sha256)))
        except Exception as error:  # every storage has errors of its own
            raise EvidenceMissing(f"evidence {sha256} cannot be read from {self._where}: {error}") from error
        if not isinstance(packed, bytes):
            raise EvidenceMissing(f"evidence {sha256} came from {self._where} as {type(packed).__name__}, not as bytes")
        return io.BufferedReader(Checked(io.BytesIO(packed), sha256), _CHUNK)

    def remove(self, sha256: str) -> None:
        """Delete the document; an absent one is no error.

        Raises:
            EvidenceError: the storage does not let us.
        """
        if not isinstance(self._filesystem, RemoteFileSystem):
            raise EvidenceError(
                f"{self._where} cannot delete through Prefect: set a lifecycle rule on the storage itself"
            )
        try:
            self._filesystem.filesystem.rm_file(f"{self._filesystem.basepath.rstrip('/')}/{_place(sha256)}")
        except FileNotFoundError:
            return
        except Exception as error:  # every storage has errors of its own
            raise EvidenceError(f"evidence {sha256} could not be removed from {self._where}: {error}") from error

    def _holds(self, sha256: str) -> bool:
        try:
            with self.open(sha256) as stored:
                while stored.read(_CHUNK):
                    pass
        except EvidenceError:
            return False
        return True


def _place(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}.zst"


def _wait(result: object) -> object:
    """Blocks may answer at once or with a coroutine, whatever their interface declares."""
    return run_coro_as_sync(result) if inspect.iscoroutine(result) else result
