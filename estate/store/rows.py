"""The plain table objects that bulk statements use, and how values are spelled in columns."""

import json
from functools import lru_cache
from typing import cast

from sqlalchemy import Table

from estate.diff import Fact, InSight
from estate.observations import Attributes
from estate.store import tables

_REMEMBERED = 2048
"""Spellings, some of which are long: a certificate's has a kilobyte."""


def _table(model: type) -> Table:
    return cast("Table", model.__table__)  # type: ignore[attr-defined]  # SQLModel hides it from mypy


ASSET = _table(tables.AssetRow)
CHANGE = _table(tables.ChangeRow)
COVERAGE = _table(tables.Coverage)
EVIDENCE = _table(tables.EvidenceRow)
FACT = _table(tables.FactRow)
FINDING = _table(tables.FindingRow)
IDENTIFIER = _table(tables.AssetIdentifier)
LEASE = _table(tables.Lease)
MAP = _table(tables.CoverageMap)
RUN = _table(tables.Run)
SCOPE = _table(tables.ScopeVersion)
SHARD = _table(tables.Shard)
STEP = _table(tables.FindingStep)
SUPPRESSION = _table(tables.Suppression)
ACCEPTANCE = _table(tables.Acceptance)
STATEMENT = _table(tables.Statement)


@lru_cache(maxsize=_REMEMBERED)
def value_text(value: Attributes) -> str:
    """Attributes as one spelling of JSON."""
    return json.dumps(dict(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False) if value else "{}"


@lru_cache(maxsize=_REMEMBERED)
def value_of(text: str) -> Attributes:
    """Attributes from their spelling."""
    return tuple(sorted(json.loads(text).items())) if text != "{}" else ()


@lru_cache(maxsize=_REMEMBERED)
def fact_of(value: str, present: bool, misses: int, sight: str) -> Fact:  # a row's columns, in order
    """A fact from its columns; equal states are one object."""
    return Fact(bool(present), value_of(value), misses, InSight(sight))


def state_text(fact: Fact | None) -> str:
    """A fact's state as a change shows it: present, absent or unseen, with its attributes."""
    if fact is None:
        return "{}"
    state = "absent" if not fact.present else "present" if fact.sight is InSight.SEEN else "unseen"
    return json.dumps({"state": state, **dict(fact.value)}, sort_keys=True, ensure_ascii=False)
