"""Scan the images of a round one by one; where neither image nor database changed, earlier evidence is told again."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

from estate.containers.image import WORKS, ImageVisit, spell_image_visit
from estate.containers.image_shard import ImageShard, ImageTarget
from estate.diff import Change
from estate.errors import EvidenceError
from estate.evidence import Evidence, EvidenceStore
from tasks.containers.canary import Canary, aged, check_database
from tasks.containers.engine import list_images
from tasks.containers.trivy import rate_sbom, scan_image
from tasks.containers.trivy_run import TrivyFailed

_DEADLINE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier visit that went well, where its report lies, and its list of packages where that was kept."""

    visit: ImageVisit
    report: str
    packages: str = ""


@dataclass(frozen=True, slots=True)
class ImageAsker:
    """Asks Trivy of images of the engine at `where`, by a database of at most so many days; `known` are by image id."""

    where: str
    cache: Path
    days: int
    known: Mapping[str, Known]
    evidence: EvidenceStore
    stop: Event

    def ask(self, shard: ImageShard, folder: Path, report: Callable[[float], None]) -> Iterator[Evidence]:
        """Scan every image of a shard; each brings a document, also where Trivy could not look."""
        if shard.known:
            yield self._list(folder)
        canary = self._canary() if shard.targets else None
        for done, target in enumerate(shard.targets, 1):
            if self.stop.is_set():
                return
            again = self._again(target, canary, folder)
            if again:
                yield from again
            else:
                yield from scan_image(
                    target,
                    folder,
                    cache=self.cache,
                    deadline=_DEADLINE_SECONDS,
                    cancelled=self.stop,
                    canary=canary,
                    days=self.days,
                )
            report(done / len(shard.targets))

    def ask_canaries(self, _folder: Path) -> Iterator[Evidence]:
        """Each batch has its own: a package whose vulnerability every database knows."""
        yield from ()

    def ask_again(
        self,
        changes: Iterable[Change],  # noqa: ARG002  # the protocol's signature
        shards: Sequence[tuple[int, ImageShard]],  # noqa: ARG002  # as above
        folder: Path,  # noqa: ARG002  # as above
    ) -> Iterator[tuple[int, Evidence, int]]:
        """Nothing: an image is the same bytes however often one looks."""
        yield from ()

    def _list(self, folder: Path) -> Evidence:
        """The repositories that the engine has: what it lacks is gone by this, and by nothing else."""
        images = list_images(self.where)
        found = {name.rpartition(":")[0] for image in images for name in image.tags}
        found |= {name.partition("@")[0] for image in images for name in image.digests}
        path = Path(mkdtemp(prefix="list-", dir=folder)) / "images.json"
        path.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "repositories": sorted(found)}))
        return Evidence("images", path)

    def _canary(self) -> Canary | None:
        try:
            return aged(check_database(self.cache, cancelled=self.stop), self.days, datetime.now(UTC))
        except TrivyFailed:
            return None  # each image says so in its own document

    def _again(self, target: ImageTarget, canary: Canary | None, folder: Path) -> list[Evidence]:
        """The earlier report, or its packages rated by another database; nothing where the image has to be scanned."""
        known = self.known.get(target.image_id) if target.image_id else None
        if known is None or not known.packages or canary is None or canary.verdict != WORKS or not canary.database:
            return []
        before = known.visit
        if before.trivy != canary.trivy or before.canary != WORKS:
            return []
        home = Path(mkdtemp(prefix="again-", dir=folder))
        report, packages = home / "report.json", home / "packages.cdx.json"
        try:
            self._copy(known.report, report)
            self._copy(known.packages, packages)
        except EvidenceError:
            return []
        told = replace(
            before,
            repository=target.repository,
            tag=target.tag,
            source=target.source,
            ref=target.ref,
            digest=target.digest or before.digest,
            at=datetime.now(UTC),
            scanned_at=before.scanned_at or before.at,
        )
        visit = home / "visit.json"
        visit.write_bytes(spell_image_visit(told))
        # The list of packages goes with each run, so that it is kept as long as somebody may rate it again.
        kept = Evidence("sbom", packages, visit)
        if before.database == canary.database:
            return [Evidence("image", visit, report), kept]
        rated = rate_sbom(
            packages,
            told,
            report,
            folder,
            cache=self.cache,
            deadline=_DEADLINE_SECONDS,
            cancelled=self.stop,
            canary=canary,
            days=self.days,
        )
        return [*rated, kept]

    def _copy(self, sha256: str, path: Path) -> None:
        with self.evidence.open(sha256) as stored, path.open("wb") as copy:
            shutil.copyfileobj(stored, copy)
