"""Open rounds at a container engine: one for its containers, and one for its images."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Event

from blocks.containers import Containers
from estate.containers.engine import EngineImage
from estate.containers.image import WORKS, ImageVisit, read_image_visit
from estate.containers.image_shard import ImageShard, ImageTarget
from estate.containers.layers import Base
from estate.containers.runtime.reading import EngineShard
from estate.errors import BadInput, BadReport, EvidenceError, NothingToAsk
from estate.store.database import home
from estate.store.earlier import earlier_evidence
from estate.store.knowledge import known_assets
from estate.store.leases import me
from estate.store.runs import NewRun, Profile
from estate.store.surroundings import Surroundings
from tasks.containers.api import SOCKET, EngineSaid, address_of, open_engine
from tasks.containers.asker import EngineAsker
from tasks.containers.database import refresh_database
from tasks.containers.engine import list_images, whole
from tasks.containers.image_asker import ImageAsker, Known
from tasks.containers.trivy import Canary, check_database
from tasks.containers.trivy_run import TrivyFailed
from tasks.rounds import Round, making_of, run_id, together

_LISTING_SECONDS = 60.0
_SHARD = 16
"""Images that one lost worker costs; each shard begins with a canary."""
VANTAGE = "inside"


def engine_of(here: Surroundings) -> str:
    """The engine's address: what estate.toml says goes before the environment.

    Raises:
        BadInput: a password stands in it, which would be stored with the run.
    """
    where = address_of(here.manifest.containers.engine or "")
    if "@" in where and ":" in where.partition("//")[2].rpartition("@")[0]:
        raise BadInput("the engine's address holds a password: use a socket, TLS or ssh")
    return where


def vantage_of(where: str) -> str:
    """From where containers are seen: each engine but the usual one sees a world of its own.

    What another engine has, or lacks, says nothing about this one's.
    """
    if where == SOCKET:
        return VANTAGE
    return f"{VANTAGE}-{hashlib.sha256(where.encode()).hexdigest()[:8]}"


@contextmanager
def container_round_of(here: Surroundings, asked: Containers, flow_run_id: str | None) -> Iterator[Round]:
    """Open the run that looks at every container of the engine, and at what became of those that were known.

    Raises:
        NothingToAsk: there is none, and never was.
    """
    now = datetime.now(UTC)
    where = engine_of(here)
    zone = here.default_zone or "default"
    known = tuple(sorted(known_assets(here.database, zone, vantage_of(where), "runtime")))
    if not known and not _has_containers(where):
        raise NothingToAsk(f"{where} has no containers")
    visits = known_visits(here)
    scanned = tuple(sorted((image, one.visit.at) for image, one in visits.items() if one.visit.canary == WORKS))
    shard = EngineShard(where, known, scanned or None)
    new = NewRun(
        id=run_id(flow_run_id, "containers"),
        scan="containers",
        scope=scope_name(where),
        zone=zone,
        vantage=vantage_of(where),
        trigger=asked.trigger,
        profile=Profile("containers"),
        looked_at=now,
        shards=(shard.to_json(),),
        flow_run_id=flow_run_id,
        policy_sha256=here.policy.sha256,
        engine="runtime checks 1",
        choice=f"containers of {where}",
        maker=me(),
    )
    with making_of(here, None, new, EngineAsker, EngineShard.from_json) as round_:
        yield round_


def _has_containers(where: str) -> bool:
    """Whether there is any container; an engine that does not answer may have some."""
    try:
        with open_engine(where, seconds=_LISTING_SECONDS) as api:
            return bool(whole(api.get("containers", "json", all="1"), "containers"))
    except EngineSaid:
        return True


def scope_name(where: str) -> str:
    """How runs call an engine: this machine's own, or by its host."""
    return "this-machine" if where.startswith("unix:") else where.partition("//")[2].partition("/")[0][:60]


