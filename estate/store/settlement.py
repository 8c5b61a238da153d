"""Settle a run: coverage to facts to changes to findings, staged part by part and published with one flip."""

import json
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from estate.coverage import Verdict
from estate.diff import Change, Kind, Rules
from estate.errors import BadInput, BadReport, EvidenceError, StoreError
from estate.evidence import EvidenceStore, Notes, RepeatedSubjectError
from estate.policy import Policy
from estate.store.breaker import agreeing, quarantine_note
from estate.store.cycles import rarely_searched
from estate.store.database import Database
from estate.store.history import PUBLISHED, Series, engine_changed, has_later, intel_changed, last_run
from estate.store.inventory import bind
from estate.store.leases import SETTLEMENT, Hold, leased
from estate.store.recording import take_back, unstage
from estate.store.relations import apply_relations
from estate.store.renaming import apply_names
from estate.store.replay import Replay
from estate.store.rows import CHANGE, COVERAGE, RUN
from estate.store.runs import Profile, set_state, shards_of
from estate.store.scans import scan_named
from estate.store.staging import Staging, parts, stage_part
from estate.store.tables import Run, Shard
from estate.store.upkeep import apply_policy, apply_scope

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Settled:
    """How settling ended: the run's state, and what an operator should know."""

    run: Run
    state: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Settler:
    """Everything that settling needs: where things are kept, what is right, and what time it is."""

    database: Database
    evidence: EvidenceStore
    policy: Policy
    clock: Clock

    def settle(self, run: Run, *, accept: bool = False) -> Settled:
        """Settle a run from its stored evidence; one that is published already is only checked.

        Args:
            run: asked, quarantined or published.
            accept: publish what the circuit breaker holds back.

        Raises:
            BadInput: the run was cancelled or discarded.
            BadReport, EvidenceError: evidence cannot be read, is missing or altered; nothing changed, and the run can
                be settled once the evidence is back.
            StoreBusy: another settlement goes on for too long.
        """
        with leased(self.database, SETTLEMENT) as hold:
            self._take_back(hold)
            current = self._current(run)
            if current.state in PUBLISHED:
                return self._check(current)
            if current.state == "quarantined" and not accept:
                return Settled(current, "quarantined", current.message)
            if current.state == "cancelled":
                raise BadInput(f"run {current.id} was cancelled or discarded; it cannot be settled")
            settled = self._settle(current, hold, accept=accept)
            if settled.state == "quarantined":
                return self._settle_confirmed(settled, hold)
            return settled

    def preview(self, run: Run, kinds: Set[Kind] = frozenset(Kind)) -> list[Change]:
        """What settling would say now, without writing anything: what a second look should look at.

        Args:
            run: what was asked so far.
            kinds: those that are wanted; a first run has more of the others than one wants to hold at once.
        """
        run.canary = Replay.of(self.database, self.evidence, run).canary(run)

        def fresh() -> Staging:
            staging = self._staging(run)
            staging.preview, staging.previewed = [], kinds
            return staging

        return self._stage_all(fresh, None, Notes()).preview or []

    def discard(self, run: Run) -> Settled:
        """Answer a quarantine with no: the run is kept with its evidence, and changes nothing for ever.

        Raises:
            BadInput: the run is not quarantined.
        """
        with leased(self.database, SETTLEMENT) as hold:
            self._take_back(hold)
            current = self._current(run)
            if current.state != "quarantined":
                raise BadInput(f"run {current.id} is {current.state}, not quarantined")
            message = f"discarded: {current.message.partition('. Answer with')[0]}"
            set_state(self.database, current.seq or 0, "cancelled", message=message, ended_at=self.clock())
            return Settled(self._current(run), "cancelled", message)

    def _settle(self, run: Run, hold: Hold, *, accept: bool) -> Settled:
        seq = run.seq or 0
        try:
            run.canary = Replay.of(self.database, self.evidence, run).canary(run)
            with self._writing(hold) as connection:
                connection.execute(update(RUN).where(RUN.c.seq == seq).values(state="settling", canary=run.canary))
            notes = Notes()
            staging = self._stage_all(lambda: self._staging(run), hold, notes)
            breaker = Profile.from_json(run.profile).breaker
            if not accept and breaker.trips(staging.totals.closings, staging.totals.present):
                return self._quarantine(run, staging, hold)
            return self._publish(staging, notes, hold)
        except BaseException as error:
            why = {"message": f"not settled: {error}"} if isinstance(error, (BadReport, EvidenceError)) else {}
            # Where this cannot be written either, or another process took over, the next settlement takes it back.
            with suppress(StoreError), self._writing(hold) as connection:
                unstage(connection, seq)
                connection.execute(update(RUN).where(RUN.c.seq == seq).values(state=run.state, **why))
            raise

    @contextmanager
    def _writing(self, hold: Hold) -> Iterator[Connection]:
        """A transaction that is ours alone to make."""
        with self.database.write() as connection:
            hold.keep(connection)
            yield connection

    def _stage_all(self, fresh: Callable[[], Staging], hold: Hold | None, notes: Notes) -> Staging:
        """Stage, or only read where nobody holds anything, every shard of the run.

        Args:
            fresh: makes an empty staging; a report that names hosts twice is begun a second time.
            hold: the settlement, for a run that may be written.
            notes: what is noticed on the way.
        """
        repeated: frozenset[str] = frozenset()
        while True:
            staging = fresh()
            replay = Replay.of(self.database, self.evidence, staging.run)
            try:
                for shard in shards_of(self.database, staging.seq):
                    self._stage(staging, shard, replay, notes, repeated, hold)
                return staging
            except RepeatedSubjectError as found:
                # Held back this time: what was staged of them is not the whole truth.
                repeated |= found.subjects
                notes.outside = 0
                if hold is not None:
                    with self._writing(hold) as connection:
                        unstage(connection, staging.seq)

    def _stage(
        self, staging: Staging, shard: Shard, replay: Replay, notes: Notes, repeated: frozenset[str], hold: Hold | None
    ) -> None:
        with rarely_searched(), replay.documents(shard.number) as documents:
            sights = staging.scan.sights(shard.plan, documents, notes, repeated)
            for number, part in enumerate(parts(sights)):
                # Reading ahead by one subject happens outside the transaction, the rest inside of it.
                with self.database.read() if hold is None else self._writing(hold) as connection:
                    stage_part(connection, staging, shard.number, number, part)
                    if number == 0 and hold is not None:
                        bindings = staging.scan.bindings(shard.plan)
                        bind(connection, staging.run, staging.scan.kind, bindings, late=staging.late)

    def _staging(self, run: Run) -> Staging:
        scan = scan_named(run.scan)
        series = Series(run.zone, run.vantage, run.scan, scan.aspect)
        with self.database.read() as connection:
            before = last_run(connection, series, run)
            late = has_later(connection, series, run)
            rules = Rules(
                Profile.from_json(run.profile).silences,
                engine_changed(connection, series, run),
                intel_changed(connection, series, run),
            )
        return Staging(
            run,
            scan,
            series,
            self.policy,
            rules,
            blind_because="canary" if run.canary.startswith("failed") else "",
            first=before is None,
            late=late,
            policy_changed=before is not None and not late and before.policy_sha256 != self.policy.sha256,
        )

    def _quarantine(self, run: Run, staging: Staging, hold: Hold) -> Settled:
        seq, totals = run.seq or 0, staging.totals
        message = (
            f"{totals.closings} of {totals.present} known facts would be gone: nothing was closed. "
            f"Answer with `roundsman settle {run.id[:12]} --accept` or `--discard`"
        )
        with self._writing(hold) as connection:
            unstage(connection, seq)
            note = quarantine_note(connection, staging)
            connection.execute(
                update(RUN)
                .where(RUN.c.seq == seq)
                .values(**_numbers(staging), state="quarantined", message=message, quarantine=note)
            )
        return Settled(self._current(run), "quarantined", message)

    def _settle_confirmed(self, settled: Settled, hold: Hold) -> Settled:
        """Settle runs that say the same, of which the last one saw everything: the first counts, the others agree."""
        with self.database.read() as connection:
            confirmed = agreeing(connection, settled.run)
        for run in confirmed:
            self._settle(run, hold, accept=True)
        current = self._current(settled.run)
        return Settled(current, current.state, current.message)

    def _publish(self, staging: Staging, notes: Notes, hold: Hold) -> Settled:
        run = staging.run
        state = _state(staging)
        message = _message(staging, state)
        with self._writing(hold) as connection:
            if not staging.late:
                apply_scope(connection, staging)
                apply_names(connection, staging)
                apply_policy(connection, staging)
            apply_relations(connection, staging)
            warnings = [*json.loads(run.warnings), *_warnings(notes)]
            connection.execute(
                update(RUN)
                .where(RUN.c.seq == run.seq)
                .values(
                    **_numbers(staging),
                    state=state,
                    message=message,
                    ended_at=self.clock(),
                    policy_sha256=self.policy.sha256,
                    warnings=json.dumps(list(dict.fromkeys(warnings))),
                    quarantine="",
                )
            )
        return Settled(self._current(run), state, message)

    def _check(self, run: Run) -> Settled:
        """Read a published run's evidence again and compare what it proves with what is stored; write nothing."""

        def fresh() -> Staging:
            staging = self._staging(run)
            staging.check = set()
            return staging

        if run.asked and not shards_of(self.database, run.seq or 0):
            return Settled(run, run.state, "its evidence and coverage were pruned; what it changed stands")
        proved = self._stage_all(fresh, None, Notes()).check
        with self.database.read() as connection:
            columns = (COVERAGE.c.shard, COVERAGE.c.part, COVERAGE.c.verdict, COVERAGE.c.map)
            stored = {tuple(row) for row in connection.execute(select(*columns).where(COVERAGE.c.run_seq == run.seq))}
            count = select(func.count()).select_from(CHANGE).where(CHANGE.c.run_seq == run.seq)
            changes = connection.execute(count).scalar_one()
        if stored == proved:
            return Settled(run, run.state, f"the stored evidence says the same again: {changes} changes stand")
        return Settled(run, run.state, "this version reads the stored evidence differently; nothing was changed")

    def _take_back(self, hold: Hold) -> None:
        """A settler that was killed leaves staged rows behind; its run is settled again from its evidence."""
        with self._writing(hold) as connection:
            take_back(connection)

    def _current(self, run: Run) -> Run:
        with self.database.read() as connection:
            return Run(**connection.execute(select(RUN).where(RUN.c.seq == run.seq)).mappings().one())


