"""Findings as people read them: detection, triage and suppression side by side, the worst first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, case, func, select

from estate.assets import Asset
from estate.certificates import rules as certificate_rules
from estate.coverage import Verdict
from estate.errors import NotFound
from estate.findings import Detection, Rule, Severity, Triage, risk
from estate.policy import Policy
from estate.ports import rules as port_rules
from estate.store.database import Database
from estate.store.documents import FindingObject, iso
from estate.store.looking import Last, last_looks
from estate.store.reading import hidden, holds
from estate.store.rows import ACCEPTANCE, ASSET, FINDING, RUN, STEP
from estate.store.suppressions import Accepted, accepted_risks
from estate.tls import rules as tls_rules

RULES: Mapping[tuple[str, str], Rule] = {
    (rule.namespace, rule.name): rule
    for rule in (
        *(port_rules.UNEXPECTED_PORT, port_rules.EXPECTED_PORT_CLOSED, port_rules.TARPIT),
        *tls_rules.RULES.values(),
        *certificate_rules.RULES.values(),
    )
}
_ORDER = (Detection.PRESENT, Detection.SUSPECTED_ABSENT, Detection.UNOBSERVED, Detection.ABSENT)
_BATCH = 20_000


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


def list_findings(
    database: Database, policy: Policy, now: datetime, selection: Selection = Selection()
) -> Iterator[FindingObject]:
    """Findings, the riskiest first."""
    with database.read() as connection:
        accepted = accepted_risks(connection, now)
        clocks = _clocks(connection)
        rows = _rows(connection, selection)
        chosen = []
        for states in rows:
            state = min(states, key=lambda row: _ORDER.index(Detection(row.detection)))
            asset = Asset(state.kind, state.key, state.zone)
            suppression = accepted.find(state, asset, policy)
            quiet = suppression is not None or state.triage == Triage.FALSE_POSITIVE.value
            if selection.everything or (state.detection != Detection.ABSENT.value and not quiet):
                score = risk(Severity(state.severity), policy.criticality(asset))
                chosen.append((-score, str(asset), state.locator, state, asset, suppression))
        chosen.sort(key=lambda item: item[:3])
        for start in range(0, len(chosen), _BATCH):
            batch = chosen[start : start + _BATCH]
            looks = _looks(connection, [item[3] for item in batch])
            for score, _, _, state, asset, suppression in batch:
                yield _object(state, asset, -score, suppression, looks, clocks, policy)


def count_open(database: Database) -> int:
    """How many findings are not proved absent."""
    with database.read() as connection:
        query = (
            select(func.count(STEP.c.finding_id.distinct()))
            .where(holds(STEP, hidden(connection)))
            .where(STEP.c.detection != Detection.ABSENT.value)
        )
        return connection.execute(query).scalar_one()


def finding_named(database: Database, policy: Policy, now: datetime, fingerprint: str) -> FindingObject:
    """The finding of that fingerprint, or of the only one that begins so.

    Raises:
        NotFound: none or several do.
    """
    found = list(list_findings(database, policy, now, Selection(everything=True, fingerprint=fingerprint)))
    if len(found) != 1:
        many = "more than one finding begins" if found else "no finding begins"
        raise NotFound(f"{many} with {fingerprint!r}; see `roundsman findings --all`")
    return found[0]


def _rows(connection: Connection, selection: Selection) -> list[list[Row[tuple[object, ...]]]]:
    """The steps that hold, grouped by finding: one per vantage."""
    query = (
        select(
            FINDING.c.id,
            FINDING.c.fingerprint,
            FINDING.c.namespace,
            FINDING.c.rule,
            FINDING.c.aspect,
            FINDING.c.locator,
            FINDING.c.triage,
            ASSET.c.kind,
            ASSET.c.key,
            ASSET.c.zone,
            STEP.c.detection,
            STEP.c.severity,
            STEP.c.cause,
            STEP.c.subject,
            STEP.c.evidence,
            RUN.c.looked_at.label("first_seen"),
        )
        .join(STEP, STEP.c.finding_id == FINDING.c.id)
        .join(ASSET, ASSET.c.id == FINDING.c.asset_id)
        .join(RUN, RUN.c.seq == FINDING.c.first_seq)
        .where(holds(STEP, hidden(connection)))
    )
    if selection.limit is None:
        query = query.order_by(FINDING.c.id)
    else:
        order = case({name.value: -name.rank for name in Severity}, value=STEP.c.severity)
        query = query.order_by(order, FINDING.c.id).limit(selection.limit)
    if not selection.everything:
        query = query.where(STEP.c.detection != Detection.ABSENT.value)
    if selection.fingerprint is not None:
        query = query.where(FINDING.c.fingerprint.startswith(selection.fingerprint, autoescape=True))
    if selection.aspect is not None:
        query = query.where(FINDING.c.aspect == selection.aspect)
    if selection.run_seq is not None:
        zone = select(RUN.c.zone).where(RUN.c.seq == selection.run_seq).scalar_subquery()
        vantage = select(RUN.c.vantage).where(RUN.c.seq == selection.run_seq).scalar_subquery()
        query = query.where(ASSET.c.zone == zone, STEP.c.vantage == vantage)
        if selection.touched:
            query = query.where(STEP.c.from_seq == selection.run_seq)
    grouped: list[list[Row[tuple[object, ...]]]] = []
    last = None
    for row in connection.execute(query):
        if row.id != last:
            grouped.append([])
            last = row.id
        grouped[-1].append(row)
    return grouped


def _looks(connection: Connection, states: Sequence[Row[tuple[object, ...]]]) -> dict[tuple[str, str, str, str], Last]:
    wanted: dict[tuple[str, str], dict[str, dict[str, Verdict]]] = {}
    for state in states:
        shown = Verdict.NEGATIVE if state.rule == port_rules.EXPECTED_PORT_CLOSED.name else Verdict.POSITIVE
        wanted.setdefault((state.zone, state.aspect), {}).setdefault(state.key, {})[state.locator] = shown
    since = min((state.first_seen for state in states), default=datetime.max.replace(tzinfo=UTC))
    return {
        (zone, aspect, subject, key): last
        for (zone, aspect), subjects in wanted.items()
        for (subject, key), last in last_looks(connection, zone, aspect, subjects, since).items()
    }


def _clocks(connection: Connection) -> dict[str, datetime]:
    """When findings of a zone got a clock: at the first acceptance of a baseline."""
    query = select(ACCEPTANCE.c.zone, func.min(ACCEPTANCE.c.accepted_at)).group_by(ACCEPTANCE.c.zone)
    return dict(connection.execute(query).tuples().all())


def _object(
    state: Row[tuple[object, ...]],
    asset: Asset,
    score: float,
    suppression: Accepted | None,
    looks: Mapping[tuple[str, str, str, str], Last],
    clocks: Mapping[str, datetime],
    policy: Policy,
) -> FindingObject:
    rule = RULES[state.namespace, state.rule]
    last = looks.get((state.zone, state.aspect, state.key, state.locator), Last())
    accepted_at = clocks.get(state.zone)
    clock = None if accepted_at is None else max(accepted_at, state.first_seen)
    return {
        "fingerprint": state.fingerprint,
        "rule": state.rule,
        "severity": state.severity,
        "risk": score,
        "asset": str(asset),
        "zone": state.zone,
        "subject": state.subject,
        "locator": state.locator,
        "detection": state.detection,
        "triage": state.triage,
        "suppressed": suppression is not None,
        "suppression": suppression.told if suppression else None,
        "cause": state.cause,
        "first_seen": iso(state.first_seen),
        "last_seen": iso(last.shown or state.first_seen),
        "last_looked": iso(last.looked or state.first_seen),
        "clock_started": iso(clock) if clock else None,
        "owner": policy.owner(asset),
        "evidence": state.evidence,
        "remediation": rule.remediation,
        "refs": list(rule.refs),
    }
