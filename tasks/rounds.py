"""The four sentences of a port sweep: open a run, ask its shards, look again where in doubt, settle."""

import uuid
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import sleep

from blocks.sweep import Sweep
from estate.assets import parse_asset
from estate.coverage import NOTHING, Keys
from estate.diff import DOUBTFUL, Breaker, Kind
from estate.errors import OutOfScope, StoreBusy
from estate.evidence import Evidence
from estate.ports.plan import Engine, plan_shards
from estate.ports.shard import PortShard
from estate.scope import Scope, read_ports
from estate.store.leases import me
from estate.store.runs import (
    NewRun,
    Profile,
    Stored,
    add_evidence,
    end_shard,
    lease_shard,
    open_run,
    renew_shard,
    run_named,
    set_state,
    shards_of,
    unfinished_run,
)
from estate.store.settlement import CANARY_SHARD, Settled
from estate.store.surroundings import Surroundings
from estate.store.tables import Run, Shard
from estate.targets import Targets
from tasks import progress
from tasks.asking import Asker, choose, engine_words
from tasks.names import resolve
from tasks.ports.nmap_scan import nmap_rights

LEASE_SECONDS = 60.0
_BEAT_SECONDS = 15.0
_BETWEEN_LOOKS_SECONDS = 2.0
_TAKE_OVER_WITHIN = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Round:
    """A run that is being made, with all that asking needs."""

    here: Surroundings
    scope: Scope
    run: Run
    asker: Asker

    @property
    def seq(self) -> int:
        """The run's number."""
        return self.run.seq or 0

    @property
    def shards(self) -> list[int]:
        """The numbers of the shards that are not asked yet."""
        return [shard.number for shard in shards_of(self.here.database, self.seq) if shard.state != "asked"]


def clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def open_round(here: Surroundings, sweep: Sweep, flow_run_id: str | None, own_port: int | None = None) -> Round:
    """Admit the targets, plan the shards and open the run; or take over the same run from a maker that died.

    Args:
        here: where the estate, the database and the evidence are.
        sweep: what an operator asks for.
        flow_run_id: the same one opens the same run.
        own_port: where this very run's own temporary Prefect server listens on loopback: it comes and goes with the
            run and is no part of the estate, so it is not asked.

    Raises:
        OutOfScope: nothing of what was asked for may be touched now.
        BadTarget: a word is no target.
    """
    now = clock()
    declared = here.manifest.scope_named(sweep.scope)
    declared.check_valid(now)
    scope = declared.excluding({name: resolve(name) for name in declared.excluded_names})
    wanted = _admit(here, scope, sweep.only, now)
    keys = read_ports(sweep.ports) if sweep.ports else scope.asked
    versions = scope.versions if sweep.versions is None else sweep.versions
    choice = choose(wanted.targets, len(wanted.bindings), keys)
    canaries = tuple((canary.address, canary.port, canary.expect) for canary in scope.canaries)
    breaker = Breaker(scope.breaker.share, scope.breaker.at_least)
    if choice.engine == "nmap-connect" and keys.spans("udp"):
        rights = nmap_rights()
        wanted = replace(wanted, warnings=(*wanted.warnings, f"UDP is not asked: {rights.why}; {rights.grant}"))
    profile = Profile(str(keys), versions, scope.silences, breaker, canaries)
    shards = _plan(wanted, keys, choice.engine, own_port)
    new = NewRun(
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"prefect:{flow_run_id}").hex if flow_run_id else uuid.uuid4().hex,
        scan="ports",
        scope=scope.name,
        zone=scope.zone,
        vantage=scope.vantage,
        trigger=sweep.trigger,
        profile=profile,
        looked_at=now,
        shards=tuple(shard.to_json() for shard in shards),
        scope_sha256=declared.sha256,
        scope_body=declared.words,
        flow_run_id=flow_run_id,
        policy_sha256=here.policy.sha256,
        engine=engine_words(choice),
        choice=f"{choice.engine}: {choice.why}",
        floor=scope.floor,
        warnings=wanted.warnings,
        maker=me(),
    )
    run = unfinished_run(here.database, new, now - _TAKE_OVER_WITHIN, now) or open_run(here.database, new, now)
    set_state(here.database, run.seq or 0, run.state, maker=me()) if run.state == "asking" else None
    progress.start(run.id, len(shards))
    _LAST.append(run.id)
    round_ = _OPENED[run.id] = Round(here, scope, run, Asker(here, scope, profile, choice, run.zone))
    return round_


_OPENED: dict[str, Round] = {}
_LAST: list[str] = []


def opened(run: str) -> Round:
    """The round of that run, which this process opened: tasks are handed ids, never big things."""
    return _OPENED[run]


def last_opened() -> str | None:
    """The id of the run that this process opened last."""
    return _LAST[-1] if _LAST else None


def close(run: str) -> Run:
    """Forget the round, and give its run as it ended."""
    return run_named(_OPENED.pop(run).here.database, run)


