"""Findings as people read them: detection, triage and suppression side by side, the worst first."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import Connection, Row, func, select

from estate.assets import Asset
from estate.certificates import rules as certificate_rules
from estate.certificates.facts import split_problem
from estate.certificates.relations import ADDRESSES_DIFFER, RELATIONS
from estate.containers import image_findings as image_rules
from estate.containers import runtime as runtime_rules
from estate.coverage import Verdict
from estate.errors import NotFound
from estate.findings import Detection, Rule, Severity, Triage, risk
from estate.hosts import findings as host_rules
from estate.policy import Policy
from estate.ports import rules as port_rules
from estate.store.database import Database
from estate.store.documents import FindingObject, iso
from estate.store.looking import Last, last_looks
from estate.store.ranking import OPEN, Selection, rank
from estate.store.reading import hidden, holds
from estate.store.rows import ACCEPTANCE, ASSET, FINDING, RUN, STEP
from estate.store.suppressions import Accepted, AcceptedRisks, accepted_risks
from estate.tls import rules as tls_rules

__all__ = ["RULES", "Selection", "count_open", "finding_named", "list_findings"]

RULES: Mapping[tuple[str, str], Rule] = {
    (rule.namespace, rule.name): rule
    for rule in (
        *(port_rules.UNEXPECTED_PORT, port_rules.EXPECTED_PORT_CLOSED, port_rules.TARPIT),
        *tls_rules.RULES.values(),
        *certificate_rules.RULES.values(),
        *host_rules.RULES.values(),
        *runtime_rules.RULES.values(),
        *image_rules.RULES.values(),
    )
}
_BATCH = 10_000


def list_findings(
    database: Database, policy: Policy, now: datetime, selection: Selection = OPEN
) -> Iterator[FindingObject]:
    """Findings, the riskiest first; memory does not grow with their number."""
    with database.read() as connection:
        accepted = accepted_risks(connection, now)
        clocks = _clocks(connection)
        ranked = rank(connection, policy, selection)
        while steps := list(islice(ranked, _BATCH)):
            states = _states(connection, steps)
            looks = _looks(connection, states)
            for state in states:
                asset = Asset(state.kind, state.key, state.zone)
                suppression = accepted.find(state, asset, policy)
                quiet = suppression is not None or state.triage == Triage.FALSE_POSITIVE.value
                if selection.everything or not quiet:
                    yield _object(state, asset, suppression, looks, clocks, policy)


def count_open(database: Database, policy: Policy, now: datetime) -> int:
    """How many findings `list_findings` lists."""
    with database.read() as connection:
        accepted = accepted_risks(connection, now)
        if accepted.risks:
            return _count_one_by_one(connection, policy, accepted)
        query = (
            select(func.count(STEP.c.finding_id.distinct()))
            .join(FINDING, FINDING.c.id == STEP.c.finding_id)
            .where(holds(STEP, hidden(connection)))
            .where(STEP.c.detection != Detection.ABSENT.value, FINDING.c.triage != Triage.FALSE_POSITIVE.value)
        )
        return connection.execute(query).scalar_one()


def _count_one_by_one(connection: Connection, policy: Policy, accepted: AcceptedRisks) -> int:
    """Without those of which the database cannot know that somebody accepted them."""
    count = 0
    ranked = rank(connection, policy, OPEN)
    while steps := list(islice(ranked, _BATCH)):
        count += sum(not _is_quiet(state, policy, accepted) for state in _states(connection, steps))
    return count


def _is_quiet(state: Row[tuple[object, ...]], policy: Policy, accepted: AcceptedRisks) -> bool:
    asset = Asset(state.kind, state.key, state.zone)
    return state.triage == Triage.FALSE_POSITIVE.value or accepted.find(state, asset, policy) is not None


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


def _states(connection: Connection, steps: Sequence[int]) -> list[Row[tuple[object, ...]]]:
    """What these steps say, in their order."""
    query = (
        select(
            FINDING.c.fingerprint,
            FINDING.c.namespace,
            FINDING.c.rule,
            FINDING.c.aspect,
            FINDING.c.locator,
            FINDING.c.triage,
            ASSET.c.kind,
            ASSET.c.key,
            ASSET.c.zone,
            STEP.c.id,
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
        .where(STEP.c.id.in_(steps))
    )
    found = {row.id: row for row in connection.execute(query)}
    return [found[step] for step in steps]


def _looks(connection: Connection, states: Sequence[Row[tuple[object, ...]]]) -> dict[tuple[str, str, str, str], Last]:
    wanted: dict[tuple[str, str], dict[str, dict[str, Verdict]]] = {}
    for state in states:
        shown = Verdict.NEGATIVE if state.rule == port_rules.EXPECTED_PORT_CLOSED.name else Verdict.POSITIVE
        wanted.setdefault((state.zone, state.aspect), {}).setdefault(state.key, {})[_proof(state)] = shown
    since = min((state.first_seen for state in states), default=datetime.max.replace(tzinfo=UTC))
    return {
        (zone, aspect, subject, key): last
        for (zone, aspect), subjects in wanted.items()
        for (subject, key), last in last_looks(connection, zone, aspect, subjects, since).items()
    }


def _proof(state: Row[tuple[object, ...]]) -> str:
    """The key whose looks prove the finding: what is told of a place, or of several, is no key that anybody asks."""
    place = split_problem(state.locator) if state.rule in RELATIONS and state.rule != ADDRESSES_DIFFER.name else None
    return place[0] if place else str(state.locator)


def _clocks(connection: Connection) -> dict[str, datetime]:
    """When findings of a zone got a clock: at the first acceptance of a baseline."""
    query = select(ACCEPTANCE.c.zone, func.min(ACCEPTANCE.c.accepted_at)).group_by(ACCEPTANCE.c.zone)
    return dict(connection.execute(query).tuples().all())


def _object(
    state: Row[tuple[object, ...]],
    asset: Asset,
    suppression: Accepted | None,
    looks: Mapping[tuple[str, str, str, str], Last],
    clocks: Mapping[str, datetime],
    policy: Policy,
) -> FindingObject:
    rule = RULES[state.namespace, state.rule]
    last = looks.get((state.zone, state.aspect, state.key, _proof(state)), Last())
    accepted_at = clocks.get(state.zone)
    clock = None if accepted_at is None else max(accepted_at, state.first_seen)
    return {
        "fingerprint": state.fingerprint,
        "rule": state.rule,
        "severity": state.severity,
        "risk": risk(Severity(state.severity), policy.criticality(asset)),
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
        "remediation": host_rules.remediation(rule, state.locator),
        "refs": list(rule.refs),
    }
