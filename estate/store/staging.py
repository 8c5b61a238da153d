"""Write what one part of a run changes: facts, changes and coverage, which readers see once the run is published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from sqlalchemy import Connection, insert, select

from estate.assets import Asset
from estate.coverage import Keys, Verdict
from estate.diff import Cause, Change, Comparison, Kind, Past, Rules, blinded, compare
from estate.findings import Ruling
from estate.observations import Sight
from estate.policy import Policy
from estate.store.history import Newer, Series, pasts
from estate.store.inventory import ensure_assets
from estate.store.judging import apply_rulings
from estate.store.known import NOTHING_KNOWN, Known, load_known
from estate.store.late import UNTOUCHED, dimmed, newer_than, without
from estate.store.maps import Groups, encode
from estate.store.recording import change_row, fact_row, write_facts
from estate.store.rows import CHANGE, COVERAGE, MAP
from estate.store.scans import Scan
from estate.store.tables import Run

PART = 32_768
"""Subjects in one transaction and one coverage map: bounds memory and how long other writers wait."""
_BATCH = 2_048


@dataclass(slots=True)
class Totals:
    """What the staged parts of a run add up to: (asset, key) pairs by verdict, and what would be closed."""

    asked: int = 0
    counts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
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
    groups: dict[Verdict, Groups] = {verdict: {} for verdict in Verdict}
    iterator = iter(sights)
    while batch := list(islice(iterator, _BATCH)):
        _stage_batch(connection, staging, batch, groups)
    _write_coverage(connection, staging, shard, part, groups)


def _stage_batch(connection: Connection, staging: Staging, batch: list[Sight], groups: dict[Verdict, Groups]) -> None:
    scan = staging.scan
    if staging.blind_because:
        batch = [blinded(sight, staging.blind_because) for sight in batch]
    if staging.check is not None:
        for sight in batch:
            _count(staging, sight, NOTHING_KNOWN, groups)
        return
    subjects = {sight.subject for sight in batch}
    known = load_known(connection, staging.series, scan.kind, staging.run, subjects, late=staging.late)
    folded: list[Sight] = []
    for sight in batch:
        state = known.get(sight.subject, NOTHING_KNOWN)
        _count(staging, sight, state, groups)
        folded.append(scan.fold(sight, state.facts))
    newer: Mapping[str, Newer] = {}
    if staging.late:
        newer = newer_than(connection, staging.series, staging.run, known, subjects)
        folded = [without(sight, newer.get(sight.subject, UNTOUCHED)) for sight in folded]
    histories = _histories(connection, staging, folded, known)
    compared: list[tuple[Asset, Sight, Known, Comparison]] = []
    owed: list[tuple[Asset, Sight, Known]] = []
    for sight in folded:
        state = known.get(sight.subject, NOTHING_KNOWN)
        asset = Asset(scan.kind, sight.subject, staging.run.zone)

        def past(key: str, subject: str = sight.subject) -> Past:
            return histories.get((subject, key), Past.NEVER_TARGETED)

        comparison = compare(asset, scan.aspect, state.facts, sight, past, staging.rules)
        if comparison.facts or comparison.changes:
            compared.append((asset, sight, state, comparison))
        elif staging.policy.sha256 and (staging.policy.required(asset) or not _all_present(state)):
            owed.append((asset, sight, state))
    if staging.preview is not None:
        staging.preview.extend(change for *_, comparison in compared for change in comparison.changes)
        return
    _write(connection, staging, compared, owed, newer)


def _all_present(state: Known) -> bool:
    return all(fact.present for fact in state.facts.values())


def _histories(
    connection: Connection, staging: Staging, batch: Sequence[Sight], known: Mapping[str, Known]
) -> dict[tuple[str, str], Past]:
    if staging.first:
        return {}
    wanted: dict[str, set[str]] = {}
    for sight in batch:
        facts = known[sight.subject].facts if sight.subject in known else {}
        if len(facts) != len(sight.present) or facts.keys() != sight.present.keys():
            unknown = sight.present.keys() - facts.keys()
            if unknown:
                wanted[sight.subject] = set(unknown)
    return pasts(connection, staging.series, staging.run, wanted) if wanted else {}


def _count(staging: Staging, sight: Sight, state: Known, groups: dict[Verdict, Groups]) -> None:
    totals = staging.totals
    subject = sight.subject
    totals.asked += len(sight.asked)
    facts = state.facts
    totals.present += sum(fact.present for key, fact in facts.items() if key in sight.asked) if facts else 0
    counts = totals.counts
    if sight.present:
        counts[Verdict.POSITIVE] += len(sight.present)
        groups[Verdict.POSITIVE].setdefault(("", str(Keys.of(sight.present))), []).append(subject)
        told = staging.scan.fold(sight, {})
        if told is not sight:
            # What the whole means was seen as well, though nobody asked for it.
            meant = Keys.of(told.present.keys() - sight.present.keys())
            groups[Verdict.POSITIVE].setdefault(("", str(meant)), []).append(subject)
    for look in (*sight.negative, *sight.silent, *sight.blind):
        size = len(look.keys)
        verdict = look.verdict
        groups[verdict].setdefault((look.reason, str(look.keys)), []).append(subject)
        if look.weak and facts:
            # Silence of a host that is away hides what we know to be there: for those keys we could not look.
            hidden = sum(fact.present and key in look.keys for key, fact in facts.items())
            counts[Verdict.BLIND] += hidden
            size -= hidden
            if hidden:
                totals.reasons[look.reason] = totals.reasons.get(look.reason, 0) + hidden
        counts[verdict] += size
        if verdict is Verdict.BLIND:
            totals.reasons[look.reason] = totals.reasons.get(look.reason, 0) + size


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
            changes.append(change_row(asset_id, replace(change, reason=scan.explain(change)), seq))
            causes[change.key] = change.cause.value
            rulings.setdefault(change.cause.value, []).extend(scan.moved(change))
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
    for cause, found in sorted(rulings.items()):
        apply_rulings(connection, found, vantage, seq, scan.aspect, cause)
    if lost:
        apply_rulings(connection, lost, vantage, seq, scan.aspect, Cause.ESTATE.value)


def _write_coverage(
    connection: Connection, staging: Staging, shard: int, part: int, groups: dict[Verdict, Groups]
) -> None:
    for verdict, found in groups.items():
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
        yield _chain(first, islice(sights, PART - 1))


def _chain(first: Sight, rest: Iterable[Sight]) -> Iterator[Sight]:
    yield first
    yield from rest