def _numbers(staging: Staging) -> dict[str, object]:
    totals = staging.totals
    return {
        "asked": totals.asked,
        "positive": totals.counts[Verdict.POSITIVE],
        "negative": totals.counts[Verdict.NEGATIVE],
        "silent": totals.counts[Verdict.SILENT],
        "blind": totals.counts[Verdict.BLIND],
        "reasons": json.dumps(dict(sorted(totals.reasons.items()))),
    }


def _state(staging: Staging) -> str:
    if staging.blind >= staging.totals.asked:
        return "failed"
    return "partial" if staging.blind else "complete"


def _message(staging: Staging, state: str) -> str:
    """Why a run that is not complete is not."""
    if state == "complete":
        return ""
    totals = staging.totals
    because = ", ".join(
        f"{count:,} {reason}" for reason, count in sorted(totals.reasons.items(), key=lambda item: -item[1])[:4]
    )
    return (
        f"could not look at {staging.blind:,} of {totals.asked:,} (asset, key) pairs: {because or 'nothing was asked'}"
    )


def _warnings(notes: Notes) -> list[str]:
    found = [
        f"the scanner did not finish ({reason}): what it left out was not looked at"
        for reason in sorted(notes.unfinished)
    ]
    if notes.outside:
        found.append(f"{notes.outside:,} hosts in the report were not asked for and are ignored")
    found.extend(sorted(notes.remarks))
    return found
