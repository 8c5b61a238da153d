"""The four sentences of a port sweep: open a run, ask its shards, look again where in doubt, settle."""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, Protocol, TypeVar

from blocks.sweep import Sweep
from estate.diff import DOUBTFUL, Breaker, Cause, Certainty, Change, Kind
from estate.errors import CouldNotLook, OutOfScope, RoundsmanError
from estate.evidence import Evidence
from estate.ports.shard import PortShard
from estate.scope import Scope, read_ports
from estate.store.knowledge import suspected
from estate.store.leases import me
from estate.store.replay import CANARY_SHARD
from estate.store.resuming import made
from estate.store.runs import (
    NewRun,
    Profile,
    Stored,
    add_evidence,
    end_shard,
    evidence_of,
    run_named,
    set_state,
    shards_of,
)
from estate.store.scans import scan_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks import progress
from tasks.asking import Asker, choose, engine_words
from tasks.making import Interrupted, Making
from tasks.ports import nmap_rights
from tasks.wanted import admit, plan, without_excluded

T = TypeVar("T")

MOST_LANES = 4
"""So many shards are asked side by side: each waits for silent hosts most of the time."""
_BETWEEN_LOOKS_SECONDS = 2.0
_TAKE_OVER_WITHIN = timedelta(hours=6)


class Asks(Protocol):
    """What a kind of scan must be able to ask; plans are its own."""

    def ask(self, shard: Any, folder: Path, report: Callable[[float], None]) -> Iterator[Evidence]:
        """Ask a whole shard."""

    def ask_canaries(self, folder: Path) -> Iterator[Evidence]:
        """Ask the endpoints whose state is known."""

    def ask_again(
        self,
        changes: Iterable[Change],
        shards: Sequence[tuple[int, Any]],
        folder: Path,
    ) -> Iterator[tuple[int, Evidence, int]]:
        """Ask the keys in doubt once more: (shard, evidence, keys asked)."""


@dataclass(frozen=True, slots=True)
class Round:
    """A run that is being made, with all that asking needs."""

    here: Surroundings
    scope: Scope | None
    run: Run
    asker: "Asks"
    making: Making
    plan_of: Callable[[str], Any] = PortShard.from_json

    @property
    def seq(self) -> int:
        """The run's number."""
        return self.making.seq

    @property
    def shards(self) -> list[int]:
        """The numbers of the shards that are not asked yet."""
        return [shard.number for shard in shards_of(self.here.database, self.seq) if shard.state != "asked"]


def run_id(flow_run_id: str | None, of: str = "") -> str:
    """The run's id: the same flow run opens the same run, or one of each kind that it makes; any other is new."""
    if not flow_run_id:
        return uuid.uuid4().hex
    return uuid.uuid5(uuid.NAMESPACE_URL, ":".join(filter(None, ("prefect", flow_run_id, of)))).hex


def together(items: Iterable[T], key: Callable[[T], object], size: int) -> Iterator[tuple[T, ...]]:
    """Parts of about this size; neighbours with one key stay together, since only all of them prove anything."""
    part: list[T] = []
    for _, group in groupby(items, key):
        mine = list(group)
        if part and len(part) + len(mine) > size:
            yield tuple(part)
            part = []
        part += mine
    if part:
        yield tuple(part)


def clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@contextmanager
def round_of(here: Surroundings, sweep: Sweep, flow_run_id: str | None, own_port: int | None = None) -> Iterator[Round]:
    """Admit the targets, plan the shards and open the run; or go on with the same run of a maker that died.

    When the block ends, however it does, every tool that it started ends too.

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
    declared = here.manifest.scope_named(sweep.scope or None)
    declared.check_valid(now)
    bindings = here.bindings(declared.zone)
    scope = without_excluded(declared, bindings)
    wanted = admit(scope, bindings, sweep.only, now)
    keys = read_ports(sweep.ports) if sweep.ports else scope.asked
    versions = sweep.asks_versions(scope.versions)
    choice = choose(wanted.targets, keys)
    canaries = tuple((canary.address, canary.port, canary.expect) for canary in scope.canaries)
    breaker = Breaker(scope.breaker.share, scope.breaker.at_least)
    if choice.engine == "nmap-connect" and keys.spans("udp"):
        rights = nmap_rights()
        wanted = replace(wanted, warnings=(*wanted.warnings, f"UDP is not asked: {rights.why}; {rights.grant}"))
    profile = Profile(str(keys), versions, scope.silences, breaker, canaries)
    new = NewRun(
        id=run_id(flow_run_id),
        scan="ports",
        scope=scope.name,
        zone=scope.zone,
        vantage=scope.vantage,
        trigger=sweep.trigger,
        profile=profile,
        looked_at=now,
        shards=tuple(shard.to_json() for shard in plan(wanted, keys, choice.engine, own_port)),
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
    lanes = min(MOST_LANES, max(1, len(new.shards)), scope.pace)
    with making_of(here, scope, new, lambda stop: Asker(here, scope, profile, choice, lanes, stop)) as round_:
        yield round_


@contextmanager
def making_of(
    here: Surroundings,
    scope: Scope | None,
    new: NewRun,
    asker: Callable[[Event], Asks],
    plan_of: Callable[[str], Any] = PortShard.from_json,
) -> Iterator[Round]:
    """Open the run, or go on with the same one of a maker that died, and keep it ours until the block ends."""
    now = new.looked_at
    with made(here.database, new, now - _TAKE_OVER_WITHIN, now) as make:
        making = Making(here.database, make.run.seq or 0, make.hold)
        round_ = Round(here, scope, make.run, asker(making.stop), making, plan_of)
        if make.resumed:
            _say_resumed(round_, new.flow_run_id)
        with _registered(round_), making.alive():
            yield round_


@contextmanager
def _registered(round_: Round) -> Iterator[None]:
    """Let tasks find the round by its run's id."""
    run = round_.run.id
    shards = shards_of(round_.here.database, round_.seq)
    progress.start(run, len(shards), done=[shard.number for shard in shards if shard.state == "asked"])
    _LAST.append(run)
    _OPENED[run] = round_
    try:
        yield
    finally:
        del _OPENED[run]
        progress.finish(run)


_OPENED: dict[str, Round] = {}
_LAST: list[str] = []


def opened(run: str) -> Round:
    """The round of that run, which this process makes: tasks are handed ids, never big things.

    Raises:
        Interrupted: it does so no more.
    """
    if run not in _OPENED:
        raise Interrupted("the run was interrupted; the next one goes on with it")
    return _OPENED[run]


def opened_yet() -> tuple[str, ...]:
    """The ids of the runs that this process opened, in order."""
    return tuple(_LAST)


def _say_resumed(round_: Round, flow_run_id: str | None) -> None:
    shards = shards_of(round_.here.database, round_.seq)
    asked = sum(shard.state == "asked" for shard in shards)
    set_state(round_.here.database, round_.seq, round_.run.state, flow_run_id=flow_run_id)
    _warn(
        round_,
        f"goes on with a run of {round_.run.looked_at:%Y-%m-%d %H:%M:%S} UTC whose maker died: "
        f"{asked} of its {len(shards)} shards were asked then",
    )


def _warn(round_: Round, *words: str) -> None:
    run = run_named(round_.here.database, round_.run.id)
    warnings = list(dict.fromkeys((*json.loads(run.warnings), *words)))
    set_state(round_.here.database, round_.seq, run.state, warnings=json.dumps(warnings))


def ask_shard(round_: Round, number: int) -> None:
    """Ask one shard, and store what comes before anybody reads it.

    Raises:
        ToolTimedOut, ToolFailed: what was found so far is stored; asking again may find the rest.
        StoreBusy: somebody else asks this shard for too long.
        ScopeNotValid, OutOfScope: the scope does not allow it any more.
        Interrupted: the whole run was ended.
    """
    with round_.making.shard(number) as shard:
        if shard is None:
            return
        plan = round_.plan_of(shard.plan)
        brought: set[str] = set()
        try:
            with TemporaryDirectory(prefix="roundsman-") as folder:
                for evidence in round_.asker.ask(
                    plan, Path(folder), lambda share: progress.report(round_.run.id, number, share)
                ):
                    brought.add(store(round_, number, 0, evidence))
        except BaseException as error:
            words = str(error) if isinstance(error, RoundsmanError) else f"{type(error).__name__}: {error}"
            if not round_.making.lost:
                end_shard(round_.here.database, round_.seq, number, words[:500])
            if isinstance(error, CouldNotLook):
                round_.making.check()
            raise
        end_shard(round_.here.database, round_.seq, number, brought=brought)
        progress.report(round_.run.id, number, 1.0)


