"""Look through an archive of an image before a scanner opens it, and have all of its layers searched for secrets."""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from estate.containers.layers import guess_base, is_command
from estate.errors import BadReport

MOST_BYTES = 32 * 1024**3
"""Of an archive, unpacked."""
_MOST_MEMBERS = 20_000
_MOST_JSON = 8 * 1024 * 1024
_CHUNK = 1024 * 1024
_TOO_MUCH = "it unpacks to more than any image has"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that may be scanned: `path` is the original, or a copy whose history hides no layer."""

    path: Path
    image_id: str
    layers: tuple[str, ...]
    guessed: int


def open_archive(source: Path, folder: Path, *, most: int = MOST_BYTES) -> Archive:
    """Look through an archive as `docker save` or an OCI tool wrote it.

    Trivy does not search the layers for secrets that it takes for the base, and takes them for it by an earlier CMD in
    the history; a copy without that CMD has the same layers, files and checks. An OCI archive becomes a docker archive.

    Args:
        source: the archive; gzip may be around it.
        folder: where a copy may lie.
        most: how many bytes may come out of it.

    Raises:
        BadReport: it leads out of itself, holds devices, unpacks to too much, holds several images or none, or is cut.
    """
    try:
        plain = _unpacked(source, folder, most)
        with _Reader(plain, most) as reader:
            return _opened(reader, plain, folder)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError) as error:
        raise BadReport(f"{source.name} is no archive of an image: {error}") from None
    except OSError as error:
        raise BadReport(f"{source.name} cannot be read: {error.strerror or error}") from None


def _unpacked(source: Path, folder: Path, most: int) -> Path:
    """The archive without the gzip around it, unpacked within bounds."""
    with source.open("rb") as stream:
        if stream.read(2) != _GZIP:
            return source
    path, left = folder / "unpacked.tar", most
    with gzip.open(source) as packed, path.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise BadReport(_TOO_MUCH)
            file.write(chunk)
    return path


def _opened(reader: "_Reader", source: Path, folder: Path) -> Archive:
    config_name, layers, converted = _image(reader)
    config_bytes = reader.content(config_name)
    config = _object(_parsed(config_bytes))
    history = [one for one in _list(config.get("history")) if isinstance(one, dict)]
    told = [(str(one.get("created_by", "")), one.get("empty_layer") is True) for one in history]
    diff_ids = tuple(one for one in _list(_object(config.get("rootfs")).get("diff_ids")) if isinstance(one, str))
    if not layers or len(diff_ids) != len(layers):
        raise BadReport("its configuration and its manifest name other layers")
    for layer in set(layers):
        reader.measure(layer)
    image_id = "sha256:" + hashlib.sha256(config_bytes).hexdigest()
    guessed = guess_base(told)
    if not guessed and not converted:
        return Archive(source, image_id, diff_ids, guessed)
    if guessed:
        last = max(at for at, (_, empty) in enumerate(told) if not empty)
        config = {
            **config,
            "history": [one for at, one in enumerate(history) if at > last or not is_command(*told[at])],
        }
    path = folder / "image.tar"
    with tarfile.open(path, "w") as copy:
        _add(copy, "config.json", json.dumps(config).encode())
        _add(copy, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [], "Layers": layers}]).encode())
        for layer in dict.fromkeys(layers):
            member, stream = reader.member(layer)
            plain = tarfile.TarInfo(layer)
            plain.size = member.size
            copy.addfile(plain, stream)
    return Archive(path, image_id, diff_ids, guessed)


def _image(reader: "_Reader") -> tuple[str, list[str], bool]:
    """The names of the image's configuration and layers in the archive, and whether they were OCI's."""
    if "manifest.json" in reader.members:
        images = _list(_parsed(reader.content("manifest.json")))
        if len(images) != 1:
            raise BadReport(f"it holds {len(images)} images; save one at a time")
        image = _object(images[0])
        return str(image.get("Config")), [str(one) for one in _list(image.get("Layers"))], False
    found = _object(_parsed(reader.content("index.json")))
    for _ in range(4):
        inner = _list(found.get("manifests"))
        if "manifests" not in found:
            break
        if len(inner) != 1:
            raise BadReport(f"it holds {len(inner)} images; save one at a time")
        found = _object(_parsed(reader.content(_blob(inner[0]))))
    return _blob(found.get("config")), [_blob(one) for one in _list(found.get("layers"))], True


def _blob(descriptor: object) -> str:
    algorithm, _, digest = str(_object(descriptor).get("digest")).partition(":")
    return f"blobs/{algorithm}/{digest}"


class _Reader:
    """The archive as a tar that can be read at any place, each of whose members was looked at."""

    def __init__(self, source: Path, most: int) -> None:
        self._source, self._left = source, most
        self.members: Mapping[str, tarfile.TarInfo] = {}

    def __enter__(self) -> "_Reader":
        self._tar = tarfile.open(self._source, "r:")
        try:
            self.members = dict(self._checked())
        except BaseException:
            self._tar.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def _checked(self) -> Iterator[tuple[str, tarfile.TarInfo]]:
        names: set[str] = set()
        for number, member in enumerate(self._tar):
            if number >= _MOST_MEMBERS:
                raise BadReport(f"it has more than {_MOST_MEMBERS:,} members")
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:
                raise BadReport(f"a member leads out of it: {member.name[:100]!r}")
            if member.issym() or member.islnk():
                target = PurePosixPath(member.linkname)
                inside = name.parent / target if member.issym() else target
                if target.is_absolute() or not _stays_inside(inside):
                    raise BadReport(f"a link leads out of it: {member.name[:100]!r}")
            elif not (member.isreg() or member.isdir()):
                raise BadReport(f"a member is neither a file nor a directory: {member.name[:100]!r}")
            if member.issparse():
                raise BadReport(f"a member is sparse: {member.name[:100]!r}")
            # Of two members of one name some readers take the first, and others the last.
            if str(name) in names and not member.isdir():
                raise BadReport(f"a member is there twice: {member.name[:100]!r}")
            names.add(str(name))
            yield str(name), member

    def member(self, name: str) -> tuple[tarfile.TarInfo, IO[bytes]]:
        """A file, through the links that older engines make of layers that occur twice."""
        member = self.members.get(name)
        stream = self._tar.extractfile(member) if member is not None and not member.isdir() else None
        if member is None or stream is None:
            raise BadReport(f"it lacks {name[:100]!r}")
        if not member.isreg():
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            member = tarfile.TarInfo(name)
            member.size = size
        return member, stream

    def content(self, name: str) -> bytes:
        """A small file whole."""
        member, stream = self.member(name)
        if member.size > _MOST_JSON:
            raise BadReport(f"{name[:100]!r} in it has more than {_MOST_JSON:,} bytes")
        return stream.read()

    def measure(self, layer: str) -> None:
        """Count what a layer unpacks to against what is left."""
        member, stream = self.member(layer)
        magic = stream.read(2)
        stream.seek(0)
        if magic != _GZIP:
            self._take(member.size)
            return
        with gzip.open(stream) as unpacked:
            while chunk := unpacked.read(_CHUNK):
                self._take(len(chunk))

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise BadReport(_TOO_MUCH)


def _stays_inside(path: PurePosixPath) -> bool:
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadReport("a description in it is no JSON") from None


def _object(told: object) -> dict[str, object]:
    return told if isinstance(told, dict) else {}


def _list(told: object) -> list[object]:
    return told if isinstance(told, list) else []
