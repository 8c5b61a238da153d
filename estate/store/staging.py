"""Write what one part of a run changes: facts, changes and coverage, which readers see once the run is published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import islice

from sqlalchemy import Connection, insert, select

from estate.assets import Asset
from estate.coverage import Keys, Verdict
from estate.diff import Cause, Change, Comparison, Fact, Kind, Past, Rules, blinded, compare
from estate.findings import Ruling
from estate.observations import Sight
from estate.policy import Policy
from estate.store.cycles import search_young
from estate.store.history import Newer, Series, pasts
from estate.store.inventory import ensure_assets
from estate.store.judging import apply_rulings
from estate.store.known import NOTHING_KNOWN, Known, load_known, steady
from estate.store.late import UNTOUCHED, dimmed, newer_than, without
from estate.store.maps import Groups, encode, put
from estate.store.recording import change_row, fact_row, write_facts
from estate.store.rows import CHANGE, COVERAGE, MAP
from estate.store.scans import Scan
from estate.store.tables import Run

PART = 32_768
"""Subjects with something to know of them in one transaction and one coverage map: bounds memory and how long other
writers wait."""
_MOST = 4
"""Times as many subjects in all: of the dead addresses of a wide network there is next to nothing to write."""
_BATCH = 2_048
# To look a member up in its class costs as much as a call, and this is done for every host.
_POSITIVE, _BLIND = Verdict.POSITIVE, Verdict.BLIND
_LEARNT = frozenset({Kind.APPEARED, Kind.REAPPEARED, Kind.GONE})


@dataclass(slots=True)
class Totals:
    """What the staged parts of a run add up to: (asset, key) pairs by verdict, and what would be closed."""

    asked: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * len(Verdict))
    reasons: dict[str, int] = field(default_factory=dict)
    present: int = 0
    closing: dict[str, list[str]] = field(default_factory=dict)

    @property
    def closings(self) -> int:
        """How many facts the run would close."""
        return sum(map(len, self.closing.values()))


@dataclass(slots=True)
class Staging:
    """Everything that stays the same while one run is staged."""

    run: Run
    scan: Scan
    series: Series
    policy: Policy
    rules: Rules
    blind_because: str = ""
    first: bool = False
    late: bool = False
    policy_changed: bool = False
    preview: list[Change] | None = None
    previewed: Set[Kind] = frozenset(Kind)
    check: set[tuple[int, int, int, str]] | None = None
    totals: Totals = field(default_factory=Totals)

    @property
    def seq(self) -> int:
        """The run's number."""
        return self.run.seq or 0

    @property
    def blind(self) -> int:
        """How many (asset, key) pairs could not be looked at."""
        return self.totals.counts[Verdict.BLIND]

    @property
    def dry(self) -> bool:
        """Whether this only finds out what settling would say or store."""
        return self.preview is not None or self.check is not None


def stage_part(connection: Connection, staging: Staging, shard: int, part: int, sights: Iterable[Sight]) -> None:
    """Stage up to `PART` subjects."""
    groups: tuple[Groups, ...] = tuple({} for _ in Verdict)
    doubtful: list[tuple[Sight, Known]] = []
    iterator = iter(sights)
    while batch := list(islice(iterator, _BATCH)):
        doubtful += _look_through(connection, staging, batch, groups)
        # Few hosts change, so those of many batches are worth one look at their past.
        if len(doubtful) >= _BATCH:
            _stage_changes(connection, staging, doubtful)
            doubtful = []
            search_young()
    _stage_changes(connection, staging, doubtful)
    _write_coverage(connection, staging, shard, part, groups)


def _look_through(
    connection: Connection, staging: Staging, batch: list[Sight], groups: Sequence[Groups]
) -> Iterator[tuple[Sight, Known]]:
    """Count what was looked at, and pick the subjects that may not be as they were."""
    scan = staging.scan
    if staging.blind_because:
        batch = [blinded(sight, staging.blind_because) for sight in batch]
    if staging.check is not None:
        for sight in batch:
            _count(staging, sight, groups)
        return
    same = _steady(connection, staging, batch)
    subjects = [sight.subject for sight in batch if sight.subject not in same]
    known = load_known(connection, staging.series, scan.kind, staging.run, subjects, late=staging.late)
    for sight in batch:
        if sight.subject in same:
            staging.totals.present += len(sight.present)
            _count(staging, sight, groups, sight)
            continue
        state = known.get(sight.subject, NOTHING_KNOWN)
        folded = scan.fold(sight, state.facts)
        _count_known(staging.totals, sight, state.facts)
        _count(staging, sight, groups, folded)
        yield folded, state