@contextmanager
def image_round_of(here: Surroundings, asked: Containers, flow_run_id: str | None) -> Iterator[Round]:
    """Open the run that scans every image of the engine, and tells which of the known ones it has no more.

    Raises:
        CouldNotLook: the engine does not say which images it has.
        NothingToAsk: it has none, and never had.
        BadInput: `only` names what it does not have.
    """
    now = datetime.now(UTC)
    where = engine_of(here)
    zone = here.default_zone or "default"
    images = list_images(where)
    before = known_assets(here.database, zone, vantage_of(where), "image")
    if not before and not any(image.tags or image.digests for image in images):
        raise NothingToAsk(f"{where} has no images")
    targets = tuple(sorted(_targets(images, where, asked.only), key=lambda one: (one.repository, one.tag, one.ref)))
    listed = {one.repository for one in _targets(images, where, ())}
    known = () if asked.only else tuple(sorted(before - listed))
    bases = tuple(Base(image.tags[0], image.layers, image.id) for image in images if image.tags and image.layers)
    shards = [ImageShard(part, bases=bases) for part in together(targets, lambda one: one.repository, _SHARD)]
    if known or not shards:
        shards.append(ImageShard((), known, bases))
    trivy_cache = cache_of(here)
    trivy = words_of(trivy_cache)
    new = NewRun(
        id=run_id(flow_run_id, "images"),
        scan="images",
        scope=scope_name(where),
        zone=zone,
        vantage=vantage_of(where),
        trigger=asked.trigger,
        profile=Profile("images"),
        looked_at=now,
        shards=tuple(shard.to_json() for shard in shards),
        flow_run_id=flow_run_id,
        policy_sha256=here.policy.sha256,
        engine=f"trivy {trivy.trivy}" if trivy.trivy else "",
        intel=f"trivy-db {trivy.database}" if trivy.database else "",
        choice=f"{len(targets)} image{'' if len(targets) == 1 else 's'} of {where}",
        maker=me(),
    )
    earlier = known_visits(here)

    def asker(stop: Event) -> ImageAsker:
        return ImageAsker(where, trivy_cache, here.manifest.containers.database_days, earlier, here.evidence, stop)

    with making_of(here, None, new, asker, ImageShard.from_json) as round_:
        yield round_


def cache_of(here: Surroundings) -> Path:
    """Trivy's folder: what estate.toml says, else one of our own."""
    said = here.manifest.containers.cache
    if said is None:
        return home() / "trivy"
    return here.file(said)


def refresh(here: Surroundings) -> Canary:
    """Bring Trivy's database up to date, from where estate.toml says.

    Raises:
        TrivyFailed: nothing came, or nothing whole; what was there stays in use.
    """
    return refresh_database(cache_of(here), here.manifest.containers.database or "")


def words_of(folder: Path) -> Canary:
    """Trivy's version and its database's; without words where there is no Trivy, which each image then says."""
    try:
        return check_database(folder)
    except TrivyFailed:
        return Canary()


def known_visits(here: Surroundings) -> Mapping[str, Known]:
    """Earlier visits that went well, the newest of each image, by image id."""
    visited = cache(lambda document: _visit(here, document))
    packages: dict[str, str] = {}
    for sbom, document in earlier_evidence(here.database, "images", "sbom"):
        visit = visited(document)
        if visit is not None:
            packages.setdefault(visit.image_id, sbom)
    found: dict[str, Known] = {}
    for document, report in earlier_evidence(here.database, "images", "image"):
        visit = visited(document)
        if visit is not None and not visit.error:
            found.setdefault(visit.image_id, Known(visit, report, packages.get(visit.image_id, "")))
    return found


def _visit(here: Surroundings, document: str) -> ImageVisit | None:
    """A stored visit to an image that is known by its id; None where it cannot be read any more."""
    try:
        with here.evidence.open(document) as stream:
            visit = read_image_visit(stream)
    except (BadReport, EvidenceError):
        return None
    return visit if visit.image_id else None


def _targets(images: Iterable[EngineImage], where: str, only: Sequence[str]) -> Iterator[ImageTarget]:
    """Every name of every image; what lost its name when a tag moved is left to whoever tidies up.

    Raises:
        BadInput: `only` names what the engine does not have.
    """
    found: list[ImageTarget] = []
    for image in images:
        digests = {one.partition("@")[0]: one.partition("@")[2] for one in image.digests}
        names = [(tag.rpartition(":")[0], tag.rpartition(":")[2]) for tag in image.tags] or [
            (name, "") for name in digests
        ]
        found += [
            ImageTarget(repository, tag, "docker", image.id, digests.get(repository, ""), image.id, where)
            for repository, tag in names
        ]
    lacking = set(only) - {name for one in found for name in (one.repository, f"{one.repository}:{one.tag}")}
    if lacking:
        raise BadInput(f"the engine has no image {', '.join(sorted(lacking))}")
    # Only all images of a repository prove what it has no more, so one tag stands for all of them.
    meant = {one.repository for one in found if {one.repository, f"{one.repository}:{one.tag}"} & set(only)}
    yield from (one for one in found if not only or one.repository in meant)
