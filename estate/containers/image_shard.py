"""A shard of an image scan: which images are scanned, and what their evidence proves, repository by repository."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import BinaryIO

from estate.containers.image import Source, read_image_visit
from estate.containers.image_reading import ASKED, image_reading, worst_of
from estate.containers.layers import Base
from estate.containers.trivy import read_trivy
from estate.coverage import Look, Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.observations import Reading, Sight, join_addresses, merge
from estate.text import printable

_GONE = "it is listed no more"
_LONGEST_LIST = 64 * 1024 * 1024
_Seen = dict[tuple[str, str, str], list[Reading]]


@dataclass(frozen=True, slots=True)
class ImageTarget:
    """One image and where it is read.

    Args:
        repository: the asset's key: as engines print it, or the image's id where it has no name.
        tag: empty where it was named by digest or id alone.
        source: through what it is read.
        ref: what Trivy is asked for: `repository@sha256:…`, an image id, or an archive's path.
        digest: the registry's digest, where one is known.
        image_id: where it is known.
        engine: the engine's address (`unix:///…`) for `docker` and `podman`.
    """

    repository: str
    tag: str
    source: Source
    ref: str
    digest: str = ""
    image_id: str = ""
    engine: str = ""


@dataclass(frozen=True, slots=True)
class ImageShard:
    """Images that one worker scans.

    Args:
        targets: all the images of each repository that has any.
        known: repositories with facts that are in no list any more.
        bases: images that others may be built on, and that are scanned as images of their own.
    """

    targets: tuple[ImageTarget, ...]
    known: tuple[str, ...] = ()
    bases: tuple[Base, ...] = ()

    def to_json(self) -> str:
        """The plan as it is stored with the run."""
        told = {
            "targets": [asdict(one) for one in self.targets],
            "known": self.known,
            "bases": [asdict(one) for one in self.bases],
        }
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "ImageShard":
        """Read a stored plan."""
        plan = json.loads(text)
        bases = tuple(Base(one["name"], tuple(one["layers"]), one["digest"]) for one in plan["bases"])
        return cls(tuple(ImageTarget(**one) for one in plan["targets"]), tuple(plan["known"]), bases)

    def __len__(self) -> int:
        return len(self.targets)


def sights(shard: ImageShard, documents: Sequence[Document], notes: Notes) -> Iterator[Sight]:
    """Yield each repository once: present is what any of its images shows, absent what none of them has.

    Raises:
        BadReport: a document that cannot be read.
    """
    listed: frozenset[str] | None = None
    readings: _Seen = {(one.repository, one.tag, one.ref): [] for one in shard.targets}
    for document in documents:
        if document.media == "sbom":
            continue
        if document.media == "images":
            listed = read_list(document.stream)
            continue
        if document.media != "image":
            raise BadReport(f"no reader for {document.media} among the evidence of images")
        _read(document, readings, shard.bases, notes)
    by_repository: dict[str, list[list[Reading]]] = {name: [] for name in shard.known}
    for (repository, _, _), found in readings.items():
        by_repository.setdefault(repository, []).append(found)
    for repository in sorted(by_repository):
        images = by_repository[repository]
        if not images:
            yield merge(repository, ASKED, _lacked(repository, listed), "no-evidence")
            continue
        yield _joined(repository, [merge(repository, ASKED, found, "no-evidence") for found in images])


def _lacked(repository: str, listed: frozenset[str] | None) -> tuple[Reading, ...]:
    """What an engine's list says of a repository that nobody scanned: gone where it lacks it, and else nothing."""
    if listed is None or repository in listed:
        return ()
    return (Reading(repository, {}, (Look(Verdict.NEGATIVE, _GONE, ASKED),)),)


def read_list(stream: BinaryIO) -> frozenset[str]:
    """The repositories that an engine had.

    Raises:
        BadReport: it is no such list.
    """
    try:
        told = json.loads(stream.read(_LONGEST_LIST))
    except (ValueError, RecursionError):
        told = None
    found = told.get("repositories") if isinstance(told, dict) else None
    if not isinstance(found, list):
        raise BadReport("this is no list of an engine's repositories")
    return frozenset(str(name) for name in found)


def _read(document: Document, readings: _Seen, bases: Sequence[Base], notes: Notes) -> None:
    visit = read_image_visit(document.stream)
    found = readings.get((visit.repository, visit.tag, visit.ref))
    if found is None:
        notes.outside += 1
        return
    report = None
    if not visit.error:
        if document.companion is None:
            raise BadReport(f"a visit to {printable(visit.repository)} that went well brought no report")
        report = read_trivy(document.companion)
    if visit.error or visit.detail:
        name = f"{visit.repository}:{visit.tag}" if visit.tag else visit.repository
        words = ": ".join(word for word in (name, visit.error, visit.detail) if word)
        notes.remarks.add(printable(words, 400))
    found.append(image_reading(visit, report, bases, document.look))


def _joined(repository: str, images: Sequence[Sight]) -> Sight:
    joined = join_addresses(repository, ASKED, images)
    if len(images) == 1:
        return joined
    present = {
        key: worst_of([image.present[key] for image in images if key in image.present]) for key in joined.present
    }
    return replace(joined, present=present)
