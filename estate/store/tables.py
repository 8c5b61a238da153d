"""The tables: every state is an interval of run numbers, so that any moment can be asked for.

`from_seq` is the run that made a row true, `to_seq` the run that ended it (null while it holds). Rows of a run that is
still being settled are in the tables already; readers leave them out until the run's state says they count.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class Moment(TypeDecorator[datetime]):
    """An aware UTC time on every database; SQLite alone would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Refuse times without a zone: they are how clocks of workers end up in each other's order."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _moment(*, nullable: bool = True) -> Column[datetime]:
    return Column(Moment(), nullable=nullable)


def _text() -> Column[str]:
    return Column(Text(), nullable=False)


class ScopeVersion(SQLModel, table=True):
    """One signed-off scope, word for word, under the sha256 of its words."""

    sha256: str = Field(primary_key=True)
    name: str = Field(index=True)
    body: str = Field(sa_column=_text())


class AssetRow(SQLModel, table=True):
    """A thing with a stable key within a zone."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("zone", "kind", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    key: str
    zone: str


class AssetIdentifier(SQLModel, table=True):
    """A name or address that was bound to an asset for a time."""

    __tablename__ = "assetidentifier"
    __table_args__ = (Index("ix_assetidentifier_value", "zone", "type", "value"),)
    id: int | None = Field(default=None, primary_key=True)
    asset_id: int = Field(foreign_key="asset.id", index=True)
    type: str
    value: str
    zone: str
    from_seq: int
    to_seq: int | None = None


class Run(SQLModel, table=True):
    """One execution of one scan; `seq` is given by the database, so no worker's clock orders runs."""

    __tablename__ = "scanrun"
    __table_args__ = ({"sqlite_autoincrement": True},)
    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    scan: str
    scope: str
    scope_sha256: str | None = Field(default=None, foreign_key="scopeversion.sha256")
    zone: str
    vantage: str
    trigger: str
    flow_run_id: str | None = None
    maker: str = ""
    profile: str = Field(sa_column=_text())
    policy_sha256: str = ""
    engine: str = ""
    intel: str = ""
    choice: str = ""
    looked_at: datetime = Field(sa_column=_moment(nullable=False))
    created_at: datetime = Field(sa_column=_moment(nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=_moment())
    state: str
    message: str = ""
    canary: str = ""
    floor: float = 0.5
    asked: int = Field(default=0, sa_type=BigInteger)
    positive: int = Field(default=0, sa_type=BigInteger)
    negative: int = Field(default=0, sa_type=BigInteger)
    silent: int = Field(default=0, sa_type=BigInteger)
    blind: int = Field(default=0, sa_type=BigInteger)
    reasons: str = "{}"
    quarantine: str = ""
    warnings: str = "[]"


class Shard(SQLModel, table=True):
    """A slice of a run's targets: the unit of work, lease and retry."""

    run_seq: int = Field(primary_key=True, foreign_key="scanrun.seq", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    plan: str = Field(sa_column=_text())
    state: str = "planned"
    attempts: int = 0
    holder: str = ""
    lease_until: datetime | None = Field(default=None, sa_column=_moment())
    error: str = ""


class EvidenceRow(SQLModel, table=True):
    """The index of stored evidence: which shard it answers (below 0: canaries, or set aside), in which look."""

    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("run_seq", "shard", "look", "sha256"),)
    id: int | None = Field(default=None, primary_key=True)
    run_seq: int = Field(foreign_key="scanrun.seq", ondelete="CASCADE", index=True)
    shard: int
    look: int
    media: str
    sha256: str = Field(index=True)
    size: int = Field(sa_type=BigInteger)
    companion: str | None = None
    ended: str = ""
    engine: str = ""
    stored_at: datetime = Field(sa_column=_moment(nullable=False))
    pruned_at: datetime | None = Field(default=None, sa_column=_moment())


class CoverageMap(SQLModel, table=True):
    """A compressed map from subject to reason and keys; equal maps of many runs are one row."""

    __tablename__ = "coveragemap"
    sha256: str = Field(primary_key=True)
    body: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class Coverage(SQLModel, table=True):
    """What a run's shard looked at, by verdict."""

    __table_args__ = (Index("ix_coverage_map", "map"),)
    run_seq: int = Field(primary_key=True, foreign_key="scanrun.seq", ondelete="CASCADE")
    shard: int = Field(primary_key=True)
    part: int = Field(primary_key=True)
    aspect: str = Field(primary_key=True)
    verdict: int = Field(primary_key=True)
    map: str = Field(foreign_key="coveragemap.sha256")


class FactRow(SQLModel, table=True):
    """The state of one key of one asset from one vantage, as an interval of runs."""

    __tablename__ = "fact"
    __table_args__ = (
        Index("ix_fact_open", "asset_id", "vantage", "aspect", "to_seq"),
        Index("ix_fact_from", "from_seq"),
        Index("ix_fact_to", "to_seq"),
    )
    id: int | None = Field(default=None, primary_key=True)
    asset_id: int = Field(foreign_key="asset.id")
    vantage: str
    aspect: str
    key: str
    value: str
    present: bool
    misses: int
    sight: str
    from_seq: int
    to_seq: int | None = None


class ChangeRow(SQLModel, table=True):
    """One change that one run brought to light."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_key", "asset_id", "aspect", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    run_seq: int = Field(foreign_key="scanrun.seq", index=True)
    asset_id: int = Field(foreign_key="asset.id")
    aspect: str
    key: str
    kind: str
    cause: str
    certainty: str
    before: str
    after: str
    reason: str


class FindingRow(SQLModel, table=True):
    """A judged problem; its detection is the last of its steps, its triage a person's word."""

    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_asset", "asset_id"),)
    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(unique=True)
    namespace: str
    rule: str
    asset_id: int = Field(foreign_key="asset.id")
    aspect: str
    locator: str
    triage: str = "new"
    first_seq: int = Field(index=True)


class FindingStep(SQLModel, table=True):
    """A finding's life as intervals, one line of life per vantage: append-only, each step names its run."""

    __tablename__ = "findingstep"
    __table_args__ = (
        Index("ix_findingstep_open", "finding_id", "vantage", "to_seq"),
        Index("ix_findingstep_from", "from_seq"),
        Index("ix_findingstep_to", "to_seq"),
    )
    id: int | None = Field(default=None, primary_key=True)
    finding_id: int = Field(foreign_key="finding.id")
    vantage: str
    step: str
    detection: str
    severity: str
    cause: str
    subject: str
    evidence: str
    from_seq: int
    to_seq: int | None = None


class Suppression(SQLModel, table=True):
    """An accepted risk: pending until another person approves, and never without an end."""

    __table_args__ = (CheckConstraint("approved_by IS NULL OR approved_by <> requested_by", name="two_people"),)
    id: int | None = Field(default=None, primary_key=True)
    selector: str
    reason: str
    requested_by: str
    approved_by: str | None = None
    created_at: datetime = Field(sa_column=_moment(nullable=False))
    expires_at: datetime = Field(sa_column=_moment(nullable=False))


class Acceptance(SQLModel, table=True):
    """Somebody walked through a first list: from here on findings have a clock."""

    id: int | None = Field(default=None, primary_key=True)
    run_seq: int = Field(foreign_key="scanrun.seq")
    zone: str
    accepted_by: str
    accepted_at: datetime = Field(sa_column=_moment(nullable=False))


class Statement(SQLModel, table=True):
    """Somebody said that they may scan what no scope covers."""

    id: int | None = Field(default=None, primary_key=True)
    target: str
    stated_by: str
    stated_at: datetime = Field(sa_column=_moment(nullable=False))


class Lease(SQLModel, table=True):
    """Who may settle now; a dead holder's lease ends by itself."""

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = Field(sa_column=_moment(nullable=False))
