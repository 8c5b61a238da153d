"""Accepted risks: asked by one person, approved by another, and always with an end."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Protocol

from sqlalchemy import Connection, insert, select, update

from estate.assets import Asset
from estate.errors import BadInput
from estate.policy import Policy
from estate.store.database import Database
from estate.store.rows import SUPPRESSION


class Suppressible(Protocol):
    """What a selector is compared with."""

    fingerprint: str
    rule: str
    locator: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """One suppression in force."""

    selector: str
    told: str

    def matches(self, finding: Suppressible, asset: Asset, policy: Policy) -> bool:
        """Whether the selector means this finding."""
        fields = {
            "rule": finding.rule,
            "asset": str(asset),
            "locator": finding.locator,
            "zone": asset.zone,
            "owner": policy.owner(asset),
        }
        if self.selector.startswith("f1:"):
            return finding.fingerprint.startswith(self.selector)
        return all(fnmatchcase(fields[name], pattern) for name, pattern in parse_selector(self.selector))


@dataclass(frozen=True, slots=True)
class AcceptedRisks:
    """All suppressions in force at one moment."""

    risks: tuple[Accepted, ...]

    def find(self, finding: Suppressible, asset: Asset, policy: Policy) -> Accepted | None:
        """The first suppression that means this finding."""
        return next((risk for risk in self.risks if risk.matches(finding, asset, policy)), None)


def parse_selector(text: str) -> tuple[tuple[str, str], ...]:
    """Read `rule=unexpected-port asset=host:10.0.0.*` into pairs that must all match.

    Raises:
        BadInput: an unknown field, or a word that is no pair.
    """
    if text.startswith("f1:") and len(text) >= 11:
        return (("fingerprint", text),)
    pairs = []
    for word in text.split():
        name, found, pattern = word.partition("=")
        if not found or not pattern or name not in {"rule", "asset", "locator", "zone", "owner"}:
            raise BadInput(
                f"{word!r} selects nothing: give a fingerprint (f1:…, at least 8 digits), or pairs such as "
                "'rule=unexpected-port asset=host:10.0.0.* locator=tcp/22' (fields: rule, asset, locator, zone, owner)"
            )
        pairs.append((name, pattern))
    if not pairs:
        raise BadInput("an empty selector would suppress everything")
    return tuple(pairs)


def suppress(
    database: Database,
    selector: str,
    *,
    reason: str,
    until: datetime,
    requested_by: str,
    approved_by: str | None,
    now: datetime,
) -> str:
    """Ask for a suppression, approve one that was asked for, or both where two people do it together.

    Returns:
        `pending` or `approved`.

    Raises:
        BadInput: no end in the future, an empty reason or name, or one person in both parts.
    """
    parse_selector(selector)
    if until <= now:
        raise BadInput(f"--until {until.isoformat()} is not in the future")
    if not reason.strip() or not requested_by.strip():
        raise BadInput("a suppression needs a reason and the name of who asks for it")
    if approved_by is not None and not approved_by.strip():
        raise BadInput("an approval needs the name of who approves")
    if approved_by is not None and _person(approved_by) == _person(requested_by):
        raise BadInput(f"{approved_by} asked for it: another person has to approve")
    with database.write() as connection:
        asked = connection.execute(
            select(SUPPRESSION.c.id, SUPPRESSION.c.approved_by)
            .where(
                SUPPRESSION.c.selector == selector,
                SUPPRESSION.c.expires_at == until,
                SUPPRESSION.c.requested_by == requested_by,
            )
            .order_by(SUPPRESSION.c.id)
        ).first()
        if asked is not None and asked.approved_by is not None:
            return "approved"
        if asked is not None and approved_by is not None:
            connection.execute(update(SUPPRESSION).where(SUPPRESSION.c.id == asked.id).values(approved_by=approved_by))
        elif asked is None:
            connection.execute(
                insert(SUPPRESSION),
                {
                    "selector": selector,
                    "reason": reason,
                    "requested_by": requested_by,
                    "approved_by": approved_by,
                    "created_at": now,
                    "expires_at": until,
                },
            )
    return "approved" if approved_by is not None else "pending"


def _person(name: str) -> str:
    """One spelling for one person, however wide the spaces and large the letters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def accepted_risks(connection: Connection, now: datetime) -> AcceptedRisks:
    """What is in force: approved, and not expired by comparison with now, so that no nightly job can fail."""
    rows = connection.execute(
        select(SUPPRESSION)
        .where(SUPPRESSION.c.approved_by.is_not(None), SUPPRESSION.c.expires_at > now)
        .order_by(SUPPRESSION.c.id)
    )
    return AcceptedRisks(
        tuple(
            Accepted(row.selector, f"until {row.expires_at:%Y-%m-%d}, approved by {row.approved_by}: {row.reason}")
            for row in rows
        )
    )
