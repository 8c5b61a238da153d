"""A shard of a port sweep: what it asks of whom, and what its evidence proves, subject by subject."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from estate.coverage import NOTHING, Keys, Look, Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes, RepeatedSubjectError
from estate.observations import Reading, Sight, join_addresses, merge
from estate.ports.archive import ARCHIVE, reading_archive, unpack
from estate.ports.nmap import NmapReader, ReportTail
from estate.ports.zmap import read_zmap
from estate.ports.zmap_metadata import holds
from estate.targets import Targets

SEND_REFUSED = "send-refused"
"""How evidence ended whose packets our own kernel refused to send: nmap says so on standard error alone, and its report
calls it silence (tried with an OUTPUT DROP)."""


@dataclass(frozen=True, slots=True)
class PortShard:
    """Targets that are assets of their own, assets with their addresses at send time, and the keys asked of each.

    `unsent` are assets to which nothing could be sent, with the reason.
    """

    targets: Targets
    keys: Keys
    bindings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsent: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The plan as it is stored with the run, so that evidence can be read again without today's settings."""
        return json.dumps(
            {
                "targets": self.targets.words(),
                "keys": str(self.keys),
                "bindings": {asset: list(found) for asset, found in sorted(self.bindings.items())},
                "unsent": dict(sorted(self.unsent.items())),
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> "PortShard":
        """Read a stored plan."""
        plan = json.loads(text)
        bindings = {asset: tuple(found) for asset, found in plan["bindings"].items()}
        return cls(Targets.parse(plan["targets"]), Keys.parse(plan["keys"]), bindings, plan["unsent"])

    def addresses(self) -> Targets:
        """Every address that may be sent to."""
        bound = Targets.parse([address for found in self.bindings.values() for address in found])
        return Targets.parse((*self.targets.words(), *bound.words()))

    def __len__(self) -> int:
        return len(self.targets) + len(self.bindings) + len(self.unsent)

    def __contains__(self, asset: object) -> bool:
        return asset in self.bindings or asset in self.unsent or asset in self.targets


def sights(
    shard: PortShard, documents: Sequence[Document], notes: Notes, hold: Collection[str] = frozenset()
) -> Iterator[Sight]:
    """Yield each asked asset once, with everything the documents prove of it.

    One report is streamed: memory stays flat however many hosts it lists.

    Raises:
        RepeatedSubjectError: at the end, where a streamed report lists hosts twice that are not in `hold`; what was
            yielded does not count, and the caller starts again with them in `hold`.
        BadReport: a document that cannot be read.
    """
    if len(documents) == 1 and documents[0].media == "nmap":
        yield from _stream(shard, documents[0], notes, hold)
    else:
        yield from _gather(shard, documents, notes)


def _stream(shard: PortShard, document: Document, notes: Notes, hold: Collection[str]) -> Iterator[Sight]:
    targets, asked = shard.targets, shard.keys
    owners = _owners(shard)
    seen = bytearray(len(targets))
    held: dict[str, list[Reading]] = {}
    repeated: set[str] = set()
    reader = NmapReader(document.stream, look=document.look)
    if reader.head.asked == asked:
        asked = reader.head.asked  # Of every host the two are compared, and one object is known to be itself.
    for reading in _believed(reader, document, notes):
        subject = _subject(reading, targets)
        if subject in owners or subject in hold:
            held.setdefault(subject, []).append(reading)
            continue
        index = targets.index(subject)
        if index is None:
            notes.outside += 1
        elif seen[index]:
            repeated.add(subject)
        else:
            seen[index] = 1
            yield merge(subject, asked, (reading,))
    if repeated:
        raise RepeatedSubjectError(frozenset(repeated))
    reason = _unreported(reader.tail, document, len(shard), notes)
    for subject in sorted(hold):
        index = targets.index(subject)
        if index is not None and subject in held:
            seen[index] = 1
            yield merge(subject, asked, held[subject], reason)
    yield from _bound(shard, held, reason)
    absent = (Look(Verdict.BLIND, reason, asked),)
    at = seen.find(0)
    if at >= 0:
        for number, subject in enumerate(targets):
            if not seen[number]:
                yield Sight(subject, asked, {}, (), (), absent)


def _gather(shard: PortShard, documents: Sequence[Document], notes: Notes) -> Iterator[Sight]:
    readings: dict[str, list[Reading]] = {}
    reason = "not-in-report" if documents else "no-evidence"
    sweeps: Sweeps = {}
    owners = _owners(shard)
    for document in _runs(documents):
        if document.media == "zmap":
            found = _read_sweep(document, shard.keys, sweeps, notes)
        elif document.media == "nmap":
            reader = NmapReader(document.stream, look=document.look)
            found = list(_believed(reader, document, notes))
            reason = _unreported(reader.tail, document, len(shard), notes)
        else:
            raise BadReport(f"no reader for {document.media} among port evidence")
        for reading in found:
            subject = _subject(reading, shard.targets)
            if subject in owners or subject in shard.targets:
                readings.setdefault(subject, []).append(reading)
            else:
                notes.outside += 1
    silences = _silences(sweeps)
    for subject in shard.targets:
        yield merge(subject, shard.keys, (*readings.get(subject, ()), *_swept(silences, subject)), reason)
    yield from _bound(shard, readings, reason, silences)


def _runs(documents: Iterable[Document]) -> Iterator[Document]:
    """Every document of one run of a tool."""
    for document in documents:
        if document.media == ARCHIVE:
            yield from unpack(document)
        else:
            yield document


Sweeps = dict[tuple[Keys | None, int], dict[tuple[Verdict, str], Keys]]
"""What sweeps say of every address that they sent to, beside the answers, by whom they sent to and in which look.

The runs of one sweep, a port each, are taken together: of most addresses there is nothing else to say.
"""


@dataclass(frozen=True, slots=True)
class Silence:
    """What sweeps to these targets, or to nobody knows whom, say of each of them."""

    targets: Keys | None
    reading: Reading

    def covers(self, address: str) -> bool:
        """Whether they sent to this address, as far as anybody knows."""
        return self.targets is None or holds(self.targets, address)


def _silences(sweeps: Sweeps) -> tuple[Silence, ...]:
    return tuple(
        Silence(targets, Reading("", {}, tuple(Look(*said, keys) for said, keys in found.items()), look))
        for (targets, look), found in sweeps.items()
    )


def _swept(silences: Iterable[Silence], address: str) -> Iterator[Reading]:
    return (silence.reading for silence in silences if silence.covers(address))


def _read_sweep(document: Document, asked: Keys, sweeps: Sweeps, notes: Notes) -> list[Reading]:
    """The hosts that answered; what holds for all others is added to the sweeps."""
    ports = [low for low, high in asked.spans("tcp") if low == high]
    only = ports[0] if len(asked) == len(ports) == 1 else None
    report = read_zmap(document.stream, document.companion, port=only, look=document.look)
    with reading_archive():
        found = list(report)
    verdict = Verdict.SILENT if report.silence else Verdict.BLIND
    if verdict is Verdict.BLIND:
        notes.unfinished.add(report.reason)
    others = sweeps.setdefault((report.targets, document.look), {})
    others[verdict, report.reason] = others.get((verdict, report.reason), NOTHING) | report.asked
    return found


def _bound(
    shard: PortShard,
    readings: Mapping[str, Sequence[Reading]],
    reason: str,
    silences: Sequence[Silence] = (),
) -> Iterator[Sight]:
    """Assets with addresses of their own: a port is closed only where every address says so."""
    for asset, addresses in sorted(shard.bindings.items()):
        parts = [
            merge(asset, shard.keys, (*readings.get(found, ()), *_swept(silences, found)), reason)
            for found in addresses
        ]
        yield join_addresses(asset, shard.keys, parts)
    for asset, why in sorted(shard.unsent.items()):
        yield Sight(asset, shard.keys, {}, (), (), (Look(Verdict.BLIND, why, shard.keys),))


def _believed(readings: Iterable[Reading], document: Document, notes: Notes) -> Iterator[Reading]:
    """What a report says, less the silence of a scanner whose own machine did not let its packets out."""
    if document.ended != SEND_REFUSED:
        yield from readings
        return
    notes.unfinished.add(SEND_REFUSED)
    for reading in readings:
        looks = [
            replace(look, verdict=Verdict.BLIND, reason=SEND_REFUSED) if look.verdict is Verdict.SILENT else look
            for look in reading.looks
        ]
        yield replace(reading, looks=tuple(looks))


def _owners(shard: PortShard) -> frozenset[str]:
    return frozenset(address for found in shard.bindings.values() for address in found)


def _subject(reading: Reading, targets: Targets) -> str:
    """The address, or the name under which the report's maker asked for it."""
    for name, value in reading.notes:
        if name == "asked-as" and value in targets.names:
            return value
    return reading.subject


def _unreported(tail: ReportTail, document: Document, asked: int, notes: Notes) -> str:
    """Why a host that was asked for is not in the report."""
    if not tail.complete:
        reason = document.ended or tail.reason or "truncated"
        notes.unfinished.add(reason)
        return reason if tail.reason in ("", "truncated") and document.ended else tail.reason or "truncated"
    if tail.skipped:
        return "skipped"
    return "host-down" if tail.hosts_total >= asked and tail.hosts_up < tail.hosts_total else "not-in-report"
