"""What earlier and later runs looked at, read from their stored coverage."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from estate.coverage import NOTHING, Keys, Verdict
from estate.diff import Past
from estate.store.maps import decode
from estate.store.tables import Coverage, CoverageMap, Run

PUBLISHED = ("complete", "partial", "failed")
"""States of runs whose facts count."""

_C = Coverage.__table__.c  # type: ignore[attr-defined]  # SQLModel hides it from mypy
_M = CoverageMap.__table__.c  # type: ignore[attr-defined]
_R = Run.__table__.c  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Series:
    """Runs whose looks can be compared: one zone, one vantage, one kind of scan, one aspect."""

    zone: str
    vantage: str
    scan: str
    aspect: str

    def runs(self) -> ColumnElement[bool]:
        """The condition for published runs of this series."""
        return and_(_R.zone == self.zone, _R.vantage == self.vantage, _R.scan == self.scan, _R.state.in_(PUBLISHED))


def earlier(run: Run) -> ColumnElement[bool]:
    """Runs that looked before this one: by the start of looking, then by the database's number."""
    return or_(_R.looked_at < run.looked_at, and_(_R.looked_at == run.looked_at, _R.seq < run.seq))


def later(run: Run) -> ColumnElement[bool]:
    """Runs that looked after this one."""
    return or_(_R.looked_at > run.looked_at, and_(_R.looked_at == run.looked_at, _R.seq > run.seq))


def _looks(
    connection: Connection,
    series: Series,
    runs: ColumnElement[bool],
    wanted: Set[str] | None,
    verdicts: Iterable[Verdict],
) -> Iterator[tuple[Verdict, str, Keys]]:
    """Every distinct look at the wanted subjects, newest run first; maps that many runs share are read once."""
    query = (
        select(_C.map, _C.verdict)
        .join_from(Coverage, Run, _R.seq == _C.run_seq)
        .where(series.runs(), runs, _C.aspect == series.aspect, _C.verdict.in_([int(v) for v in verdicts]))
        .order_by(_R.looked_at.desc(), _R.seq.desc())
    )
    done: set[tuple[str, int]] = set()
    for sha256, verdict in connection.execute(query).all():
        if (sha256, verdict) in done:
            continue
        done.add((sha256, verdict))
        body = connection.execute(select(_M.body).where(_M.sha256 == sha256)).scalar_one()
        for subject, _, keys in decode(body, wanted):
            yield Verdict(verdict), subject, keys


def pasts(
    connection: Connection, series: Series, run: Run, wanted: Mapping[str, Set[str]]
) -> dict[tuple[str, str], Past]:
    """What was known of never-seen keys before this run, by (subject, key); subjects nobody targeted are left out."""
    known: dict[tuple[str, str], Past] = {}
    open_keys = {subject: set(keys) for subject, keys in wanted.items()}
    said = {Verdict.NEGATIVE: Past.PROVED, Verdict.SILENT: Past.SILENT, Verdict.BLIND: Past.BLIND}
    for verdict, subject, keys in _looks(connection, series, earlier(run), set(open_keys), Verdict):
        left = open_keys.get(subject)
        if not left:
            continue
        # A positive without a fact is a tarpit's answer: it was asked, and nothing was learnt.
        past = said.get(verdict, Past.BLIND)
        for key in tuple(left):
            # An anomaly is a word on the whole subject: whoever answered like a host showed none.
            reached = past if key in keys or key.startswith("anomaly/") else Past.NOT_ASKED
            if reached > known.get((subject, key), Past.NEVER_TARGETED):
                known[subject, key] = reached
                if reached is Past.PROVED:
                    left.discard(key)
        if not left:
            del open_keys[subject]
            if not open_keys:
                break
    return known


def seen_later(connection: Connection, series: Series, run: Run, subjects: Set[str]) -> dict[str, Keys]:
    """The keys that later runs saw, by subject: an older run changes nothing about them."""
    seen: dict[str, Keys] = {}
    told = (Verdict.POSITIVE, Verdict.NEGATIVE, Verdict.SILENT)
    for _, subject, keys in _looks(connection, series, later(run), subjects, told):
        seen[subject] = seen.get(subject, NOTHING) | keys
    return seen


def last_run(connection: Connection, series: Series, run: Run) -> Run | None:
    """The published run of the series before this one."""
    query = (
        select(Run.__table__)  # type: ignore[attr-defined]
        .where(series.runs(), earlier(run))
        .order_by(_R.looked_at.desc(), _R.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return Run(**row) if row else None


def has_later(connection: Connection, series: Series, run: Run) -> bool:
    """Whether a published run of the series looked after this one."""
    return connection.execute(select(_R.seq).where(series.runs(), later(run)).limit(1)).first() is not None