def _plan(wanted: "Wanted", keys: Keys, engine: Engine, own_port: int | None) -> tuple[PortShard, ...]:
    own = Keys.of((f"tcp/{own_port}",)) & keys if own_port else NOTHING
    loopback = Targets.parse([word for word in ("127.0.0.1", "::1") if own and word in wanted.targets] or [])
    rest = wanted.targets.without(loopback) if loopback else wanted.targets
    shards = plan_shards(rest, keys, wanted.bindings, wanted.unsent, engine)
    return (*plan_shards(loopback, keys - own, {}, {}, engine), *shards) if loopback else shards


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be asked, sorted by what stands behind it."""

    targets: Targets
    bindings: Mapping[str, tuple[str, ...]]
    unsent: Mapping[str, str]
    warnings: tuple[str, ...]


def _admit(here: Surroundings, scope: Scope, only: tuple[str, ...], now: datetime) -> Wanted:
    """Everything that is asked for and admitted, with names resolved now: tools get addresses, never names."""
    declared = here.bindings(scope.zone)
    words = [word for each in only for word in _words_of(each, declared)]
    targets = scope.targets(now, words)
    bindings: dict[str, tuple[str, ...]] = {}
    unsent: dict[str, str] = {}
    warnings: list[str] = []
    refusals: list[OutOfScope] = []
    for name in targets.names:
        addresses = resolve(name)
        try:
            admitted = tuple(str(address) for address in scope.admit_name(name, addresses, now))
        except OutOfScope as error:
            refusals.append(error)
            unsent[name] = "out-of-scope"
            warnings.append(str(error))
            continue
        if admitted:
            bindings[name] = admitted
        else:
            unsent[name] = "unresolved"
            warnings.append(f"{name} has no address now")
    for asset, addresses in declared.items():
        inside = tuple(address for address in addresses if address in targets)
        if inside and asset not in bindings:
            bindings[asset] = inside
    bound = {address for addresses in bindings.values() for address in addresses}
    left = targets.without({*bound, *targets.names})
    if refusals and not left and not bindings:
        raise refusals[0]
    return Wanted(left, bindings, unsent, tuple(warnings))


def _words_of(word: str, declared: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The addresses of a declared asset, an asset's key, or the word itself."""
    text = word
    if word.startswith("host:"):
        text = parse_asset(word).key
    return declared.get(text, (text,))


def ask_shard(round_: Round, number: int) -> None:
    """Ask one shard, and store what comes before anybody reads it.

    Raises:
        ToolTimedOut, ToolFailed: what was found so far is stored; asking again may find the rest.
        StoreBusy: somebody else asks this shard for too long.
        ScopeNotValid, OutOfScope: the scope does not allow it any more.
    """
    with _leased(round_, number) as shard:
        if shard is None:
            return
        plan = PortShard.from_json(shard.plan)
        try:
            with TemporaryDirectory(prefix="roundsman-") as folder:
                for evidence in round_.asker.ask(
                    plan, Path(folder), lambda share: progress.report(round_.run.id, number, share)
                ):
                    _store(round_, number, 0, evidence)
        except BaseException as error:
            end_shard(round_.here.database, round_.seq, number, f"{type(error).__name__}: {error}"[:500])
            raise
        end_shard(round_.here.database, round_.seq, number)
        progress.report(round_.run.id, number, 1.0)


def ask_canaries(round_: Round) -> None:
    """Look at the endpoints whose state is known, in the same run: they prove that we can see."""
    with TemporaryDirectory(prefix="roundsman-") as folder:
        for evidence in round_.asker.ask_canaries(Path(folder)):
            _store(round_, CANARY_SHARD, 0, evidence)


def look_again(round_: Round) -> int:
    """Ask once more, slowly, only where something seems to have changed.

    A run that somebody started to confirm goes on looking at what keeps silent until that is enough to say "gone", so
    that a fix behind a firewall that drops is seen today.

    Returns:
        How many keys were asked again.
    """
    asked = _look(round_, 1, DOUBTFUL)
    if round_.run.trigger == "confirm":
        for look in range(2, Profile.from_json(round_.run.profile).silences):
            sleep(_BETWEEN_LOOKS_SECONDS)
            asked += _look(round_, look, frozenset({Kind.SUSPECTED_GONE}))
    return asked


def _look(round_: Round, look: int, kinds: Set[Kind]) -> int:
    changes = [change for change in round_.here.settler(clock).preview(round_.run) if change.kind in kinds]
    if not changes:
        return 0
    asked = 0
    with TemporaryDirectory(prefix="roundsman-") as folder:
        plans = [
            (shard.number, PortShard.from_json(shard.plan)) for shard in shards_of(round_.here.database, round_.seq)
        ]
        for number, evidence, keys in round_.asker.ask_again(changes, plans, Path(folder)):
            _store(round_, number, look, evidence)
            asked += keys
    return asked


def settle(round_: Round) -> Settled:
    """Coverage to facts to changes to findings, from the stored evidence."""
    return round_.here.settler(clock).settle(run_named(round_.here.database, round_.run.id))


def _store(round_: Round, shard: int, look: int, evidence: Evidence) -> None:
    store = round_.here.evidence
    ref = store.put(evidence.path)
    companion = store.put(evidence.companion) if evidence.companion else None
    stored = Stored(shard, look, evidence.media, ref, companion, evidence.ended, round_.run.engine)
    add_evidence(round_.here.database, round_.seq, [stored], clock())


@contextmanager
def _leased(round_: Round, number: int) -> Iterator[Shard | None]:
    """Hold a shard while asking; None where somebody else asked it meanwhile."""
    database, seq = round_.here.database, round_.seq
    holder = f"{me()}/{uuid.uuid4().hex[:8]}"
    for _ in range(int(LEASE_SECONDS * 60)):
        if lease_shard(database, seq, number, holder, clock(), LEASE_SECONDS):
            break
        if shards_of(database, seq)[number].state == "asked":
            yield None
            return
        sleep(1)
    else:
        raise StoreBusy(f"shard {number} is asked by another worker that does not end")
    ended = Event()

    def beat() -> None:
        while not ended.wait(_BEAT_SECONDS):
            renew_shard(database, seq, number, holder, clock(), LEASE_SECONDS)

    heart = Thread(target=beat, name=f"shard-{number}", daemon=True)
    heart.start()
    try:
        yield shards_of(database, seq)[number]
    finally:
        ended.set()
        heart.join()
