"""The runs of one sweep as one document: a tar of every run's untouched results, each after its metadata."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import BinaryIO, cast

from estate.errors import BadReport
from estate.evidence import Document, Evidence

ARCHIVE = "zmap-tar"
"""The media of such a document; what it holds are documents of the media `zmap`."""

_METADATA, _RESULTS = ".json", ".csv"
_LARGEST = 64 << 20


def pack(runs: Iterable[Evidence], out: BinaryIO) -> None:
    """Write the runs one after another; the same bytes always make the same archive."""
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        for number, run in enumerate(runs):
            # A reader that streams has to know the metadata before it meets the results.
            for path, suffix in ((run.companion, _METADATA), (run.path, _RESULTS)):
                if path is not None:
                    member = tarfile.TarInfo(f"{number:04}-{path.stem}{suffix}")
                    with path.open("rb") as stream:
                        member.size = stream.seek(0, io.SEEK_END)
                        stream.seek(0)
                        archive.addfile(member, stream)


def unpack(document: Document) -> Iterator[Document]:
    """The runs as documents, in order; each has to be read before the next one is asked for.

    Raises:
        BadReport: this is no such archive.
    """
    with reading_archive(), tarfile.open(fileobj=document.stream, mode="r|") as archive:
        metadata: dict[str, bytes] = {}
        for member in archive:
            stream = archive.extractfile(member)
            name = PurePath(member.name)
            if stream is None or name.suffix not in {_METADATA, _RESULTS}:
                raise BadReport("the archive holds something else than the runs of a sweep")
            with stream:
                if name.suffix == _METADATA:
                    metadata = {name.stem: stream.read(_LARGEST + 1)}
                    continue
                told = metadata.pop(name.stem, None)
                companion = None if told is None else io.BytesIO(told)
                yield Document("zmap", document.look, cast("BinaryIO", stream), companion)


@contextmanager
def reading_archive() -> Iterator[None]:
    """Refuse, for as long as the block runs, an archive that is none or was cut.

    Raises:
        BadReport: so it is.
    """
    try:
        yield
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise BadReport(f"the archive of a sweep cannot be read: {error}") from error
