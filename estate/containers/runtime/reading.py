"""What one look at an engine proves of each container: what runs, its failed checks, and a word on every question."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from estate.assets import Asset
from estate.containers.engine import Container, Engine, EngineLook, read_look
from estate.containers.runtime import BY_ID, CHECKS
from estate.containers.runtime.check import Check, Unseen, need
from estate.containers.runtime.unscanned import MOST_DAYS, Scans
from estate.coverage import Keys, Look, Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.findings import Detection, Ruling, Severity
from estate.observations import Attributes, Reading, Sight, join_addresses, merge
from estate.text import printable

RUNS = "container"
ASKED = Keys.of((f"{RUNS}/*", *(f"{check.id}/*" for check in CHECKS)))
_LONGEST = 500
_LONGEST_NAME = 255
_MOST_OF_A_CHECK = 1_000
_GONE = "the engine lists it no more"


@dataclass(frozen=True, slots=True)
class EngineShard:
    """One engine, and the containers that were known there before: those that it lists no more are gone.

    `scanned` are image ids with when each was last scanned, as the planner knew it; without it R41 is blind.
    """

    where: str
    known: tuple[str, ...] = ()
    scanned: tuple[tuple[str, datetime], ...] | None = None
    most_days: int = MOST_DAYS

    def to_json(self) -> str:
        """The plan as it is stored with the run."""
        scanned = None if self.scanned is None else {image: at.isoformat() for image, at in self.scanned}
        told = {"where": self.where, "known": self.known, "scanned": scanned, "most_days": self.most_days}
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "EngineShard":
        """Read a stored plan."""
        plan = json.loads(text)
        scanned = plan["scanned"]
        times = None if scanned is None else tuple((one, datetime.fromisoformat(at)) for one, at in scanned.items())
        return cls(plan["where"], tuple(plan["known"]), times, plan["most_days"])

    def __len__(self) -> int:
        return 1


def sights(shard: EngineShard, documents: Sequence[Document], notes: Notes) -> Iterator[Sight]:
    """Yield each container once, of one look or several at the engine.

    Raises:
        BadReport: a document that cannot be read.
    """
    looks: list[tuple[int, EngineLook]] = []
    for document in documents:
        if document.media != "engine":
            raise BadReport(f"no reader for {document.media} among the evidence of engines")
        look = read_look(document.stream)
        if look.error:
            notes.remarks.add(f"{look.where}: {look.error}{': ' if look.detail else ''}{printable(look.detail, 300)}")
        looks.append((document.look, look))
    grouped = [(number, look, _by_name(look)) for number, look in looks]
    names = {name for _, _, found in grouped for name in found} | set(shard.known)
    for name in sorted(names):
        readings = [_reading(name, look, found.get(name, ()), number, shard) for number, look, found in grouped]
        yield merge(name, ASKED, readings, "no-evidence")


def _by_name(look: EngineLook) -> dict[str, list[Container]]:
    found: dict[str, list[Container]] = {}
    for container in look.containers:
        found.setdefault(key_of(container), []).append(container)
    return found


def key_of(container: Container) -> str:
    """The key of the container's asset."""
    return printable(container.key, _LONGEST_NAME) or "-"


def _reading(name: str, look: EngineLook, mine: Sequence[Container], number: int, shard: EngineShard) -> Reading:
    """What a look says of the containers of one name: replicas of a service are told as one."""
    broken = (Look(Verdict.BLIND, look.error, ASKED),) if look.error else ()
    if not mine:
        return Reading(name, {}, broken or (Look(Verdict.NEGATIVE, _GONE, ASKED),), number)
    checks = _checks(look, shard)
    each = [merge(name, ASKED, (container_reading(one, look.engine, number, checks),)) for one in mine]
    whole = join_addresses(name, ASKED, each)
    # Of a look that broke off only what was seen is sure: another replica may have been next.
    return Reading(name, whole.present, broken or (*whole.negative, *whole.silent, *whole.blind), number)


def _checks(look: EngineLook, shard: EngineShard) -> tuple[Check, ...]:
    if shard.scanned is None:
        return CHECKS
    scans = Scans(dict(shard.scanned), look.at, shard.most_days)
    return tuple(replace(check, run=scans.run) if check.id == Scans.check else check for check in CHECKS)


def container_reading(container: Container, engine: Engine, look: int = 0, checks: Sequence[Check] = CHECKS) -> Reading:
    """Read one container through every check."""
    name = key_of(container)
    try:
        need(container, "inspect")
    except Unseen as unseen:
        return Reading(name, {}, (Look(Verdict.BLIND, unseen.reason, ASKED),), look)
    present: dict[str, Attributes] = {f"{RUNS}/image": _image(container)}
    reasons: dict[tuple[Verdict, str], list[str]] = {(Verdict.NEGATIVE, "not-listed"): [f"{RUNS}/*"]}
    for check in checks:
        verdict, reason = _run(check, container, engine, present)
        reasons.setdefault((verdict, reason), []).append(f"{check.id}/*")
    looks = tuple(Look(verdict, reason, Keys.of(keys)) for (verdict, reason), keys in reasons.items())
    return Reading(name, present, looks, look)


def _image(container: Container) -> Attributes:
    """What runs: the id alone tells whether it is another image, since a push gives the same one a digest."""
    told = {"id": container.image_id, "image": container.image}
    repository = container.image.partition("@")[0]
    head, _, last = repository.rpartition("/")
    repository = f"{head}/{last.partition(':')[0]}".removeprefix("/")
    digests = sorted(one.rpartition("@")[2] for one in container.image_digests if one.startswith(f"{repository}@"))
    if digests:
        told["digest"] = digests[0]
    return tuple(sorted((name, printable(value, _LONGEST)) for name, value in told.items()))


def _run(check: Check, container: Container, engine: Engine, present: dict[str, Attributes]) -> tuple[Verdict, str]:
    try:
        for number, problem in enumerate(check.run(container, engine)):
            if number >= _MOST_OF_A_CHECK:
                return Verdict.BLIND, "too-many"
            key = f"{check.id}/{printable(problem.detail, _LONGEST) or '-'}"
            present[key] = (
                ("evidence", printable(problem.evidence, _LONGEST)),
                ("severity", problem.severity.value),
            )
    except Unseen as unseen:
        return Verdict.BLIND, unseen.reason
    return Verdict.NEGATIVE, "passed"


def finding(asset: Asset, key: str, value: Attributes, detection: Detection) -> Ruling | None:
    """What the state of a fact means; what runs is no finding by itself."""
    family, _, detail = key.partition("/")
    check = BY_ID.get(family)
    if check is None:
        return None
    told = dict(value)
    severity = Severity(told.get("severity", Severity.MEDIUM.value))
    subject = f"{check.title}: {asset.key} ({detail})"
    return Ruling(check.rule, asset, key, severity, detection, subject, told.get("evidence", ""))
