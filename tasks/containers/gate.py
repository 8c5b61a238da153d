"""Look at the one image that waits at a gate: find it, scan it by its digest, and ask for its signature."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from estate.containers.image import ImageVisit, read_image_visit
from estate.containers.image_reading import FAMILIES, image_reading
from estate.containers.image_shard import ImageTarget
from estate.containers.policy import Candidate, GatePolicy
from estate.containers.reference import DOCKER_HUB, IMAGE_ID, Reference, read_reference
from estate.containers.signatures import TrustedKey
from estate.containers.trivy import read_trivy
from estate.coverage import Verdict as Seen
from estate.errors import BadReport, BadTarget, CouldNotLook, RegistryError, ToolFailed
from estate.text import printable
from tasks.containers.credentials import Credentials, Named, credentials_for
from tasks.containers.lookup import LocalImage, find_local
from tasks.containers.registry import Registry
from tasks.containers.signing import ask_signature
from tasks.containers.trivy import scan_image

_SECONDS = 900.0
_SHORT_ID = re.compile(r"[0-9a-f]{12,63}\Z")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The image that was meant: where it is read, its name, and where its signatures are."""

    target: ImageTarget
    name: Reference | None
    where: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen of it."""

    waiting: Waiting
    visit: ImageVisit
    candidate: Candidate


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def find_image(text: str, policy: GatePolicy, engine: str) -> Waiting:
    """Find what an operator named: an archive's path, an image of the engine at this address, or a registry's.

    Raises:
        BadTarget: it is the name of nothing.
        CouldNotLook: neither engine nor registry told.
    """
    path = Path(text)
    if _is_file(path):
        if printable(text, 4_096) != text:
            raise BadTarget(f"{printable(text, 200)}: rename the file, whose name is no text")
        return Waiting(ImageTarget(path.name, "", "archive", str(path.absolute())), None, "archive")
    if text.startswith(("./", "../", "/", "~")) or text.endswith((".tar", ".tar.gz", ".tgz")):
        raise BadTarget(f"{text[:200]} is no file")
    is_id = IMAGE_ID.match(text) is not None or _SHORT_ID.match(text) is not None
    name = None if IMAGE_ID.match(text) else read_reference(text)
    silent = None
    try:
        local = find_local(engine, text)
    except CouldNotLook as error:
        local, silent = None, error
    if local is not None:
        return _of_engine(local, None if is_id and not _names(local, name) else name, engine)
    if name is None:
        raise silent or ToolFailed(f"the engine at {engine} has no image {text[:80]}")
    try:
        with Registry(name.host, login_of(name.host, policy)) as registry:
            digest = registry.resolve(name)
    except RegistryError as error:
        aside = f"; {silent}" if silent else "; the engine does not have it either"
        raise type(error)(f"{error}{aside}") from None
    ref = f"{name.familiar}@{digest}"
    return Waiting(ImageTarget(name.familiar, name.tag, "remote", ref, digest), name, "registry")


def look(
    waiting: Waiting,
    policy: GatePolicy,
    keys: Sequence[TrustedKey],
    exploited: frozenset[str] | None,
    cache: Path,
) -> Looked:
    """Scan it, and ask for its signature where the policy wants one; how it went is in what is returned."""
    host = waiting.name.host if waiting.name else ""
    with TemporaryDirectory(prefix="roundsman-gate-") as made, _trivy_login(waiting, policy, Path(made)):
        found = scan_image(waiting.target, Path(made), cache=cache, deadline=_SECONDS, cancelled=None)
        evidence = next(one for one in found if one.media == "image")
        with evidence.path.open("rb") as stream:
            visit = read_image_visit(stream)
        report = None
        if evidence.companion is not None and not visit.error:
            try:
                with evidence.companion.open("rb") as stream:
                    report = read_trivy(stream)
            except BadReport as error:
                raise ToolFailed(str(error)) from None
    reading = image_reading(visit, report)
    told = f"{visit.error}: {visit.detail}" if visit.detail else visit.error
    blind = {
        family: told or look.reason
        for family in FAMILIES
        for look in reading.looks
        if look.verdict is Seen.BLIND and f"{family}/*" in look.keys
    }
    signature = None
    digest = waiting.target.digest
    if policy.signatures is not None and waiting.name is not None and digest:
        with Registry(host, login_of(host, policy)) as registry:
            signature = ask_signature(registry, waiting.name.repository, digest, keys)
    candidate = Candidate(
        waiting.name,
        read_moment(visit.created),
        dict(visit.labels),
        reading.present,
        blind,
        read_moment(visit.database),
        exploited,
        signature,
    )
    return Looked(waiting, visit, candidate)


def login_of(host: str, policy: GatePolicy) -> Credentials | None:
    """A registry's credentials, as the policy names them or docker keeps them."""
    return credentials_for(host, tuple(Named(one.host, one.user_env, one.password_env) for one in policy.logins))


def read_moment(text: str) -> datetime | None:
    """A time as Go writes it, with nanoseconds; what lies before containers were made is none."""
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if found.year > 1 else None


def _names(local: LocalImage, name: Reference | None) -> bool:
    return name is not None and str(name) in local.tags


def _of_engine(local: LocalImage, name: Reference | None, engine: str) -> Waiting:
    if name is None:
        return Waiting(ImageTarget(local.id, "", "docker", local.id, "", local.id, engine), None, "engine")
    digest = name.digest or local.digest_in(name.familiar)
    target = ImageTarget(name.familiar, name.tag, "docker", local.id, digest, local.id, engine)
    return Waiting(target, name, "engine")


@contextmanager
def _trivy_login(waiting: Waiting, policy: GatePolicy, folder: Path) -> Iterator[None]:
    """Let Trivy, which pulls by itself, know the credentials that the policy names.

    In a file of docker's kind that ends with the scan: TRIVY_PASSWORD is split at spaces and commas.
    """
    named = next((one for one in policy.logins if waiting.name and one.host == waiting.name.host), None)
    found = login_of(named.host, policy) if named else None
    if waiting.target.source != "remote" or named is None or found is None:
        yield
        return
    place = folder / "login"
    place.mkdir(mode=0o700)
    host = "https://index.docker.io/v1/" if named.host == DOCKER_HUB else named.host
    told = {"auths": {host: {"auth": found.basic().removeprefix("Basic ")}}}
    (place / "config.json").write_text(json.dumps(told))
    before = os.environ.get("DOCKER_CONFIG")
    os.environ["DOCKER_CONFIG"] = str(place)
    try:
        yield
    finally:
        del os.environ["DOCKER_CONFIG"]
        if before is not None:
            os.environ["DOCKER_CONFIG"] = before