def ask_canaries(round_: Round) -> None:
    """Look at the endpoints whose state is known, in the same run: they prove that we can see.

    Asked before the shards and after them, since it is the scan itself that gets a scanner locked out.
    """
    looks = [row.look for row in evidence_of(round_.here.database, round_.seq).get(CANARY_SHARD, ())]
    with TemporaryDirectory(prefix="roundsman-") as folder:
        try:
            for evidence in round_.asker.ask_canaries(Path(folder)):
                store(round_, CANARY_SHARD, max(looks, default=-1) + 1, evidence)
        except (CouldNotLook, OutOfScope) as error:
            round_.making.check()
            _warn(round_, f"the canaries could not be asked: {error}")


def look_again(round_: Round) -> int:
    """Ask once more, slowly, only where something seems to have changed.

    A run that somebody started to confirm goes on looking at what keeps silent until that is enough to say "gone", so
    that a fix behind a firewall that drops is seen today.

    Returns:
        How many keys were asked again.
    """
    if round_.run.trigger != "confirm":
        return _look(round_, 1, DOUBTFUL)
    silent = _suspected(round_)
    asked = _look(round_, 1, DOUBTFUL, silent)
    for look in range(2, Profile.from_json(round_.run.profile).silences):
        round_.making.stop.wait(_BETWEEN_LOOKS_SECONDS)
        asked += _look(round_, look, frozenset({Kind.SUSPECTED_GONE}), silent)
    return asked


def _suspected(round_: Round) -> tuple[Change, ...]:
    """What earlier runs found silent, as changes: a run that finds it silent once more tells nothing of it."""
    aspect = scan_named(round_.run.scan).aspect
    return tuple(
        Change(Kind.SUSPECTED_GONE, Cause.ESTATE, Certainty.SUSPECTED, asset, aspect, key, fact, fact, "silent")
        for asset, key, fact in suspected(round_.here.database, round_.run, aspect)
    )


def _look(round_: Round, look: int, kinds: Set[Kind], silent: tuple[Change, ...] = ()) -> int:
    """One more look, which is a favour: where it fails, the run is judged by the looks before."""
    round_.making.check()
    run = run_named(round_.here.database, round_.run.id)
    changes = [*round_.here.settler(clock).preview(run, kinds), *silent]
    if not changes or run.canary.startswith("failed"):
        return 0
    asked = 0
    plans = [(shard.number, round_.plan_of(shard.plan)) for shard in shards_of(round_.here.database, round_.seq)]
    with TemporaryDirectory(prefix="roundsman-") as folder:
        try:
            for number, evidence, keys in round_.asker.ask_again(changes, plans, Path(folder)):
                store(round_, number, look, evidence)
                asked += keys
        except (CouldNotLook, OutOfScope) as error:
            round_.making.check()
            _warn(round_, f"the second look did not come to its end: {error}")
    return asked


def settle(round_: Round) -> Run:
    """Coverage to facts to changes to findings, from the stored evidence; what kept shards from being asked is said."""
    round_.making.check()
    errors = [shard.error for shard in shards_of(round_.here.database, round_.seq) if shard.error]
    settled = round_.here.settler(clock).settle(run_named(round_.here.database, round_.run.id))
    if errors:
        count = f" ({len(errors)} shards)" if len(errors) > 1 else ""
        message = "; ".join(filter(None, (settled.message, f"{errors[0]}{count}")))
        set_state(round_.here.database, round_.seq, settled.state, message=message)
    return run_named(round_.here.database, round_.run.id)


def store(round_: Round, shard: int, look: int, evidence: Evidence) -> str:
    """Store a document, and say under which name."""
    kept = round_.here.evidence
    ref = kept.put(evidence.path)
    companion = kept.put(evidence.companion) if evidence.companion else None
    stored = Stored(shard, look, evidence.media, ref, companion, evidence.ended, round_.run.engine)
    add_evidence(round_.here.database, round_.seq, [stored], clock())
    return ref.sha256
