"""Write what one part of a run changes: facts, changes and coverage, which readers see once the run is published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from estate.assets import Asset
from estate.coverage import NOTHING, Keys, Verdict
from estate.diff import Change, Comparison, Fact, Kind, Past, Rules, blinded, compare
from estate.findings import Ruling
from estate.observations import Sight
from estate.policy import Policy
from estate.store.history import Series, earlier, pasts, seen_later
from estate.store.inventory import ensure_assets
from estate.store.judging import apply_rulings
from estate.store.maps import Groups, encode
from estate.store.rows import (
    ASSET,
    CHANGE,
    COVERAGE,
    FACT,
    FINDING,
    IDENTIFIER,
    MAP,
    RUN,
    STEP,
    fact_of,
    state_text,
    value_text,
)
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
    changes: int = 0

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
    preview: list[Change] | None = None
    check: set[tuple[int, int, int, str]] | None = None
    totals: Totals = field(default_factory=Totals)

    @property
    def seq(self) -> int:
        """The run's number."""
        return self.run.seq or 0

    @property
    def dry(self) -> bool:
        """Whether this only finds out what settling would say or store."""
        return self.preview is not None or self.check is not None


@dataclass(slots=True)
class Known:
    """What the store holds of one asset."""

    id: int | None = None
    facts: dict[str, Fact] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


def stage_part(connection: Connection, staging: Staging, shard: int, part: int, sights: Iterable[Sight]) -> None:
    """Stage up to `PART` subjects."""
    groups: dict[Verdict, Groups] = {verdict: {} for verdict in Verdict}
    iterator = iter(sights)
    while batch := list(islice(iterator, _BATCH)):
        _stage_batch(connection, staging, batch, groups)
    _write_coverage(connection, staging, shard, part, groups)


def _stage_batch(connection: Connection, staging: Staging, batch: list[Sight], groups: dict[Verdict, Groups]) -> None:
    if staging.blind_because:
        batch = [blinded(sight, staging.blind_because) for sight in batch]
    if staging.check is not None:
        for sight in batch:
            _count(staging.totals, sight, Known(), groups)
        return
    known = load_known(connection, staging, [sight.subject for sight in batch])
    nothing_known = Known()
    for sight in batch:
        _count(staging.totals, sight, known.get(sight.subject, nothing_known), groups)
    if staging.late:
        seen = seen_later(connection, staging.series, staging.run, {sight.subject for sight in batch})
        seen.update(
            (subject, seen.get(subject, NOTHING) | keys)
            for subject, keys in _touched_later(connection, staging, known).items()
        )
        batch = [_without(sight, seen.get(sight.subject, NOTHING)) for sight in batch]
    compared: list[tuple[Asset, Sight, Known, Comparison]] = []
    rulings: list[Ruling] = []
    histories = _histories(connection, staging, batch, known)
    zone, kind, aspect = staging.run.zone, staging.scan.kind, staging.scan.aspect
    for original in batch:
        state = known.get(original.subject, nothing_known)
        sight = staging.scan.fold(original, state.facts)
        asset = Asset(kind, sight.subject, zone)

        def past(key: str, subject: str = sight.subject) -> Past:
            return histories.get((subject, key), Past.NEVER_TARGETED)

        comparison = compare(asset, aspect, state.facts, sight, past, staging.rules)
        if comparison.facts or comparison.changes:
            compared.append((asset, sight, state, comparison))
        elif staging.policy.sha256 and (staging.policy.required(asset) or not _all_present(state)):
            rulings += staging.scan.owed(asset, sight, state.facts, staging.policy)
    if staging.preview is not None:
        staging.preview.extend(change for *_, comparison in compared for change in comparison.changes)
        return
    _write(connection, staging, compared, rulings)


def _all_present(state: Known) -> bool:
    return all(fact.present for fact in state.facts.values())


def _without(sight: Sight, seen: Keys) -> Sight:
    """The sight without keys that a later run saw already."""
    if not seen:
        return sight
    left = sight.asked - seen
    return replace(sight, asked=left, present={key: value for key, value in sight.present.items() if key in left})


def load_known(connection: Connection, staging: Staging, subjects: Sequence[str]) -> dict[str, Known]:
    """The facts that held before this run, by subject; assets without facts are there too."""
    before: ColumnElement[bool] = FACT.c.to_seq.is_(None)
    if staging.late:
        # Later runs closed some of these facts; this run stands before them.
        earlier_runs = select(RUN.c.seq).where(earlier(staging.run))
        before = FACT.c.from_seq.in_(earlier_runs) & (FACT.c.to_seq.is_(None) | FACT.c.to_seq.not_in(earlier_runs))
    join = ASSET.outerjoin(
        FACT,
        (FACT.c.asset_id == ASSET.c.id)
        & (FACT.c.vantage == staging.run.vantage)
        & (FACT.c.aspect == staging.scan.aspect)
        & before,
    )
    query = (
        select(
            ASSET.c.key,
            ASSET.c.id,
            FACT.c.id,
            FACT.c.key,
            FACT.c.value,
            FACT.c.present,
            FACT.c.misses,
            FACT.c.sight,
        )
        .select_from(join)
        .where(ASSET.c.zone == staging.run.zone, ASSET.c.kind == staging.scan.kind, ASSET.c.key.in_(subjects))
    )
    known: dict[str, Known] = {}
    for subject, asset_id, row, key, value, present, misses, sight in connection.execute(query):
        state = known.get(subject)
        if state is None:
            state = known[subject] = Known(asset_id)
        if row is not None:
            state.facts[key] = fact_of(value, present, misses, sight)
            state.rows[key] = row
    return known


