"""Settle a run: coverage to facts to changes to findings, staged part by part and published with one flip."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from estate.coverage import Verdict
from estate.diff import Change, Rules
from estate.errors import BadInput, EvidenceMissing
from estate.evidence import EvidenceStore
from estate.policy import Policy
from estate.ports.canaries import judge_canaries
from estate.ports.shard import Document, Notes, RepeatedSubjectError
from estate.store.breaker import matching_quarantine, quarantine_note
from estate.store.database import Database
from estate.store.history import PUBLISHED, Series, has_later, last_run
from estate.store.inventory import bind
from estate.store.leases import SETTLEMENT, leased
from estate.store.rows import CHANGE, COVERAGE, RUN
from estate.store.runs import Profile, evidence_of, set_state, shards_of
from estate.store.scans import scan_named
from estate.store.staging import Staging, parts, stage_part, unstage
from estate.store.tables import EvidenceRow, Run, Shard
from estate.store.upkeep import apply_policy, apply_scope

CANARY_SHARD = -1
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
            EvidenceError: evidence is missing or altered; the run is not settled and nothing changed.
            StoreBusy: another settlement goes on for too long.
        """
        with leased(self.database, SETTLEMENT) as renew:
            self._take_back_leftovers()
            current = self._current(run)
            if current.state in PUBLISHED:
                return self._check(current)
            if current.state == "quarantined" and not accept:
                return Settled(current, "quarantined", current.message)
            if current.state == "cancelled":
                raise BadInput(f"run {current.id} was cancelled or discarded; it cannot be settled")
            return self._settle(current, accept=accept, renew=renew)

    def preview(self, run: Run) -> list[Change]:
        """What settling would say now, without writing anything: what a second look should look at."""
        run.canary = self._canary(run)
        staging = self._staging(run)
        staging.preview = []
        for shard in shards_of(self.database, staging.seq):
            self._stage(staging, shard, evidence_of(self.database, staging.seq), Notes(), frozenset(), lambda: None)
        return staging.preview

    def discard(self, run: Run) -> Settled:
        """Answer a quarantine with no: the run is kept with its evidence, and changes nothing for ever.

        Raises:
            BadInput: the run is not quarantined.
        """
        with leased(self.database, SETTLEMENT):
            current = self._current(run)
            if current.state != "quarantined":
                raise BadInput(f"run {current.id} is {current.state}, not quarantined")
            message = f"discarded: {current.message}"
            set_state(self.database, current.seq or 0, "cancelled", message=message, ended_at=self.clock())
            return Settled(self._current(run), "cancelled", message)

    def _settle(self, run: Run, *, accept: bool, renew: Callable[[], None]) -> Settled:
        seq = run.seq or 0
        run.canary = self._canary(run)
        set_state(self.database, seq, "settling", canary=run.canary)
        notes = Notes()
        try:
            staging = self._stage_all(run, notes, renew)
            totals = staging.totals
            profile = Profile.from_json(run.profile)
            answered = totals.asked - totals.counts[Verdict.BLIND]
            if not accept and profile.breaker.trips(totals.closings, totals.present):
                return self._quarantine(run, staging, renew)
            state = "failed" if not answered else "complete" if answered == totals.asked else "partial"
            return self._publish(run, staging, notes, state)
        except BaseException:
            with self.database.write() as connection:
                unstage(connection, seq)
                connection.execute(update(RUN).where(RUN.c.seq == seq).values(state=run.state))
            raise

    def _stage_all(self, run: Run, notes: Notes, renew: Callable[[], None]) -> Staging:
        hold: frozenset[str] = frozenset()
        while True:
            staging = self._staging(run)
            evidence = evidence_of(self.database, staging.seq)
            try:
                for shard in shards_of(self.database, staging.seq):
                    self._stage(staging, shard, evidence, notes, hold, renew)
            except RepeatedSubjectError as repeated:
                # Start again with these held back: what was staged of them is not the whole truth.
                hold |= repeated.subjects
                notes.outside = 0
                with self.database.write() as connection:
                    unstage(connection, staging.seq)
                continue
            return staging

    def _stage(
        self,
        staging: Staging,
        shard: Shard,
        evidence: Mapping[int, list[EvidenceRow]],
        notes: Notes,
        hold: frozenset[str],
        renew: Callable[[], None],
    ) -> None:
        with ExitStack() as opened:
            documents = [self._open(row, opened) for row in evidence.get(shard.number, [])]
            sights = staging.scan.sights(shard.plan, documents, notes, hold)
            for number, part in enumerate(parts(sights)):
                # Reading ahead by one subject happens outside the transaction, the rest inside of it.
                with self.database.read() if staging.dry else self.database.write() as connection:
                    stage_part(connection, staging, shard.number, number, part)
                    if number == 0 and not staging.dry:
                        bind(connection, staging.run, staging.scan.kind, staging.scan.bindings(shard.plan))
                renew()
            for document in documents:
                _drain(document)

    def _open(self, row: EvidenceRow, opened: ExitStack) -> Document:
        if row.pruned_at is not None:
            raise EvidenceMissing(f"evidence {row.sha256} was pruned on {row.pruned_at:%Y-%m-%d}")
        stream = opened.enter_context(self.evidence.open(row.sha256))
        companion = opened.enter_context(self.evidence.open(row.companion)) if row.companion else None
        return Document(row.media, row.look, stream, companion, row.ended)

    def _staging(self, run: Run) -> Staging:
        scan = scan_named(run.scan)
        series = Series(run.zone, run.vantage, run.scan, scan.aspect)
        profile = Profile.from_json(run.profile)
        with self.database.read() as connection:
            before = last_run(connection, series, run)
            late = has_later(connection, series, run)
        engine_changed = bool(before and before.engine and run.engine and before.engine != run.engine)
        rules = Rules(profile.silences, engine_changed)
        staging = Staging(run, scan, series, self.policy, rules, first=before is None, late=late)
        if run.canary.startswith("failed"):
            staging.blind_because = "canary"
        return staging

    def _canary(self, run: Run) -> str:
        """What the canaries of this run say; an import was told."""
        canaries = Profile.from_json(run.profile).canaries
        if not canaries:
            return run.canary
        rows = evidence_of(self.database, run.seq or 0).get(CANARY_SHARD, [])
        with ExitStack() as opened:
            return judge_canaries(canaries, [self._open(row, opened) for row in rows])

    def _quarantine(self, run: Run, staging: Staging, renew: Callable[[], None]) -> Settled:
        seq, totals = run.seq or 0, staging.totals
        with self.database.write() as connection:
            unstage(connection, seq)
            connection.execute(update(RUN).where(RUN.c.seq == seq).values(state=run.state))
            confirmed = matching_quarantine(connection, staging)
        if confirmed is not None and not totals.counts[Verdict.BLIND]:
            # Two whole runs say the same: the first one counts, and this one then only agrees with it.
            self._settle(confirmed, accept=True, renew=renew)
            return self._settle(run, accept=True, renew=renew)
        message = (
            f"{totals.closings} of {totals.present} known facts would be gone: nothing was closed. "
            f"Answer with `roundsman settle {run.id[:12]} --accept` or `--discard`"
        )
        with self.database.write() as connection:
            note = quarantine_note(connection, staging)
            connection.execute(
                update(RUN)
                .where(RUN.c.seq == seq)
                .values(**_numbers(staging), state="quarantined", message=message, quarantine=note)
            )
        return Settled(self._current(run), "quarantined", message)

    def _publish(self, run: Run, staging: Staging, notes: Notes, state: str) -> Settled:
        seq = run.seq or 0
        message = _message(staging, state)
        with self.database.write() as connection:
            if not staging.late:
                apply_scope(connection, staging)
                apply_policy(connection, staging)
            warnings = [*json.loads(run.warnings), *_warnings(notes)]
            connection.execute(
                update(RUN)
                .where(RUN.c.seq == seq)
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
        staging = self._staging(run)
        evidence = evidence_of(self.database, staging.seq)
        hold: frozenset[str] = frozenset()
        while True:
            staging.check = set()
            try:
                for shard in shards_of(self.database, staging.seq):
                    self._stage(staging, shard, evidence, Notes(), hold, lambda: None)
                break
            except RepeatedSubjectError as repeated:
                hold |= repeated.subjects
        with self.database.read() as connection:
            columns = (COVERAGE.c.shard, COVERAGE.c.part, COVERAGE.c.verdict, COVERAGE.c.map)
            stored = {tuple(row) for row in connection.execute(select(*columns).where(COVERAGE.c.run_seq == run.seq))}
            changes = connection.execute(
                select(func.count()).select_from(CHANGE).where(CHANGE.c.run_seq == run.seq)
            ).scalar_one()
        if stored == staging.check:
            return Settled(run, run.state, f"the stored evidence says the same again: {changes} changes stand")
        return Settled(run, run.state, "this version reads the stored evidence differently; nothing was changed")

    def _take_back_leftovers(self) -> None:
        """A settler that was killed leaves staged rows behind; its run is settled again from its evidence."""
        with self.database.write() as connection:
            for (seq,) in connection.execute(select(RUN.c.seq).where(RUN.c.state == "settling")).all():
                unstage(connection, seq)
                connection.execute(update(RUN).where(RUN.c.seq == seq).values(state="asking"))

    def _current(self, run: Run) -> Run:
        with self.database.read() as connection:
            return Run(**connection.execute(select(RUN).where(RUN.c.seq == run.seq)).mappings().one())


def _drain(document: Document) -> None:
    """Read to the end, so that altered evidence is found even where the reader stopped early."""
    for stream in (document.stream, document.companion):
        while stream is not None and stream.read(1 << 17):
            pass


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


def _message(staging: Staging, state: str) -> str:
    """Why a run that is not complete is not."""
    if staging.run.canary.startswith("failed"):
        return f"the scanner is blind here, canary {staging.run.canary}"
    if state == "complete":
        return ""
    totals = staging.totals
    because = ", ".join(
        f"{count:,} {reason}" for reason, count in sorted(totals.reasons.items(), key=lambda item: -item[1])[:4]
    )
    blind = totals.counts[Verdict.BLIND]
    return f"could not look at {blind:,} of {totals.asked:,} (asset, key) pairs: {because or 'nothing was asked'}"


def _warnings(notes: Notes) -> list[str]:
    found = [
        f"the scanner did not finish ({reason}): what it left out was not looked at"
        for reason in sorted(notes.unfinished)
    ]
    if notes.outside:
        found.append(f"{notes.outside:,} hosts in the report were not asked for and are ignored")
    return found