def _steady(connection: Connection, staging: Staging, batch: Sequence[Sight]) -> frozenset[str]:
    """The subjects about which nothing can be new: seen as they are known, without attributes that might differ."""
    if staging.first or staging.late:
        return frozenset()
    scan, policy, zone = staging.scan, staging.policy, staging.run.zone
    judged = bool(policy.sha256)
    seen = {
        sight.subject: sight.present.keys()
        for sight in batch
        if not any(sight.present.values())
        and scan.fold(sight, {}) is sight
        and not (judged and policy.required(Asset(scan.kind, sight.subject, zone)))
    }
    return steady(connection, staging.series, scan.kind, seen, nothing_gone=judged)


def _stage_changes(connection: Connection, staging: Staging, chosen: Sequence[tuple[Sight, Known]]) -> None:
    """Compare these subjects with what is known of them, and write what is new."""
    scan = staging.scan
    newer: Mapping[str, Newer] = {}
    if staging.late:
        known = {sight.subject: state for sight, state in chosen}
        newer = newer_than(connection, staging.series, staging.run, known, known.keys())
        chosen = [(without(sight, newer.get(sight.subject, UNTOUCHED)), state) for sight, state in chosen]
    histories = _histories(connection, staging, chosen)
    compared: list[tuple[Asset, Sight, Known, Comparison]] = []
    owed: list[tuple[Asset, Sight, Known]] = []
    for sight, state in chosen:
        asset = Asset(scan.kind, sight.subject, staging.run.zone)

        def past(key: str, subject: str = sight.subject) -> Past:
            return histories.get((subject, key), Past.NEVER_TARGETED)

        comparison = compare(asset, scan.aspect, state.facts, sight, past, staging.rules)
        if comparison.facts or comparison.changes:
            compared.append((asset, sight, state, comparison))
        elif _owes(staging, sight.subject, state):
            owed.append((asset, sight, state))
    if staging.preview is not None:
        found = (change for *_, comparison in compared for change in comparison.changes)
        staging.preview.extend(change for change in found if change.kind in staging.previewed)
        return
    _write(connection, staging, compared, owed, newer)


def _owes(staging: Staging, subject: str, state: Known) -> bool:
    """Whether an asset without a change may still be judged: because something should answer, or did and does not."""
    policy = staging.policy
    if not policy.sha256:
        return False
    if not all(fact.present for fact in state.facts.values()):
        return True
    return bool(policy.required(Asset(staging.scan.kind, subject, staging.run.zone)))


def _histories(
    connection: Connection, staging: Staging, chosen: Sequence[tuple[Sight, Known]]
) -> dict[tuple[str, str], Past]:
    if staging.first:
        return {}
    wanted = {sight.subject: sight.present.keys() - state.facts.keys() for sight, state in chosen}
    wanted = {subject: keys for subject, keys in wanted.items() if keys}
    return pasts(connection, staging.series, staging.run, wanted) if wanted else {}


def _count(staging: Staging, sight: Sight, groups: Sequence[Groups], folded: Sight | None = None) -> None:
    """Add up what was looked at, and put the subject where others have the same words.

    Args:
        folded: the sight in the light of what is known, where that is known; the same one if nothing in it is noise.
    """
    totals, subject, counts = staging.totals, sight.subject, staging.totals.counts
    # Not `len(sight.asked)`: "all certificates of an asset" is one question with many answers.
    totals.asked += len(sight.present)
    if sight.present:
        counts[_POSITIVE] += len(sight.present)
        put(groups[_POSITIVE], "", sight.seen, subject)
        told = sight if folded is sight else staging.scan.fold(sight, {})
        if told is not sight:
            # What the whole means was seen as well, though nobody asked for it.
            put(groups[_POSITIVE], "", Keys.of(told.present.keys() - sight.present.keys()), subject)
    for look in (*sight.negative, *sight.silent, *sight.blind):
        verdict, reason, keys = look.verdict, look.reason, look.keys
        totals.asked += len(keys)
        counts[verdict] += len(keys)
        put(groups[verdict], reason, keys, subject)
        if verdict is _BLIND:
            totals.reasons[reason] = totals.reasons.get(reason, 0) + len(keys)


def _count_known(totals: Totals, sight: Sight, facts: Mapping[str, Fact]) -> None:
    """Count what is known to be there of what was asked, and how much of it is hidden by a silence that says nothing.

    Silence of a host that is away hides what we know to be there: for those keys we could not look.
    """
    present = [key for key, fact in facts.items() if fact.present and key in sight.asked]
    totals.present += len(present)
    for look in sight.silent if present else ():
        if look.weak:
            hidden = sum(key in look.keys for key in present)
            totals.counts[Verdict.BLIND] += hidden
            totals.counts[Verdict.SILENT] -= hidden
            if hidden:
                totals.reasons[look.reason] = totals.reasons.get(look.reason, 0) + hidden


