"""Turn rulings into the life of findings: opened, suspected, out of sight, resolved, reopened."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, insert, or_, select, update

from estate.findings import Detection, Ruling, Step, step
from estate.store.inventory import asset_ids
from estate.store.rows import FINDING, STEP

_BATCH = 5_000


def apply_rulings(
    connection: Connection, rulings: Iterable[Ruling], vantage: str, seq: int, aspect: str, cause: str
) -> int:
    """Write the steps that these rulings mean; equal rulings as before write nothing.

    Returns:
        How many steps were written.
    """
    by_fingerprint = {ruling.fingerprint: ruling for ruling in rulings}
    fingerprints = list(by_fingerprint)
    written = 0
    for start in range(0, len(fingerprints), _BATCH):
        chosen = fingerprints[start : start + _BATCH]
        written += _apply(connection, {name: by_fingerprint[name] for name in chosen}, vantage, seq, aspect, cause)
    return written


def _apply(connection: Connection, rulings: dict[str, Ruling], vantage: str, seq: int, aspect: str, cause: str) -> int:
    join = FINDING.outerjoin(
        STEP, (STEP.c.finding_id == FINDING.c.id) & (STEP.c.vantage == vantage) & STEP.c.to_seq.is_(None)
    )
    query = (
        select(FINDING.c.fingerprint, FINDING.c.id, STEP.c.id, STEP.c.detection, STEP.c.severity, STEP.c.from_seq)
        .select_from(join)
        .where(FINDING.c.fingerprint.in_(list(rulings)))
    )
    known = {row[0]: tuple(row)[1:] for row in connection.execute(query)}
    next_id = (connection.execute(select(func.max(FINDING.c.id))).scalar() or 0) + 1
    opened: list[dict[str, object]] = []
    steps: list[dict[str, object]] = []
    closed: list[int] = []
    replaced: list[tuple[int, dict[str, object]]] = []
    new: list[tuple[str, Ruling]] = []
    for fingerprint, ruling in rulings.items():
        finding_id, step_id, detection, severity, from_seq = known.get(fingerprint, (None, None, None, None, None))
        before = Detection(detection) if detection else None
        taken = step(before, ruling.detection)
        if taken is None and before is Detection.PRESENT is ruling.detection and severity != ruling.severity.value:
            taken = Step.RERATED
        if taken is None:
            continue
        if finding_id is None:
            finding_id = next_id
            next_id += 1
            new.append((fingerprint, ruling))
            opened.append({"id": finding_id, "fingerprint": fingerprint, "first_seq": seq})
        columns = _step(ruling, taken, finding_id, vantage, seq, cause)
        if step_id is not None and from_seq == seq:
            replaced.append((step_id, columns))
            continue
        if step_id is not None:
            closed.append(step_id)
        steps.append(columns)
    if opened:
        _open(connection, opened, [ruling for _, ruling in new], aspect)
    if closed:
        connection.execute(update(STEP).where(STEP.c.id.in_(closed)).values(to_seq=seq))
    for step_id, columns in replaced:
        connection.execute(update(STEP).where(STEP.c.id == step_id).values(**columns))
    if steps:
        connection.execute(insert(STEP), steps)
    return len(steps) + len(replaced)


def lose_sight(
    connection: Connection,
    asset_id: int,
    vantage: str,
    aspect: str,
    seq: int,
    cause: str,
    below: tuple[str, ...] = ("",),
) -> None:
    """Nobody looks at this asset from there any more: what was found on it is neither there nor gone.

    With `below` this is so only for what is found where a locator begins like that.
    """
    columns = [STEP.c[name] for name in ("id", "finding_id", "severity", "subject", "evidence", "from_seq")]
    query = (
        select(*columns)
        .join(FINDING, FINDING.c.id == STEP.c.finding_id)
        .where(
            FINDING.c.asset_id == asset_id,
            FINDING.c.aspect == aspect,
            STEP.c.vantage == vantage,
            STEP.c.to_seq.is_(None),
            STEP.c.detection.in_((Detection.PRESENT.value, Detection.SUSPECTED_ABSENT.value)),
            or_(*(FINDING.c.locator.startswith(beginning, autoescape=True) for beginning in below)),
        )
    )
    unseen = {"step": Step.UNOBSERVED.value, "detection": Detection.UNOBSERVED.value, "cause": cause}
    for row in connection.execute(query).mappings().all():
        this = STEP.c.id == row["id"]
        if row["from_seq"] == seq:
            connection.execute(update(STEP).where(this).values(**unseen))
            continue
        connection.execute(update(STEP).where(this).values(to_seq=seq))
        kept = {name: row[name] for name in ("finding_id", "severity", "subject", "evidence")}
        connection.execute(insert(STEP), {**kept, **unseen, "vantage": vantage, "from_seq": seq, "to_seq": None})


def _step(ruling: Ruling, taken: Step, finding_id: int, vantage: str, seq: int, cause: str) -> dict[str, object]:
    return {
        "finding_id": finding_id,
        "vantage": vantage,
        "step": taken.value,
        "detection": ruling.detection.value,
        "severity": ruling.severity.value,
        "cause": cause,
        "subject": ruling.subject,
        "evidence": ruling.evidence,
        "from_seq": seq,
        "to_seq": None,
    }


def _open(connection: Connection, opened: list[dict[str, object]], rulings: Sequence[Ruling], aspect: str) -> None:
    ids = asset_ids(connection, {ruling.asset for ruling in rulings})
    for columns, ruling in zip(opened, rulings, strict=True):
        columns.update(
            namespace=ruling.rule.namespace,
            rule=ruling.rule.name,
            asset_id=ids[ruling.asset],
            aspect=aspect,
            locator=ruling.locator,
            triage="new",
        )
    connection.execute(insert(FINDING), opened)
