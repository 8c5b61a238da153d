"""Rows as the plain objects that `--json` prints: one spelling for every command."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypedDict

from estate.store.tables import Run


class CoverageObject(TypedDict):
    """How much of what was asked was looked at, in (asset, key) pairs."""

    ratio: float
    floor: float
    positive: int
    negative: int
    silent: int
    blind: int
    reasons: dict[str, int]


class RunObject(TypedDict):
    """A run."""

    id: str
    seq: int
    scan: str
    scope: str
    zone: str
    vantage: str
    trigger: str
    state: str
    looked_at: str
    ended_at: str | None
    asked: int
    answered: int
    coverage: CoverageObject
    engine: str
    intel: str
    choice: str
    canary: str
    message: str
    warnings: list[str]
    scope_sha256: str | None
    policy_sha256: str
    flow_run_id: str | None
    keys: str


class ChangeObject(TypedDict):
    """A change."""

    run: str
    looked_at: str
    kind: str
    cause: str
    certainty: str
    asset: str
    zone: str
    vantage: str
    aspect: str
    key: str
    before: dict[str, str] | None
    after: dict[str, str] | None
    reason: str


class FindingObject(TypedDict):
    """A finding."""

    fingerprint: str
    rule: str
    severity: str
    risk: float
    asset: str
    zone: str
    subject: str
    locator: str
    detection: str
    triage: str
    suppressed: bool
    suppression: str | None
    cause: str
    first_seen: str
    last_seen: str | None
    last_looked: str | None
    clock_started: str | None
    owner: str
    evidence: str
    remediation: str
    refs: list[str]


class AssetObject(TypedDict):
    """An asset with what is known of it now."""

    asset: str
    zone: str
    addresses: list[str]
    keys: list[str]
    unseen: list[str]
    findings: int
    owner: str
    criticality: str


@lru_cache(maxsize=4096)
def iso(moment: datetime) -> str:
    """UTC with a Z, to the second or finer where there is more."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def coverage_object(run: Run) -> CoverageObject:
    """What the run looked at."""
    answered = run.asked - run.blind
    return {
        "ratio": round(answered / run.asked, 4) if run.asked else 0.0,
        "floor": run.floor,
        "positive": run.positive,
        "negative": run.negative,
        "silent": run.silent,
        "blind": run.blind,
        "reasons": json.loads(run.reasons),
    }


def run_object(run: Run) -> RunObject:
    """A run's object."""
    return {
        "id": run.id,
        "seq": run.seq or 0,
        "scan": run.scan,
        "scope": run.scope,
        "zone": run.zone,
        "vantage": run.vantage,
        "trigger": run.trigger,
        "state": run.state,
        "looked_at": iso(run.looked_at),
        "ended_at": iso(run.ended_at) if run.ended_at else None,
        "asked": run.asked,
        "answered": run.asked - run.blind,
        "coverage": coverage_object(run),
        "engine": run.engine,
        "intel": run.intel,
        "choice": run.choice,
        "canary": run.canary,
        "message": run.message,
        "warnings": json.loads(run.warnings),
        "scope_sha256": run.scope_sha256,
        "policy_sha256": run.policy_sha256,
        "flow_run_id": run.flow_run_id,
        "keys": json.loads(run.profile)["keys"],
    }


def state_object(text: str) -> dict[str, str] | None:
    """A stored state; nothing known is null."""
    state: Mapping[str, str] = json.loads(text)
    return dict(state) if state else None