def _write(
    connection: Connection,
    staging: Staging,
    compared: Sequence[tuple[Asset, Sight, Known, Comparison]],
    owed: Sequence[tuple[Asset, Sight, Known]],
    newer: Mapping[str, Newer],
) -> None:
    created = ensure_assets(connection, [asset for asset, _, state, _ in compared if state.id is None])
    closed: list[int] = []
    facts: list[dict[str, object]] = []
    changes: list[dict[str, object]] = []
    rulings: dict[str, list[Ruling]] = {}
    lost: list[Ruling] = []
    scan, policy, vantage, seq = staging.scan, staging.policy, staging.run.vantage, staging.seq
    # What holds of a key that did not change can only be judged otherwise than before if what is right did.
    otherwise = (Cause.POLICY if staging.policy_changed else Cause.ESTATE).value
    for asset, sight, state, comparison in compared:
        asset_id = state.id if state.id is not None else created[asset]
        causes: dict[str, str] = {}
        for change in comparison.changes:
            cause = _cause(staging, change, state, sight)
            changes.append(change_row(asset_id, replace(change, reason=scan.explain(change), cause=cause), seq))
            causes[change.key] = cause.value
            rulings.setdefault(cause.value, []).extend(scan.moved(change))
            if change.kind is Kind.GONE:
                staging.totals.closing.setdefault(asset.key, []).append(change.key)
        after = dict(state.facts)
        for key, fact in comparison.facts:
            if key in state.rows:
                closed.append(state.rows[key])
            after[key] = fact
            found = scan.rulings(asset, key, fact, policy, vantage)
            rulings.setdefault(causes.get(key, Cause.ESTATE.value), []).extend(found)
            now = dimmed(key, fact, newer.get(asset.key, UNTOUCHED))
            if now is not fact:
                lost += scan.rulings(asset, key, now, policy, vantage)
            facts.append(fact_row(asset_id, vantage, scan.aspect, key, now, seq))
        if policy.sha256:
            for ruling in scan.owed(asset, sight, after, policy):
                rulings.setdefault(causes.get(ruling.locator, otherwise), []).append(ruling)
    for asset, sight, state in owed:
        rulings.setdefault(otherwise, []).extend(scan.owed(asset, sight, state.facts, policy))
    write_facts(connection, seq, closed, facts)
    if changes:
        connection.execute(insert(CHANGE), changes)
    for word, found in sorted(rulings.items()):
        apply_rulings(connection, found, vantage, seq, scan.aspect, word)
    if lost:
        apply_rulings(connection, lost, vantage, seq, scan.aspect, Cause.ESTATE.value)


def _cause(staging: Staging, change: Change, state: Known, sight: Sight) -> Cause:
    """The change's own cause, or the knowledge by which it was judged, where only that is other than before."""
    rules = staging.rules
    learnt = Cause.INTEL if rules.intel_changed else Cause.ENGINE if rules.engine_changed else None
    if learnt is None or change.cause is not Cause.ESTATE or change.kind not in _LEARNT:
        return change.cause
    return learnt if staging.scan.unmoved(change.key, state.facts, sight) else change.cause


def _write_coverage(connection: Connection, staging: Staging, shard: int, part: int, groups: Sequence[Groups]) -> None:
    for verdict, found in zip(Verdict, groups, strict=True):
        if not found or staging.preview is not None:
            continue
        sha256, body = encode(found)
        if staging.check is not None:
            staging.check.add((shard, part, int(verdict), sha256))
            continue
        if connection.execute(select(MAP.c.sha256).where(MAP.c.sha256 == sha256)).first() is None:
            connection.execute(insert(MAP), {"sha256": sha256, "body": body})
        connection.execute(
            insert(COVERAGE),
            {
                "run_seq": staging.seq,
                "shard": shard,
                "part": part,
                "aspect": staging.scan.aspect,
                "verdict": int(verdict),
                "map": sha256,
            },
        )


def parts(sights: Iterator[Sight]) -> Iterator[Iterator[Sight]]:
    """Cut a stream into parts without reading ahead more than one subject."""
    for first in sights:
        yield _part(first, sights)


def _part(first: Sight, rest: Iterator[Sight]) -> Iterator[Sight]:
    yield first
    known, left = int(bool(first.present)), PART * _MOST - 1
    while known < PART and left and (sight := next(rest, None)) is not None:
        yield sight
        known += bool(sight.present)
        left -= 1
