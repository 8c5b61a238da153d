"""Ask a shard's questions with the tools that fit: nmap alone, or zmap to find and nmap to identify."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from estate.coverage import Keys
from estate.diff import Change, Kind
from estate.errors import CouldNotLook, EvidenceNotStored, OutOfScope, ToolFailed, ToolTimedOut
from estate.evidence import Evidence
from estate.ports.archive import ARCHIVE, pack
from estate.ports.engine import Choice, choose_engine
from estate.ports.nmap import NmapReader
from estate.ports.rules import is_tarpit
from estate.ports.shard import PortShard
from estate.ports.zmap import read_zmap
from estate.scope import Scope
from estate.store.knowledge import known_assets
from estate.store.runs import Profile
from estate.store.surroundings import Surroundings
from estate.targets import Targets
from tasks.ports import (
    NmapQuestion,
    Route,
    ZmapQuestion,
    ask_nmap,
    ask_zmap,
    nmap_engine,
    nmap_rights,
    route_to,
    zmap_engine,
)
from tasks.second_looks import doubts_of
from tasks.wanted import by_family

Report = Callable[[float], None]

_PATIENCE = 10.0
_LEAST_SECONDS = 600.0
_MOST_FOR_ONE_HOST = 300.0


def choose(targets: Targets, keys: Keys) -> Choice:
    """The engine for this question on this machine; declared assets and IPv6 addresses are always asked by nmap."""
    raw = nmap_rights().raw
    if not raw:
        return choose_engine(len(targets), keys, raw=False, zmap=False, routed=False)
    sweepable, _ = by_family(targets)
    zmap = zmap_engine() is not None
    routed = zmap and len(sweepable) > 0 and _route(sweepable) is not None
    return choose_engine(len(sweepable or targets), keys, raw=True, zmap=zmap, routed=routed)


def _route(targets: Targets) -> Route | None:
    """The one gateway to all of these IPv4 addresses, or None where there is none."""
    try:
        return route_to(*targets.words())
    except CouldNotLook:
        return None


def engine_words(choice: Choice) -> str:
    """The tools with their versions, as a run records them."""
    tool, version = nmap_engine()
    words = [f"{tool} {version}"]
    sweeper = zmap_engine() if choice.engine == "zmap+nmap" else None
    if sweeper is not None:
        words.append(" ".join(sweeper))
    return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks what one run asks; the scope is looked at again before every tool starts, and `stop` ends every tool.

    `lanes` is how many shards may be asked side by side: they share the scope's pace.
    """

    here: Surroundings
    scope: Scope
    profile: Profile
    choice: Choice
    lanes: int
    stop: Event

    def ask(self, shard: PortShard, folder: Path, report: Report) -> Iterator[Evidence]:
        """Ask a whole shard.

        Raises:
            OutOfScope: the scope does not admit all of it now; nothing was sent.
            ToolFailed, ToolTimedOut, ToolNotAllowed, ToolMissing: a tool did not do its work.
        """
        addresses = self._admitted(shard)
        if not addresses:
            return
        if self.choice.engine == "zmap+nmap" and shard.targets and not by_family(shard.targets)[1]:
            yield from self._sweep(shard, folder, report)
        else:
            yield from self._nmap(addresses, shard.keys, folder, report)

    def ask_canaries(self, folder: Path) -> Iterator[Evidence]:
        """Ask the endpoints whose state is known."""
        by_address: dict[str, list[str]] = {}
        for address, key, _ in self.profile.canaries:
            self.scope.admit(address, _now())
            by_address.setdefault(address, []).append(key)
        for address, keys in by_address.items():
            yield from self._nmap([address], Keys.of(keys), folder, _ignore, versions=False, alone=True)

    def ask_again(
        self, changes: Iterable[Change], shards: Sequence[tuple[int, PortShard]], folder: Path
    ) -> Iterator[tuple[int, Evidence, int]]:
        """Ask the keys in doubt once more, with more patience: (shard, evidence, keys asked)."""
        changes = list(changes)
        versions = self.profile.versions and any(change.kind is Kind.CHANGED for change in changes)
        for doubt in doubts_of(changes, shards):
            admitted = [str(self.scope.admit(address, _now())) for address in doubt.addresses]
            asked = self._nmap(admitted, doubt.keys, folder, _ignore, versions=versions, patient=True, alone=True)
            for evidence in asked:
                yield doubt.shard, evidence, len(doubt.keys) * len(doubt.addresses)

    def _admitted(self, shard: PortShard) -> list[str]:
        """Every address of the shard, each admitted at this very moment."""
        now = _now()
        self.scope.check_valid(now)
        if shard.targets:
            admitted = self.scope.targets(now, shard.targets.words())
            if admitted != shard.targets:
                raise OutOfScope(f"scope {self.scope.name!r} does not admit all of {shard.targets} any more")
        bound = dict.fromkeys(address for addresses in shard.bindings.values() for address in addresses)
        for address in bound:
            self.scope.admit(address, now)
        return [*bound, *shard.targets]

    def _nmap(
        self,
        addresses: Sequence[str],
        keys: Keys,
        folder: Path,
        report: Report,
        *,
        versions: bool | None = None,
        patient: bool = False,
        alone: bool = False,
    ) -> Iterator[Evidence]:
        """One nmap for each protocol, IP version and for fragile hosts, which are never asked for versions."""
        asked = _only(keys, "tcp") if self.choice.engine == "nmap-connect" else keys
        if not asked:
            return
        groups: dict[tuple[int, bool], list[str]] = {}
        for address in addresses:
            groups.setdefault((ipaddress.ip_address(address).version, self._is_fragile(address)), []).append(address)
        pace = self.scope.pace if alone else self._pace
        done = 0
        for (_, fragile), members in sorted(groups.items()):
            question = NmapQuestion(
                addresses=tuple(members),
                keys=asked,
                technique="connect" if self.choice.engine == "nmap-connect" else "syn",
                pace=pace,
                versions=False,
                fragile=fragile,
                deadline=self._deadline(len(members) * len(asked), pace),
            )
            for part in (question.again() if patient else question).parts():
                said = _part(report, done, len(members), len(addresses))
                evidence = ask_nmap(part, folder, cancelled=self.stop, on_progress=said)
                yield evidence
                check_ended(evidence)
                if not fragile and (self.profile.versions if versions is None else versions):
                    yield from self._identify(part, evidence, folder)
            done += len(members)

    def _identify(self, asked: NmapQuestion, evidence: Evidence, folder: Path) -> Iterator[Evidence]:
        """Ask what answered which service it is, in a run of its own: a host on which everything answers would keep
        its whole group from being reported."""
        # Whatever a report speaks of: only who was asked, and so admitted, is asked again.
        opened = open_ports(evidence, len(asked.keys))
        found = {address: opened[address] for address in asked.addresses if address in opened}
        if not found:
            return
        keys = Keys.of({key for ports in found.values() for key in ports})
        identify = replace(
            asked,
            addresses=tuple(found),
            keys=keys,
            versions=True,
            deadline=self._deadline(len(found) * len(keys), asked.pace),
            host_timeout=_MOST_FOR_ONE_HOST,
        )
        identified = ask_nmap(identify, folder, cancelled=self.stop)
        yield identified
        if identified.ended != "deadline":
            check_ended(identified)

    def _sweep(self, shard: PortShard, folder: Path, report: Report) -> Iterator[Evidence]:
        """zmap finds what answers; nmap asks that, and everything of hosts on which something was ever seen."""
        route = _route(shard.targets)
        if route is None:
            raise CouldNotLook(f"there is no longer one gateway to {shard.targets}")
        ports = tuple(port for low, high in shard.keys.spans("tcp") for port in range(low, high + 1))
        question = ZmapQuestion(
            networks=_networks(shard.targets),
            exclusions=(),
            ports=ports,
            pace=self._pace,
            interface=route.interface,
            source=route.source,
            gateway_mac=route.gateway_mac,
            deadline=self._deadline(len(shard.targets) * len(ports), self._pace),
        )
        found = ask_zmap(question, folder, cancelled=self.stop, on_progress=lambda share: report(0.8 * share))
        yield _together(found, folder)
        if any(evidence.ended == "cancelled" for evidence in found):
            raise ToolFailed("zmap did not finish (cancelled)")
        known = known_assets(self.here.database, self.scope.zone, self.scope.vantage, "ports")
        answered = _answered(found)
        old = [address for address in shard.targets if address in known]
        new = sorted(address for address in answered if address not in known and address in shard.targets)
        if old:
            yield from self._nmap(old, shard.keys, folder, _ignore)
        report(0.9)
        if new:
            ports_found = Keys.of({key for address in new for key in answered[address]})
            yield from self._nmap(new, ports_found, folder, _ignore)
        udp = _only(shard.keys, "udp")
        rest = [address for address in shard.targets if address not in known]
        if udp and rest:
            yield from self._nmap(rest, udp, folder, _ignore)

    def _is_fragile(self, address: str) -> bool:
        declared = self.here.manifest.declared
        return self.scope.is_fragile(ipaddress.ip_address(address)) or declared.is_fragile(
            declared.asset_for(address, self.scope.zone)
        )

    @property
    def _pace(self) -> int:
        """What one of the shards that are asked side by side may send."""
        return max(1, self.scope.pace // self.lanes)

    def _deadline(self, questions: int, pace: int) -> float:
        """Seconds that a tool may take: many times what its pace needs, and never past the scope's window."""
        now = _now()
        seconds = _LEAST_SECONDS + _PATIENCE * questions / pace
        end = self.scope.open_until(now)
        return seconds if end is None else max(1.0, min(seconds, (end - now).total_seconds()))


def check_ended(evidence: Evidence) -> None:
    """Refuse to take a question for asked whose tool was ended.

    Raises:
        ToolTimedOut, ToolFailed: it was; what it brought counts.
    """
    if evidence.ended == "deadline":
        raise ToolTimedOut(f"{evidence.media} passed its deadline before it had asked everything")
    if evidence.ended:
        raise ToolFailed(f"{evidence.media} did not finish ({evidence.ended})")


def open_ports(evidence: Evidence, asked: int) -> dict[str, tuple[str, ...]]:
    """What a scan saw open, by address, without hosts on which everything answers."""
    with evidence.path.open("rb") as stream:
        return {
            reading.subject: tuple(reading.present)
            for reading in NmapReader(stream)
            if reading.present and not is_tarpit(len(reading.present), asked)
        }


def _together(runs: Sequence[Evidence], folder: Path) -> Evidence:
    """The runs of a sweep as one document: what a run of ours writes follows its shards, not its ports."""
    archive = folder / "sweep.tar"
    try:
        with archive.open("wb") as out:
            pack(runs, out)
    except OSError as error:
        raise EvidenceNotStored(f"the results of a sweep cannot be put together: {error}") from error
    return Evidence(ARCHIVE, archive, ended=next((run.ended for run in runs if run.ended), ""))


def _answered(found: Iterable[Evidence]) -> Mapping[str, set[str]]:
    """What a sweep saw open, by address."""
    answered: dict[str, set[str]] = {}
    for evidence in found:
        with ExitStack() as opened:
            stream = opened.enter_context(evidence.path.open("rb"))
            companion = opened.enter_context(evidence.companion.open("rb")) if evidence.companion else None
            for reading in read_zmap(stream, companion):
                if reading.present:
                    answered.setdefault(reading.subject, set()).update(reading.present)
    return answered


def _networks(targets: Targets) -> tuple[str, ...]:
    """Targets as networks, which is what zmap reads."""
    found: list[str] = []
    for word in targets.words():
        first, dash, last = word.partition("-")
        if dash:
            blocks = ipaddress.summarize_address_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
            found.extend(str(block) for block in blocks)
        else:
            found.append(word)
    return tuple(found)


def _only(keys: Keys, family: str) -> Keys:
    return keys & Keys.parse(f"{family}/*")


def _part(report: Report, done: int, part: int, whole: int) -> Report:
    return lambda share: report((done + share * part) / whole)


def _ignore(_share: float) -> None:
    """Progress that nobody watches."""


def _now() -> datetime:
    return datetime.now(UTC)
