"""Scan images with Trivy, rate their package lists again, and know whether its database sees anything at all."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from threading import Event

from estate.containers.image import ImageVisit, spell_image_visit
from estate.containers.image_shard import ImageTarget
from estate.errors import BadReport
from estate.evidence import Evidence
from estate.text import printable
from tasks.containers.archive import Archive, open_archive
from tasks.containers.canary import Canary, aged, check_database, database_of, prove_database
from tasks.containers.engine_export import export
from tasks.containers.report import Report, load_report
from tasks.containers.trivy_run import SERVER, Patience, TrivyFailed, holding, run_trivy

__all__ = ["Canary", "TrivyFailed", "check_database", "rate_sbom", "scan_image"]


def scan_image(
    target: ImageTarget,
    folder: Path,
    *,
    cache: Path,
    deadline: float,
    cancelled: Event | None,
    canary: Canary | None = None,
    days: int | None = None,
) -> list[Evidence]:
    """Scan one image; there is a visit in any case, and an SBOM where it went well.

    Args:
        target: the image.
        folder: where evidence is put.
        cache: Trivy's cache directory, for one scan at a time.
        deadline: how many seconds all of it may take.
        cancelled: set by another thread to end it.
        canary: what `check_database` said for this batch; asked anew where the database is another one by now.
        days: how old the database may be; any age without it.
    """
    home = Path(mkdtemp(prefix="image-", dir=folder))
    visit = ImageVisit(
        target.repository,
        target.tag,
        datetime.now(UTC),
        target.source,
        target.ref,
        digest=target.digest,
        image_id=target.image_id,
    )
    patience = Patience(deadline, cancelled)

    def work() -> list[Evidence]:
        nonlocal visit
        with TemporaryDirectory(prefix="work-", dir=folder) as work_folder, holding(cache, patience):
            visit = _by_database(visit, canary, days, cache, patience)
            archive, settings = _source(target, Path(work_folder), patience)
            report = _scanned(archive, target, settings, cache, Path(work_folder), patience)
            if archive is not None:
                visit = replace(
                    visit, image_id=target.image_id or archive.image_id, layers=archive.layers, guessed=archive.guessed
                )
            visit = report.complete(visit)
            if os.environ.get(SERVER):
                # Whatever others had it keep of these layers stands for them.
                visit = replace(visit, unsearched=visit.guessed)
            sbom = _sbom(report, home, cache, Path(work_folder), patience)
        return [*_evidence(visit, report.stored(), home), Evidence("sbom", sbom, _written(visit, home / "of.json"))]

    return _typed(work, lambda error: _failed(visit, error, home))


def rate_sbom(
    sbom: Path,
    visit: ImageVisit,
    report: Path,
    folder: Path,
    *,
    cache: Path,
    deadline: float,
    cancelled: Event | None,
    canary: Canary | None = None,
    days: int | None = None,
) -> list[Evidence]:
    """Rate an image's packages by today's database, without the image: its secrets and configuration are as they were.

    Args:
        sbom: the stored SBOM.
        visit: the visit that it was made at.
        report: that visit's stored report.
        folder: where evidence is put.
        cache: Trivy's cache directory.
        deadline: how many seconds all of it may take.
        cancelled: set by another thread to end it.
        canary: what `check_database` said for this batch.
        days: how old the database may be; any age without it.
    """
    home = Path(mkdtemp(prefix="rating-", dir=folder))
    now = replace(visit, at=datetime.now(UTC), scanned_at=visit.scanned_at or visit.at, error="", detail="")
    patience = Patience(deadline, cancelled)

    def work() -> list[Evidence]:
        nonlocal now
        with TemporaryDirectory(prefix="work-", dir=folder) as work_folder, holding(cache, patience):
            now = _by_database(now, canary, days, cache, patience)
            output = Path(work_folder) / "rated.json"
            settings = {"TRIVY_FORMAT": "json", "TRIVY_OUTPUT": str(output), "TRIVY_LIST_ALL_PKGS": "true"}
            run_trivy(("sbom", str(sbom.absolute())), settings, cache, patience)
            rated = load_report(report).rated_by(load_report(output))
        return _evidence(now, rated.stored(), home)

    return _typed(work, lambda error: _failed(now, error, home))


def _by_database(
    visit: ImageVisit, canary: Canary | None, days: int | None, cache: Path, patience: Patience
) -> ImageVisit:
    """The visit with the database that is there now, and whether it is to be trusted."""
    same = canary is not None and canary.database == database_of(cache, patience)
    asked = canary if canary is not None and same else prove_database(cache, patience)
    asked = asked if days is None else aged(asked, days, visit.at)
    return replace(visit, trivy=asked.trivy, database=asked.database, canary=asked.verdict)


def _typed(work: Callable[[], list[Evidence]], failed: Callable[[TrivyFailed], list[Evidence]]) -> list[Evidence]:
    try:
        return work()
    except TrivyFailed as error:
        return failed(error)
    except BadReport as error:
        return failed(TrivyFailed("truncated", str(error)))


def _failed(visit: ImageVisit, error: TrivyFailed, home: Path) -> list[Evidence]:
    told = replace(visit, error=error.word, detail=printable(error.detail, 500))
    return [Evidence("image", _written(told, home / "visit.json"), ended=error.word)]


def _evidence(visit: ImageVisit, report: Report, home: Path) -> list[Evidence]:
    return [Evidence("image", _written(visit, home / "visit.json"), report.write(home / "trivy.json"))]


def _written(visit: ImageVisit, path: Path) -> Path:
    path.write_bytes(spell_image_visit(visit))
    return path


def _source(target: ImageTarget, work: Path, patience: Patience) -> tuple[Archive | None, dict[str, str]]:
    """What Trivy is to read: an archive that was looked through, or a source of its own."""
    if target.source == "archive" or (target.source in {"docker", "podman"} and target.engine.startswith("unix://")):
        path = Path(target.ref)
        if target.source != "archive":
            path = work / "saved.tar"
            export(target.engine, target.ref, path, patience)
        try:
            archive = open_archive(path, work)
        except BadReport as error:
            word = "bad-archive" if path.is_file() else "not-found"
            raise TrivyFailed(word, printable(str(error), 300)) from None
        return archive, {"TRIVY_INPUT": str(archive.path.absolute())}
    # What Trivy keeps of a layer that it takes for a base knows no secrets, and would stand for that layer in the base.
    settings: dict[str, str] = {"TRIVY_IMAGE_SRC": target.source, "TRIVY_CACHE_BACKEND": "memory"}
    if target.engine:
        settings[f"TRIVY_{target.source.upper()}_HOST"] = target.engine
    return None, settings


def _scanned(
    archive: Archive | None, target: ImageTarget, settings: dict[str, str], cache: Path, work: Path, patience: Patience
) -> Report:
    output = work / "trivy.json"
    if archive is None and target.ref.startswith("-"):
        raise TrivyFailed("not-found", "no image is named like an option")
    everything = {
        **settings,
        "TRIVY_FORMAT": "json",
        "TRIVY_OUTPUT": str(output),
        "TRIVY_SCANNERS": "vuln,secret,misconfig",
        "TRIVY_IMAGE_CONFIG_SCANNERS": "misconfig,secret",
        "TRIVY_LIST_ALL_PKGS": "true",
    }
    run_trivy(("image",) if archive else ("image", target.ref), everything, cache, patience)
    return load_report(output)


def _sbom(report: Report, home: Path, cache: Path, work: Path, patience: Patience) -> Path:
    """The packages as Trivy's own CycloneDX, which it rates as it rates the image; another tool's it does not."""
    path = home / "sbom.cdx.json"
    packages = report.packages().write(work / "packages.json")
    settings = {"TRIVY_FORMAT": "cyclonedx", "TRIVY_OUTPUT": str(path)}
    run_trivy(("convert", str(packages.absolute())), settings, cache, patience)
    return path


def _today(canary: Canary | None, cache: Path, patience: Patience) -> Canary:
    """What was said for this batch, unless the database is another one by now."""
    if canary is not None and canary.database == database_of(cache, patience):
        return canary
    return prove_database(cache, patience)
