"""Look for certificates on this machine's disks: PEM, DER, PKCS#7 and PKCS#12, and never keep a key of them."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from estate.certificates.certificate import Certificate
from estate.certificates.files import MEDIA, CertificateFile, CertificateFiles
from estate.certificates.reading import LONGEST_DOCUMENT, read_certificates, spell_pem
from estate.errors import BadInput, BadReport, EvidenceNotStored
from estate.evidence import Evidence
from estate.text import printable

SUFFIXES = frozenset({".pem", ".crt", ".cer", ".cert", ".der", ".p12", ".pfx", ".p7b", ".p7c", ".chain"})
"""What files in a folder are looked into; one that was named by itself always is."""

_KEYSTORES = frozenset({".p12", ".pfx"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a disk one look may read; beyond it the document says that it is cut."""

    files: int = 20_000
    entries: int = 500_000
    depth: int = 16
    bytes: int = 128 << 20


def collect_certificates(
    paths: Sequence[Path],
    folder: Path,
    *,
    passwords: Sequence[bytes] = (),
    limits: Limits = Limits(),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Evidence:
    """Read the certificates of files and folders into one evidence document.

    Args:
        paths: files, and folders that are searched to their bottom; links are followed, but no folder is read twice.
        folder: where the document goes.
        passwords: tried on keystores, after none; they are used here and written nowhere.
        limits: how much may be read.
        now: the clock.

    Raises:
        BadInput: a path that is not absolute, so that nobody could say later what it was.
        EvidenceNotStored: the document cannot be written.
    """
    for path in paths:
        if not path.is_absolute():
            raise BadInput(f"{printable(str(path))!r} is not an absolute path")
    search = _Search(limits, passwords)
    started = now()
    files = tuple(row for path in paths for row in search.look(path))
    document = CertificateFiles(
        schema=1, asked=tuple(map(str, paths)), started=started, files=_once(files), cut=search.cut
    )
    place = folder / "certificates.json"
    try:
        place.write_text(document.spell(), encoding="utf-8")
    except OSError as error:
        raise EvidenceNotStored(f"{place} cannot be written: {error.strerror}") from None
    return Evidence(MEDIA, place)


class _Search:
    """One walk over the paths, with what it may still read."""

    def __init__(self, limits: Limits, passwords: Sequence[bytes]) -> None:
        self.cut = ""
        self._limits = limits
        self._passwords = (None, *passwords)
        self._folders: set[tuple[int, int]] = set()
        self._files = self._entries = self._bytes = 0

    def look(self, path: Path) -> Iterator[CertificateFile]:
        """A row for each file below the path that holds certificates, or that could not be looked into."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return
        except OSError as error:
            yield _blind(path, error)
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._look_below(path, 0)
        else:
            yield from self._read(path, named=True)

    def _look_below(self, path: Path, depth: int) -> Iterator[CertificateFile]:
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in self._folders:
                return
            self._folders.add((status.st_dev, status.st_ino))
            if depth > self._limits.depth:
                self.cut = f"folders nested more than {self._limits.depth} deep"
                return
            with os.scandir(path) as found:
                entries = sorted(self._taken(found), key=lambda entry: entry.name)
        except OSError as error:
            yield _blind(path, error)
            return
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError as error:
                yield _blind(Path(entry.path), error)
                continue
            if is_folder:
                yield from self._look_below(Path(entry.path), depth + 1)
            elif Path(entry.name).suffix.lower() in SUFFIXES:
                yield from self._read(Path(entry.path), named=False)

    def _taken(self, found: Iterator["os.DirEntry[str]"]) -> Iterator["os.DirEntry[str]"]:
        for entry in found:
            self._entries += 1
            if self._entries > self._limits.entries:
                self.cut = f"more than {self._limits.entries} files and folders"
                return
            yield entry

    def _read(self, path: Path, *, named: bool) -> Iterator[CertificateFile]:
        if self._files >= self._limits.files or self._bytes >= self._limits.bytes:
            self.cut = f"more than {self._limits.files} files or {self._limits.bytes} bytes of certificates"
            return
        try:
            data = _content(path)
        except FileNotFoundError:
            return
        except OSError as error:
            yield _blind(path, error)
            return
        if data is None:
            return
        self._files += 1
        try:
            certificates = self._certificates(path, data)
        except BadReport as error:
            # A key beside its certificate is nothing to be told; a file that was named is.
            if named or not _is_only_keys(data):
                yield CertificateFile(path=_spell(path), state="blind", reason=printable(str(error), 500))
            return
        pems = tuple(map(spell_pem, certificates))
        self._bytes += sum(map(len, pems))
        yield CertificateFile(path=_spell(path), state="read", certificates=pems)

    def _certificates(self, path: Path, data: bytes) -> tuple[Certificate, ...]:
        attempts = self._passwords if path.suffix.lower() in _KEYSTORES or data[:1] == b"\x30" else (None,)
        for number, password in enumerate(attempts):
            try:
                return read_certificates(data, password)
            except BadReport:
                if number == len(attempts) - 1:
                    raise
        return ()


def _content(path: Path) -> bytes | None:
    """A regular file's bytes, one more than may be at most; None for pipes, devices and sockets, which could block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return file.read(LONGEST_DOCUMENT + 1)


def _is_only_keys(data: bytes) -> bool:
    """Whether PEM holds other blocks and no certificate, as the file of a key does; or nothing at all."""
    return not data.strip() or (b"-----BEGIN " in data and b"CERTIFICATE-----" not in data and b"PKCS7" not in data)


def _blind(path: Path, error: OSError) -> CertificateFile:
    return CertificateFile(path=_spell(path), state="blind", reason=error.strerror or type(error).__name__)


def _spell(path: Path) -> str:
    """The path in printable text; bytes that are none in this machine's encoding show as escapes."""
    return printable(os.fsencode(path).decode("utf-8", "backslashreplace"), 4096)


def _once(files: Sequence[CertificateFile]) -> tuple[CertificateFile, ...]:
    """Each path once, as found last, in order."""
    return tuple(file for _, file in sorted({file.path: file for file in files}.items()))
