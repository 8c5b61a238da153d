"""Ask a shard's questions with the tools that fit: nmap alone, or zmap to find and nmap to identify."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from estate.coverage import Keys
from estate.diff import Change, Kind, doubtful
from estate.errors import CouldNotLook, OutOfScope
from estate.evidence import Evidence
from estate.ports.engine import Choice, choose_engine
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

Report = Callable[[float], None]

MOST_DOUBTS = 5_000
"""More keys in doubt than this are no news but an upheaval: the circuit breaker and the next run judge it."""
_PATIENCE = 10.0
_LEAST_SECONDS = 600.0
_MOST_SECOND_LOOKS = 20


def choose(targets: Targets, bound: int, keys: Keys) -> Choice:
    """The engine for this question on this machine."""
    raw = nmap_rights().raw
    zmap = raw and zmap_engine() is not None
    routed = zmap and raw and not bound and len(targets) and _route(targets) is not None
    return choose_engine(len(targets) + bound, keys, raw=raw, zmap=bool(zmap), routed=bool(routed))


def _route(targets: Targets) -> Route | None:
    """The one gateway to all of the targets, or None where there is none."""
    if targets.names or any(":" in word for word in targets.words()):
        return None
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
    """Asks what one run asks; the scope is looked at again before every tool starts."""

    here: Surroundings
    scope: Scope
    profile: Profile
    choice: Choice
    zone: str

    def ask(self, shard: PortShard, folder: Path, report: Report) -> Iterator[Evidence]:
        """Ask a whole shard.

        Raises:
            OutOfScope: the scope does not admit all of it now; nothing was sent.
            ToolFailed, ToolTimedOut, ToolNotAllowed, ToolMissing: a tool did not do its work.
        """
        addresses = self._admitted(shard)
        if not addresses:
            return
        if self.choice.engine == "zmap+nmap":
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
            yield from self._nmap([address], Keys.of(keys), folder, _ignore, versions=False)

    def ask_again(
        self, changes: Iterable[Change], shards: Sequence[tuple[int, PortShard]], folder: Path
    ) -> Iterator[tuple[int, Evidence, int]]:
        """Ask the keys in doubt once more, with more patience: (shard, evidence, keys asked)."""
        changes = list(changes)
        doubts = doubtful(changes)
        if sum(map(len, doubts.values())) > MOST_DOUBTS:
            return
        versions = self.profile.versions and any(change.kind is Kind.CHANGED for change in changes)
        groups: dict[tuple[int, tuple[str, ...]], list[str]] = {}
        for asset, found in doubts.items():
            keys = tuple(key for key in found if key.startswith(("tcp/", "udp/")))
            number, places = _place(asset.key, shards)
            if keys and places:
                groups.setdefault((number, keys), []).extend(places)
        if len(groups) > _MOST_SECOND_LOOKS:
            groups = _merged(groups)
        for (number, keys), addresses in sorted(groups.items()):
            admitted = [str(self.scope.admit(address, _now())) for address in addresses]
            for evidence in self._nmap(admitted, Keys.of(keys), folder, _ignore, versions=versions, patient=True):
                yield number, evidence, len(keys) * len(addresses)

    def _admitted(self, shard: PortShard) -> list[str]:
        """Every address of the shard, each admitted at this very moment."""
        now = _now()
        self.scope.check_valid(now)
        if shard.targets:
            admitted = self.scope.targets(now, shard.targets.words())
            if admitted != shard.targets:
                raise OutOfScope(f"scope {self.scope.name!r} does not admit all of {shard.targets} any more")
        bound = [address for addresses in shard.bindings.values() for address in addresses]
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
    ) -> Iterator[Evidence]:
        """One nmap for each IP version and for fragile hosts, which are never asked for versions."""
        asked = keys
        if self.choice.engine == "nmap-connect":
            asked = _only_tcp(keys)
        groups: dict[tuple[int, bool], list[str]] = {}
        for address in addresses:
            groups.setdefault((ipaddress.ip_address(address).version, self._is_fragile(address)), []).append(address)
        done = 0
        for (_, fragile), members in sorted(groups.items()):
            if not asked:
                continue
            question = NmapQuestion(
                addresses=tuple(members),
                keys=asked,
                technique="connect" if self.choice.engine == "nmap-connect" else "syn",
                pace=self.scope.pace,
                versions=self.profile.versions if versions is None else versions,
                fragile=fragile,
                deadline=self._deadline(len(members), len(asked)),
            )
            for part in (question.again() if patient else question).parts():
                yield ask_nmap(part, folder, on_progress=_part(report, done, len(members), len(addresses)))
            done += len(members)

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
            pace=self.scope.pace,
            interface=route.interface,
            source=route.source,
            gateway_mac=route.gateway_mac,
            deadline=self._deadline(len(shard.targets), len(ports)),
        )
        found = ask_zmap(question, folder, on_progress=lambda share: report(0.8 * share))
        yield from found
        known = known_assets(self.here.database, self.zone, self.scope.vantage, "ports")
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
            declared.asset_for(address, self.zone)
        )

    def _deadline(self, addresses: int, keys: int) -> float:
        """Seconds that a tool may take: many times what its pace needs, and never past the scope's window."""
        now = _now()
        seconds = _LEAST_SECONDS + _PATIENCE * addresses * keys / self.scope.pace
        end = self.scope.open_until(now)
        return seconds if end is None else max(1.0, min(seconds, (end - now).total_seconds()))


def _merged(groups: Mapping[tuple[int, tuple[str, ...]], list[str]]) -> dict[tuple[int, tuple[str, ...]], list[str]]:
    """One question a shard, which asks a little more, instead of a hundred that start a tool each."""
    keys: dict[int, set[str]] = {}
    addresses: dict[int, list[str]] = {}
    for (number, found), members in groups.items():
        keys.setdefault(number, set()).update(found)
        addresses.setdefault(number, []).extend(members)
    return {(number, tuple(sorted(found))): addresses[number] for number, found in keys.items()}


def _place(asset: str, shards: Sequence[tuple[int, PortShard]]) -> tuple[int, tuple[str, ...]]:
    """The shard that asks an asset, and the addresses it asks it at."""
    for number, shard in shards:
        if asset in shard.bindings:
            return number, shard.bindings[asset]
        if asset in shard.targets:
            return number, (asset,)
    return -1, ()


def _answered(found: Iterable[Evidence]) -> Mapping[str, set[str]]:
    """What a sweep saw open, by address."""
    answered: dict[str, set[str]] = {}
    for evidence in found:
        with evidence.path.open("rb") as stream:
            companion = evidence.companion.open("rb") if evidence.companion else None
            try:
                for reading in read_zmap(stream, companion):
                    if reading.present:
                        answered.setdefault(reading.subject, set()).update(reading.present)
            finally:
                if companion is not None:
                    companion.close()
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


def _only_tcp(keys: Keys) -> Keys:
    return _only(keys, "tcp")


def _part(report: Report, done: int, part: int, whole: int) -> Report:
    return lambda share: report((done + share * part) / whole)


def _ignore(_share: float) -> None:
    """Progress that nobody watches."""


def _now() -> datetime:
    return datetime.now(UTC)
