"""What earlier and later runs looked at, read from their stored coverage."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from estate.coverage import NOTHING, WEAK_SILENCES, Keys, Verdict
from estate.diff import Past
from estate.store.maps import decode
from estate.store.rows import COVERAGE, MAP, RUN
from estate.store.tables import Run

PUBLISHED = ("complete", "partial", "failed")
"""States of runs whose facts count."""

_BATCH = 500
_ANOMALY = "anomaly/"
_ANOMALIES = Keys.parse("anomaly/*")
_SAID = {Verdict.NEGATIVE: Past.PROVED, Verdict.SILENT: Past.SILENT, Verdict.BLIND: Past.BLIND}


@dataclass(frozen=True, slots=True)
class Series:
    """Runs whose looks can be compared: one zone, one vantage, one kind of scan, one aspect."""

    zone: str
    vantage: str
    scan: str
    aspect: str

    def runs(self) -> ColumnElement[bool]:
        """The condition for published runs of this series."""
        return and_(
            RUN.c.zone == self.zone,
            RUN.c.vantage == self.vantage,
            RUN.c.scan == self.scan,
            RUN.c.state.in_(PUBLISHED),
        )


def earlier(run: Run) -> ColumnElement[bool]:
    """Runs that looked before this one: by the start of looking, then by the database's number."""
    return or_(RUN.c.looked_at < run.looked_at, and_(RUN.c.looked_at == run.looked_at, RUN.c.seq < run.seq))


def later(run: Run) -> ColumnElement[bool]:
    """Runs that looked after this one."""
    return or_(RUN.c.looked_at > run.looked_at, and_(RUN.c.looked_at == run.looked_at, RUN.c.seq > run.seq))


def _looks(
    connection: Connection, series: Series, runs: ColumnElement[bool], wanted: Set[str]
) -> Iterator[tuple[Verdict, str, str, Keys]]:
    """Every distinct look at the wanted subjects as (verdict, reason, subject, keys): the newest run's, then the rest.

    Maps that many runs share are read once, and whoever knows enough after the newest run asks for no more.
    """
    condition = and_(series.runs(), runs)
    newest = select(RUN.c.seq).where(condition).order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc()).limit(1)
    columns = select(COVERAGE.c.map, COVERAGE.c.verdict).where(COVERAGE.c.aspect == series.aspect).distinct()
    first = columns.where(COVERAGE.c.run_seq == newest.scalar_subquery())
    rest = columns.join(RUN, RUN.c.seq == COVERAGE.c.run_seq).where(condition)
    done: set[tuple[str, int]] = set()
    for query in (first, rest):
        # Negatives first: nothing says more of a key that was never seen.
        found = {(sha256, verdict) for sha256, verdict in connection.execute(query)} - done
        left = sorted(found, key=lambda look: (look[1] != Verdict.NEGATIVE, look))
        done.update(left)
        for start in range(0, len(left), _BATCH):
            names = {sha256 for sha256, _ in left[start : start + _BATCH]}
            bodies = dict(
                connection.execute(select(MAP.c.sha256, MAP.c.body).where(MAP.c.sha256.in_(names))).tuples().all()
            )
            for sha256, verdict in left[start : start + _BATCH]:
                for subject, reason, keys in decode(bodies[sha256], wanted):
                    yield Verdict(verdict), reason, subject, keys


def pasts(
    connection: Connection, series: Series, run: Run, wanted: Mapping[str, Set[str]]
) -> dict[tuple[str, str], Past]:
    """What was known of never-seen keys before this run, by (subject, key); subjects nobody targeted are left out."""
    known: dict[tuple[str, str], Past] = {}
    open_keys = {subject: set(keys) for subject, keys in wanted.items()}
    for verdict, _, subject, keys in _looks(connection, series, earlier(run), open_keys.keys()):
        left = open_keys.get(subject)
        if not left:
            continue
        # A positive without a fact is a tarpit's answer: it was asked, and nothing was learnt.
        past = _SAID.get(verdict, Past.BLIND)
        for key in tuple(left):
            # An anomaly is a word on the whole subject: whoever answered like a host showed none.
            reached = past if key in keys or key.startswith(_ANOMALY) else Past.NOT_ASKED
            if reached > known.get((subject, key), Past.NEVER_TARGETED):
                known[subject, key] = reached
                if reached is Past.PROVED:
                    left.discard(key)
        if not left:
            del open_keys[subject]
            if not open_keys:
                break
    return known


@dataclass(slots=True)
class Newer:
    """What later runs found out about one subject, where they could not look, and of what they only lost sight."""

    seen: Keys = field(default=NOTHING)
    dim: Keys = field(default=NOTHING)
    lost: Keys = field(default=NOTHING)


def looked_later(connection: Connection, series: Series, run: Run, subjects: Set[str]) -> dict[str, Newer]:
    """By subject: the keys that later runs saw, about which an older run changes nothing, and those that they missed.

    A silence that never speaks against a fact has seen nothing: else one sweep would outweigh every older report.
    """
    found: dict[str, Newer] = {}
    for verdict, reason, subject, keys in _looks(connection, series, later(run), subjects):
        newer = found.setdefault(subject, Newer())
        if verdict is Verdict.BLIND or (verdict is Verdict.SILENT and reason in WEAK_SILENCES):
            newer.dim |= keys
        else:
            newer.seen |= keys | _ANOMALIES if verdict is not Verdict.SILENT else keys
    return found


def last_run(connection: Connection, series: Series, run: Run) -> Run | None:
    """The published run of the series before this one."""
    query = select(RUN).where(series.runs(), earlier(run)).order_by(RUN.c.looked_at.desc(), RUN.c.seq.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return Run(**row) if row else None


def has_later(connection: Connection, series: Series, run: Run) -> bool:
    """Whether a published run of the series looked after this one."""
    return connection.execute(select(RUN.c.seq).where(series.runs(), later(run)).limit(1)).first() is not None


def engine_changed(connection: Connection, series: Series, run: Run) -> bool:
    """Whether one of the run's tools had another version when an earlier run used it last."""
    return _changed(connection, series, run, RUN.c.engine, run.engine)


def intel_changed(connection: Connection, series: Series, run: Run) -> bool:
    """Whether one of the databases that the run was rated by had another version when an earlier run used it last."""
    return _changed(connection, series, run, RUN.c.intel, run.intel)


def _changed(connection: Connection, series: Series, run: Run, column: ColumnElement[str], now: str) -> bool:
    last = func.max(RUN.c.looked_at)
    query = select(column).where(series.runs(), earlier(run)).group_by(column).order_by(last.desc())
    before: dict[str, str] = {}
    for (words,) in connection.execute(query):
        for tool, version in _tools(words):
            before.setdefault(tool, version)
    return any(before.get(tool, version) != version for tool, version in _tools(now))


def _tools(engine: str) -> Iterable[tuple[str, str]]:
    """`nmap 7.93, zmap 2.1.1` as pairs."""
    for words in engine.split(", "):
        tool, _, version = words.partition(" ")
        if tool:
            yield tool, version
