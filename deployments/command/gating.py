"""`gate`: may this image be deployed?"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from deployments.command.leaving import leaving_at_once
from deployments.command.options import Json, now
from deployments.command.outcome import ABOVE, BLIND
from deployments.command.printing import complain, hint, print_object, safe, show
from deployments.command.tables import SEVERITY_STYLES, first, plain_table
from estate.errors import BadInput, CouldNotLook
from estate.manifest import Manifest
from estate.store.database import home
from estate.store.surroundings import find_estate, read_estate

if TYPE_CHECKING:
    from estate.containers.policy import Decision, GatePolicy
    from estate.containers.signatures import TrustedKey
    from estate.findings import Ruling
    from tasks.containers.gate import Looked

_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class _Rules:
    """The policy, and how it is named."""

    policy: "GatePolicy"
    keys: "tuple[TrustedKey, ...]"
    told: Mapping[str, str | None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(gate)


def gate(
    image: Annotated[
        str, typer.Argument(help="An image of this machine's engine or of a registry, or an archive's path.")
    ],
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A TOML file of what is asked of images; without it, the defaults.")
    ] = None,
    sarif: Annotated[Path | None, typer.Option("--sarif", help="Write the findings to this file as SARIF.")] = None,
    run: Annotated[
        float | None,
        typer.Option("--run", min=1, max=600, help="Start it for so many seconds, locked down, without a network."),
    ] = None,
    as_json: Json = False,
) -> int:
    """May this image be deployed?

    Exits with 0 if it may, 1 if not, and 3 if it could not be looked at.
    """
    rules = _read_rules(policy)
    from estate.containers.policy import Decision, judge

    looked = decision = None
    try:
        looked = _look(image, rules)
        decision = judge(rules.policy, looked.candidate, now())
        if run is not None:
            decision = _tried(decision, looked, run)
    except CouldNotLook as error:
        known = decision or Decision(False, (), ())
        decision = replace(known, allowed=False, blind=(*known.blind, str(error)))
    rulings = _rulings(looked) if looked else []
    if sarif is not None:
        _write_sarif(sarif, image, rulings, decision)
    if as_json:
        _print_object(image, looked, decision, rulings, rules)
    else:
        _print(image, looked, decision, rulings)
    if decision.blind:
        return BLIND
    return 0 if decision.allowed else ABOVE


def _look(image: str, rules: _Rules) -> "Looked":
    from tasks.containers.api import address_of
    from tasks.containers.gate import find_image, look

    estate = find_estate(None)
    manifest = read_estate(estate) if estate else Manifest()
    said = os.environ.get("TRIVY_CACHE_DIR") or manifest.containers.cache
    cache = (estate.parent if estate else Path.cwd()) / Path(said).expanduser() if said else home() / "trivy"
    engine = address_of(manifest.containers.engine or "")
    with leaving_at_once():
        waiting = find_image(image, rules.policy, engine)
        exploited = _exploited(rules.policy, manifest.intel.kev)
        looked = look(waiting, rules.policy, rules.keys, exploited, cache)
    if looked.visit.error == "no-database":
        hint(f"Trivy has no database in {cache}: trivy image --download-db-only --cache-dir {cache}")
    if rules.policy.registries and waiting.where == "engine" and not waiting.target.digest:
        hint("the engine does not know it from any registry: only its name says where it comes from")
    return looked


def _tried(decision: "Decision", looked: "Looked", seconds: float) -> "Decision":
    """The decision with what a trial adds to it."""
    from estate.containers.trial import judge_trial
    from tasks.containers.trial import try_image

    target = looked.waiting.target
    if looked.waiting.where != "engine":
        raise BadInput("--run starts images of the engine: pull or load it first")
    with leaving_at_once():
        word = judge_trial(try_image(target.engine, target.image_id, seconds))
    return replace(
        decision,
        allowed=decision.allowed and not word.reasons and not word.blind,
        reasons=(*decision.reasons, *word.reasons),
        warnings=(*decision.warnings, *word.warnings),
        blind=(*decision.blind, *word.blind),
    )


def _read_rules(path: Path | None) -> _Rules:
    from estate.containers.policy import GatePolicy

    if path is None:
        return _Rules(GatePolicy(), (), {"file": None, "sha256": None})
    from estate.containers.signatures import read_key
    from estate.manifest.gate_policy import load_policy

    content = _content(path)
    try:
        policy = load_policy(content.decode(), str(path))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}") from None
    files = policy.signatures.keys if policy.signatures else ()
    keys = tuple(read_key(_content(path.parent / name), name) for name in files)
    return _Rules(policy, keys, {"file": str(path), "sha256": hashlib.sha256(content).hexdigest()})


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise BadInput(f"{path} is too large")
    return content


def _exploited(policy: "GatePolicy", url: str | None) -> frozenset[str] | None:
    """CISA's catalogue, where the estate's description says from where."""
    if url is None or policy.vulnerabilities.exploited == "allow":
        return None
    from tasks.intel.rater import known_exploited

    return known_exploited(url)


def _rulings(looked: "Looked") -> "list[Ruling]":
    from estate.assets import Asset
    from estate.containers.image_findings import finding
    from estate.findings import Detection

    asset = Asset("image", looked.visit.repository)
    found = (finding(asset, key, value, Detection.PRESENT) for key, value in looked.candidate.facts.items())
    return sorted((one for one in found if one), key=lambda one: (-one.severity.rank, one.rule.name, one.locator))


def _write_sarif(path: Path, image: str, rulings: "Sequence[Ruling]", decision: "Decision") -> None:
    from importlib.metadata import version

    from estate.exports.sarif import render_sarif

    place = rulings[0].asset.key if rulings else image
    text = render_sarif(version("roundsman"), place, rulings, decision.reasons, decision.blind, decision.ignored)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(f"--sarif: {path}: {error.strerror}") from None


def _print_object(
    image: str, looked: "Looked | None", decision: "Decision", rulings: "Sequence[Ruling]", rules: _Rules
) -> None:
    visit = looked.visit if looked else None
    made = looked.candidate.database if looked else None
    head = {
        "image": image,
        "digest": visit.digest if visit else "",
        "image_id": visit.image_id if visit else "",
        "allowed": decision.allowed,
        "reasons": [*decision.reasons, *(f"could not look: {words}" for words in decision.blind)],
        "warnings": decision.warnings,
        "unseen": decision.blind,
        "signature": _signature(looked),
        "database": {
            "updated": made.isoformat() if made else None,
            "age_hours": _age(made),
            "canary": visit.canary if visit else "",
            "trivy": visit.trivy if visit else "",
        },
        "policy": rules.told,
    }
    rows = (
        {
            "fingerprint": one.fingerprint,
            "rule": one.rule.name,
            "severity": one.severity.value,
            "asset": one.asset.identity,
            "subject": one.subject,
            "locator": one.locator,
            "evidence": one.evidence,
            "remediation": one.rule.remediation,
            "refs": one.rule.refs,
            "refuses": one.locator in decision.refusing,
            "accepted": decision.ignored.get(one.locator),
        }
        for one in rulings
    )
    print_object(head, {"findings": rows})


def _signature(looked: "Looked | None") -> dict[str, str] | None:
    found = looked.candidate.signature if looked else None
    return {"verdict": found.verdict.value, "detail": found.detail} if found else None


def _age(made: datetime | None) -> float | None:
    return round((now() - made).total_seconds() / 3600, 1) if made else None


def _print(image: str, looked: "Looked | None", decision: "Decision", rulings: "Sequence[Ruling]") -> None:
    visit = looked.visit if looked else None
    if decision.blind:
        show(Text.assemble(("no word", "bold magenta"), " on ", safe(image, 200), ": it could not be looked at"))
    elif decision.allowed:
        show(Text.assemble(("allowed", "bold green"), " ", safe(image, 200)))
    else:
        show(Text.assemble(("refused", "bold red"), " ", safe(image, 200)))
    if visit and (visit.digest or visit.image_id):
        show(safe(f"{visit.digest or visit.image_id}, Trivy {visit.trivy}, database of {visit.database[:10]}", 200))
    for reason in decision.reasons:
        show(safe(f"  - {reason}", 1_500))
    for warning in decision.warnings:
        show(safe(f"  ({warning})", 500), style="dim")
    for words in decision.blind:
        complain(words)
    if rulings:
        show()
        table = plain_table(("severity", ""), ("what", "seen"))
        for one in first(rulings, "finding"):
            word = "refuses" if one.locator in decision.refusing else ""
            word = "accepted" if one.locator in decision.ignored else word
            table.add_row(
                Text(one.severity.value, SEVERITY_STYLES[one.severity.value]),
                word,
                safe(one.subject, 160),
                safe(one.evidence, 200),
            )
        show(table)
