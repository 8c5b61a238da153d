"""What one look at an engine proves of each container: what runs, its failed checks, and a word on every question."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from estate.assets import Asset
from estate.containers.engine import Container, Engine, EngineLook, read_look
from estate.containers.runtime import BY_ID, CHECKS
from estate.containers.runtime.check import Check, Unseen
from estate.coverage import Keys, Look, Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.findings import Detection, Ruling, Severity
from estate.observations import Attributes, Reading, Sight, join_addresses, merge
from estate.text import printable

RUNS = "container"
ASKED = Keys.of((f"{RUNS}/*", *(f"{check.id}/*" for check in CHECKS)))
_LONGEST = 500
_GONE = "the engine lists it no more"


@dataclass(frozen=True, slots=True)
class EngineShard:
    """One engine, and the containers that were known there before: those that it lists no more are gone."""

    where: str
    known: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The plan as it is stored with the run."""
        return json.dumps({"where": self.where, "known": self.known}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "EngineShard":
        """Read a stored plan."""
        plan = json.loads(text)
        return cls(plan["where"], tuple(plan["known"]))

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
    names = {container.key for _, look in looks for container in look.containers} | set(shard.known)
    for name in sorted(names):
        readings = [reading for number, look in looks if (reading := _reading(name, look, number)) is not None]
        yield merge(name, ASKED, readings, "no-evidence")


def _reading(name: str, look: EngineLook, number: int) -> Reading | None:
    """What a look says of the containers of one name: replicas of a service are told as one."""
    if look.error:
        return Reading(name, {}, (Look(Verdict.BLIND, look.error, ASKED),), number)
    mine = [container for container in look.containers if container.key == name]
    if not mine:
        return Reading(name, {}, (Look(Verdict.NEGATIVE, _GONE, ASKED),), number)
    each = [merge(name, ASKED, (container_reading(one, look.engine, number),)) for one in mine]
    whole = join_addresses(name, ASKED, each)
    return Reading(name, whole.present, (*whole.negative, *whole.silent, *whole.blind), number)


def container_reading(container: Container, engine: Engine, look: int = 0) -> Reading:
    """Read one container through every check."""
    present: dict[str, Attributes] = {f"{RUNS}/image": _image(container)}
    reasons: dict[tuple[Verdict, str], list[str]] = {(Verdict.NEGATIVE, "not-listed"): [f"{RUNS}/*"]}
    for check in CHECKS:
        verdict, reason = _run(check, container, engine, present)
        reasons.setdefault((verdict, reason), []).append(f"{check.id}/*")
    looks = tuple(Look(verdict, reason, Keys.of(keys)) for (verdict, reason), keys in reasons.items())
    return Reading(container.key, present, looks, look)


def _image(container: Container) -> Attributes:
    digest = next((one.rpartition("@")[2] for one in container.image_digests), container.image_id)
    return (("digest", digest), ("image", printable(container.image, _LONGEST)))


def _run(check: Check, container: Container, engine: Engine, present: dict[str, Attributes]) -> tuple[Verdict, str]:
    try:
        for problem in check.run(container, engine):
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
