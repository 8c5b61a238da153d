"""Which findings are meant, and which of them are worse than others: the database sorts, so that memory stays flat."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

from sqlalchemy import Column, ColumnElement, Connection, Select, case, select

from estate.assets import Asset
from estate.findings import Detection, Severity, risk
from estate.policy import Policy
from estate.store.reading import hidden, holds
from estate.store.rows import ASSET, FINDING, RUN, STEP

_USUAL = "normal"
_ORDER = (Detection.PRESENT, Detection.SUSPECTED_ABSENT, Detection.UNOBSERVED, Detection.ABSENT)
_Ranked = tuple[float, str, str, int]
"""Sorts by risk, asset and locator; a step's number comes last."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which findings: `everything` also takes resolved, suppressed and false ones.

    `run_seq` chooses those of the run's zone and vantage, `touched` of them only those whose life the run changed;
    `limit` takes so many of the severest.
    """

    everything: bool = False
    run_seq: int | None = None
    aspect: str | None = None
    touched: bool = False
    limit: int | None = None
    fingerprint: str | None = None


OPEN = Selection()
"""Every finding that anybody should look at."""


def rank(connection: Connection, policy: Policy, selection: Selection) -> Iterator[int]:
    """For each finding the step that decides on its state, by number, the riskiest first.

    The database knows severities, but not what an asset's loss would mean: findings of assets that are declared to
    matter more or less are few, and merged into the others.
    """
    query = _query(connection, selection)
    special: list[_Ranked] = []
    if policy.sha256:
        special = sorted(ranked for usual, ranked in _read(connection, policy, query) if not usual)
    others = (ranked for usual, ranked in _read(connection, policy, query) if usual)
    for *_, step in merge(special, others):
        yield step


def _read(
    connection: Connection, policy: Policy, query: Select[tuple[int, str, str, str, str, str]]
) -> Iterator[tuple[bool, _Ranked]]:
    """Every finding's rank, in the order of the query, with whether its asset matters as usual."""
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for step, severity, locator, kind, key, zone in rows:
            asset = Asset(kind, key, zone)
            criticality = policy.criticality(asset)
            yield criticality == _USUAL, (-risk(Severity(severity), criticality), str(asset), locator, step)


def _query(connection: Connection, selection: Selection) -> Select[tuple[int, str, str, str, str, str]]:
    decides = STEP.alias()
    counts = [holds(decides, hidden(connection)), decides.c.finding_id == FINDING.c.id]
    if not selection.everything:
        counts.append(decides.c.detection != Detection.ABSENT.value)
    if selection.run_seq is not None:
        vantage = select(RUN.c.vantage).where(RUN.c.seq == selection.run_seq).scalar_subquery()
        counts.append(decides.c.vantage == vantage)
        if selection.touched:
            counts.append(decides.c.from_seq == selection.run_seq)
    order = case({name.value: place for place, name in enumerate(_ORDER)}, value=decides.c.detection)
    best = select(decides.c.id).where(*counts).order_by(order, decides.c.vantage).limit(1).scalar_subquery()
    query = (
        select(STEP.c.id, STEP.c.severity, FINDING.c.locator, ASSET.c.kind, ASSET.c.key, ASSET.c.zone)
        .join_from(FINDING, STEP, STEP.c.id == best)
        .join(ASSET, ASSET.c.id == FINDING.c.asset_id)
        .order_by(
            case({name.value: -name.rank for name in Severity}, value=STEP.c.severity),
            *(_by_bytes(connection, column) for column in (ASSET.c.kind, ASSET.c.key, FINDING.c.locator)),
            STEP.c.id,
        )
        .limit(selection.limit)
    )
    if selection.touched and selection.run_seq is not None:
        # Few were touched, and only of those the database need find out which step decides.
        query = query.where(FINDING.c.id.in_(select(STEP.c.finding_id).where(STEP.c.from_seq == selection.run_seq)))
    if selection.fingerprint is not None:
        query = query.where(FINDING.c.fingerprint.startswith(selection.fingerprint, autoescape=True))
    if selection.aspect is not None:
        query = query.where(FINDING.c.aspect == selection.aspect)
    if selection.run_seq is not None:
        zone = select(RUN.c.zone).where(RUN.c.seq == selection.run_seq).scalar_subquery()
        query = query.where(ASSET.c.zone == zone)
    return query


def _by_bytes(connection: Connection, column: Column[str]) -> ColumnElement[str]:
    """In the order of code points, as Python and SQLite sort; a server may go by the rules of a language."""
    return column.collate("C") if connection.dialect.name == "postgresql" else column