def _touched_later(connection: Connection, staging: Staging, known: Mapping[str, Known]) -> dict[str, Keys]:
    """Keys whose state a later run changed, be it only by losing sight of them."""
    subjects = {state.id: subject for subject, state in known.items()}
    earlier_runs = select(RUN.c.seq).where(earlier(staging.run))
    query = select(FACT.c.asset_id, FACT.c.key).where(
        FACT.c.asset_id.in_([number for number in subjects if number is not None]),
        FACT.c.vantage == staging.run.vantage,
        FACT.c.aspect == staging.scan.aspect,
        FACT.c.from_seq.not_in(earlier_runs),
        FACT.c.from_seq != staging.seq,
    )
    keys: dict[str, set[str]] = {}
    for asset_id, key in connection.execute(query):
        keys.setdefault(subjects[asset_id], set()).add(key)
    return {subject: Keys.of(found) for subject, found in keys.items()}


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


def _count(totals: Totals, sight: Sight, state: Known, groups: dict[Verdict, Groups]) -> None:
    subject = sight.subject
    totals.asked += len(sight.asked)
    facts = state.facts
    totals.present += sum(fact.present for key, fact in facts.items() if key in sight.asked) if facts else 0
    counts = totals.counts
    if sight.present:
        counts[Verdict.POSITIVE] += len(sight.present)
        groups[Verdict.POSITIVE].setdefault(("", str(Keys.of(sight.present))), []).append(subject)
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
    rulings: list[Ruling],
) -> None:
    created = ensure_assets(connection, [asset for asset, _, state, _ in compared if state.id is None])
    closed: list[int] = []
    facts: list[dict[str, object]] = []
    changes: list[dict[str, object]] = []
    aspect, vantage, seq = staging.scan.aspect, staging.run.vantage, staging.seq
    for asset, sight, state, comparison in compared:
        asset_id = state.id if state.id is not None else created[asset]
        after = dict(state.facts)
        for key, fact in comparison.facts:
            if key in state.rows:
                closed.append(state.rows[key])
            after[key] = fact
            facts.append(fact_row(asset_id, vantage, aspect, key, fact, seq))
            rulings += staging.scan.rulings(asset, key, fact, staging.policy, vantage)
        if staging.policy.sha256:
            rulings += staging.scan.owed(asset, sight, after, staging.policy)
        for change in comparison.changes:
            changes.append(change_row(asset_id, change, seq))
            if change.kind is Kind.GONE:
                staging.totals.closing.setdefault(asset.key, []).append(change.key)
    staging.totals.changes += len(changes)
    write_facts(connection, seq, closed, facts)
    if changes:
        connection.execute(insert(CHANGE), changes)
    apply_rulings(connection, rulings, vantage, seq, aspect, cause="estate")


def fact_row(asset_id: int, vantage: str, aspect: str, key: str, fact: Fact, seq: int) -> dict[str, object]:
    """A fact's columns from this run on."""
    return {
        "asset_id": asset_id,
        "vantage": vantage,
        "aspect": aspect,
        "key": key,
        "value": value_text(fact.value),
        "present": fact.present,
        "misses": fact.misses,
        "sight": fact.sight.value,
        "from_seq": seq,
        "to_seq": None,
    }


def change_row(asset_id: int, change: Change, seq: int) -> dict[str, object]:
    """A change's columns."""
    return {
        "run_seq": seq,
        "asset_id": asset_id,
        "aspect": change.aspect,
        "key": change.key,
        "kind": change.kind.value,
        "cause": change.cause.value,
        "certainty": change.certainty.value,
        "before": state_text(change.before),
        "after": state_text(change.after),
        "reason": change.reason,
    }


def write_facts(connection: Connection, seq: int, closed: Sequence[int], facts: Sequence[Mapping[str, object]]) -> None:
    """End the intervals of `closed` at this run, and begin those of `facts`."""
    for start in range(0, len(closed), 10_000):
        connection.execute(update(FACT).where(FACT.c.id.in_(closed[start : start + 10_000])).values(to_seq=seq))
    if facts:
        connection.execute(insert(FACT), list(facts))


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


def unstage(connection: Connection, seq: int) -> None:
    """Take back everything that a run staged; only for runs that are not published."""
    connection.execute(delete(CHANGE).where(CHANGE.c.run_seq == seq))
    for table in (FACT, STEP, IDENTIFIER):
        connection.execute(delete(table).where(table.c.from_seq == seq))
        connection.execute(update(table).where(table.c.to_seq == seq).values(to_seq=None))
    connection.execute(delete(FINDING).where(FINDING.c.first_seq == seq))
    connection.execute(delete(COVERAGE).where(COVERAGE.c.run_seq == seq))


def parts(sights: Iterator[Sight]) -> Iterator[Iterator[Sight]]:
    """Cut a stream into parts without reading ahead more than one subject."""
    for first in sights:
        yield _chain(first, islice(sights, PART - 1))


def _chain(first: Sight, rest: Iterable[Sight]) -> Iterator[Sight]:
    yield first
    yield from rest
