"""One visit to an image as evidence: what was asked, what Trivy and its database were, and how it went."""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from estate.evidence import read_bounded, read_document

Source = Literal["docker", "podman", "remote", "archive"]
WORKS = "ok"
"""A canary's word where the database sees."""

_LONGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImageVisit:
    """What was asked about one image, and how it went.

    Args:
        repository: the asset's key: the repository as engines print it, or the image's id where it has none.
        tag: empty for an image that was named by digest or id alone.
        at: when it was asked.
        source: through what the image was read.
        ref: what was read there: a reference with its digest, an id, or an archive's file name.
        digest: the registry's digest; empty where none is known.
        image_id: the digest of the image's configuration.
        layers: the layers' DiffIDs, lowest first.
        labels: the image's labels, bounded.
        base_name: what the image's labels say that it was built from.
        base_digest: and by which digest.
        guessed: how many of the lowest layers the history takes for the base: those up to an earlier CMD.
        unsearched: how many of the lowest layers were not searched for secrets: Trivy leaves a guessed base out.
        created: when the image was built, in its own words.
        trivy: Trivy's version.
        database: when its vulnerability database was built, in its own words.
        canary: `ok` where a package with a known vulnerability was seen to have it, else why not.
        error: empty, or why there is no report: `no-tool`, `too-old`, `not-found`, `auth-failed`, `unreachable`,
            `bad-archive`, `no-database`, `locked`, `timeout`, `cancelled`, `truncated`, `failed`.
        detail: what was said, bounded.
        scanned_at: when the report was made, where it is used again: neither digest nor database is another one.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    repository: str
    tag: str
    at: datetime
    source: Source
    ref: str
    digest: str = ""
    image_id: str = ""
    layers: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    base_name: str = ""
    base_digest: str = ""
    guessed: int = 0
    unsearched: int = 0
    created: str = ""
    trivy: str = ""
    database: str = ""
    canary: str = ""
    error: str = ""
    detail: str = ""
    scanned_at: datetime | None = None


_VISIT = TypeAdapter(ImageVisit)


def spell_image_visit(visit: ImageVisit) -> bytes:
    """A visit as the document that stands for it."""
    return _VISIT.dump_json(visit)


def read_image_visit(stream: BinaryIO) -> ImageVisit:
    """Read a visit.

    Raises:
        BadReport: it is none.
    """
    text = read_bounded(stream, _LONGEST, "a visit to an image has more than 1 MiB")
    return read_document(_VISIT, text, "a visit to an image")
