"""What places tell together that no look at one of them can, judged from all facts once a run has written its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, func, or_, select

from estate.assets import Asset
from estate.certificates.facts import FAMILY, FILES, split_problem
from estate.certificates.inventory import Held, Leaf, relate
from estate.certificates.relations import BETWEEN_PLACES
from estate.diff import Cause, Fact
from estate.findings import Detection, Rule, Ruling, Severity
from estate.store.detections import detection_of
from estate.store.history import PUBLISHED
from estate.store.judging import apply_rulings
from estate.store.rows import ASSET, FACT, FINDING, RUN, STEP, fact_of
from estate.store.staging import Staging

_OVER = "it holds no more"


@dataclass(frozen=True, slots=True)
class Standing:
    """A fact that holds, wherever it was seen."""

    asset: Asset
    vantage: str
    key: str
    fact: Fact


class Related(Protocol):
    """What a scan adds to settlement where facts of several assets mean something together."""

    families: tuple[str, ...]
    """Of keys whose facts are compared."""
    rules: Mapping[str, Rule]
    """All that it may say, by name: an open finding of these that it does not repeat is over."""

    def relate(self, standing: Iterable[Standing], now: datetime) -> Iterator[tuple[str, Ruling]]:
        """What holds, with the vantage from which it does: in any order of facts the same.

        A fact that is out of sight still stands, so that a relation with it is `UNOBSERVED` and not over.
        """


class CertificatePlaces:
    """Certificates, on servers and in files."""

    families: tuple[str, ...] = (FAMILY, FILES)
    rules: Mapping[str, Rule] = BETWEEN_PLACES

    def relate(self, standing: Iterable[Standing], now: datetime) -> Iterator[tuple[str, Ruling]]:
        """See `estate.certificates.inventory.relate`."""
        return relate(_held(standing), now)


def _held(standing: Iterable[Standing]) -> Iterator[Held]:
    for one in standing:
        leaf = Leaf.of(one.fact.value) if split_problem(one.key) is None else None
        if leaf is not None:
            yield Held(one.asset, one.vantage, one.key, leaf, detection_of(one.fact))


RELATED: Mapping[str, Related] = {"certificates": CertificatePlaces()}
"""By scan."""


def apply_relations(connection: Connection, staging: Staging) -> None:
    """Open what holds between places now, over zones and vantages, and end what does not.

    All facts count, whichever run wrote them, at the moment of the newest run: so a late run, or the same ones in
    another order, come to the same.
    """
    related, aspect = RELATED.get(staging.run.scan), staging.series.aspect
    if related is None:
        return
    told: dict[str, dict[str, Ruling]] = {}
    for vantage, ruling in related.relate(_standing(connection, related, aspect), _newest(connection, staging)):
        told.setdefault(vantage, {})[ruling.fingerprint] = ruling
    for vantage, ruling in _open(connection, related, aspect):
        told.setdefault(vantage, {}).setdefault(ruling.fingerprint, ruling)
    for vantage, rulings in sorted(told.items()):
        apply_rulings(connection, rulings.values(), vantage, staging.seq, aspect, Cause.ESTATE.value)


def _standing(connection: Connection, related: Related, aspect: str) -> Iterator[Standing]:
    query = (
        select(ASSET.c.kind, ASSET.c.key, ASSET.c.zone, FACT.c.vantage, FACT.c.key.label("item"))
        .add_columns(FACT.c.value, FACT.c.present, FACT.c.misses, FACT.c.sight)
        .join(ASSET, ASSET.c.id == FACT.c.asset_id)
        .where(
            FACT.c.aspect == aspect,
            FACT.c.to_seq.is_(None),
            FACT.c.present,
            or_(*(FACT.c.key.startswith(f"{family}/", autoescape=True) for family in related.families)),
        )
    )
    for kind, key, zone, vantage, item, value, present, misses, sight in connection.execute(query):
        yield Standing(Asset(kind, key, zone), vantage, item, fact_of(value, present, misses, sight))


def _newest(connection: Connection, staging: Staging) -> datetime:
    """When the newest run of this kind looked, this one included."""
    query = select(func.max(RUN.c.looked_at)).where(RUN.c.scan == staging.run.scan, RUN.c.state.in_(PUBLISHED))
    last = connection.execute(query).scalar_one()
    return max(last, staging.run.looked_at) if last is not None else staging.run.looked_at


def _open(connection: Connection, related: Related, aspect: str) -> Iterator[tuple[str, Ruling]]:
    """Every relation that is open, as one that is over."""
    query = (
        select(FINDING.c.rule, FINDING.c.locator, ASSET.c.kind, ASSET.c.key, ASSET.c.zone)
        .add_columns(STEP.c.vantage, STEP.c.severity, STEP.c.subject)
        .join(STEP, STEP.c.finding_id == FINDING.c.id)
        .join(ASSET, ASSET.c.id == FINDING.c.asset_id)
        .where(
            FINDING.c.aspect == aspect,
            FINDING.c.rule.in_(list(related.rules)),
            STEP.c.to_seq.is_(None),
            STEP.c.detection != Detection.ABSENT.value,
        )
    )
    for rule, locator, kind, key, zone, vantage, severity, subject in connection.execute(query).all():
        asset = Asset(kind, key, zone)
        yield (
            vantage,
            Ruling(related.rules[rule], asset, locator, Severity(severity), Detection.ABSENT, subject, _OVER),
        )
