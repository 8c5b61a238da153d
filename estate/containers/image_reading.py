"""What one visit to an image proves: its packages' vulnerabilities, its secrets, its configuration, its end of life."""

import hashlib
import re
from collections.abc import Iterator, Sequence

from estate.containers.image import WORKS, ImageVisit
from estate.containers.layers import Attribution, Base, attribute, part_of
from estate.containers.trivy import TrivyReport, Vulnerability
from estate.coverage import Keys, Look, Verdict
from estate.findings import Severity
from estate.observations import Attributes, Reading
from estate.text import printable

IMAGE, VULNERABILITY, SECRET, CONFIGURATION, PROBLEM = "image", "vuln", "secret", "config", "problem"
FAMILIES = (IMAGE, VULNERABILITY, SECRET, CONFIGURATION, PROBLEM)
ASKED = Keys.of(f"{family}/*" for family in FAMILIES)
END_OF_LIFE = f"{PROBLEM}/os-eol"
UNTAGGED = "-"
_LONGEST_ITEM = 600
_VERSION = re.compile(r"@[^@/]*\Z")
# Checks that are right about images as well as about the Dockerfiles that they were written for. The others read a
# history, which is no Dockerfile: a COPY of the classic builder looks like one without a destination (DS011).
_SURE_CHECKS = frozenset({"DS002", "DS026", "DS031"})


def image_reading(visit: ImageVisit, report: TrivyReport | None, bases: Sequence[Base] = (), look: int = 0) -> Reading:
    """Read one visit; without a report everything is out of sight, by the visit's word.

    Args:
        visit: how it went.
        report: what Trivy said.
        bases: images that this one may be built on.
        look: the number of the look within its run.
    """
    if report is None:
        return Reading(visit.repository, {}, (Look(Verdict.BLIND, visit.error or "failed", ASKED),), look)
    layers = report.layers or visit.layers
    base = attribute(layers, bases, visit.base_name, visit.base_digest, visit.guessed)
    present: dict[str, Attributes] = {}
    for key, value in _facts(visit, report, layers, base):
        present[key] = _worse(present[key], value) if key in present else value
    blind: dict[str, list[str]] = {}
    for family, reason in _unseen(visit, report, layers, bases):
        blind.setdefault(reason, []).append(f"{family}/*")
    hidden = Keys.of(key for keys in blind.values() for key in keys)
    looks = [Look(Verdict.BLIND, reason, Keys.of(keys)) for reason, keys in sorted(blind.items())]
    looks.append(Look(Verdict.NEGATIVE, "not-in-image", ASKED - hidden))
    return Reading(visit.repository, present, tuple(looks), look)


def worst_of(values: Sequence[Attributes]) -> Attributes:
    """Of several words on one key the one to tell: the most severe as a whole, never a mixture of them."""
    worst = values[0]
    for value in values[1:]:
        worst = _worse(worst, value)
    return worst


def _worse(one: Attributes, other: Attributes) -> Attributes:
    return max(one, other, key=lambda value: (Severity(dict(value).get("severity", "info")).rank, value))


def _unseen(
    visit: ImageVisit, report: TrivyReport, layers: Sequence[str], bases: Sequence[Base]
) -> Iterator[tuple[str, str]]:
    """Families in which "not found" proves nothing, and why."""
    if visit.canary != WORKS:
        yield VULNERABILITY, "no-database"
    elif not report.os_family:
        yield VULNERABILITY, "no-os"
    elif report.end_of_life:
        # Whoever stopped mending also stopped telling.
        yield VULNERABILITY, "os-eol"
    elif "os-pkgs" not in report.classes:
        yield VULNERABILITY, "no-packages"
    # A base that is scanned as an image of its own tells its own secrets.
    if visit.unsearched > attribute(layers, bases).count:
        yield SECRET, "base-not-searched"
    if not report.os_family:
        yield PROBLEM, "no-os"


def _facts(
    visit: ImageVisit, report: TrivyReport, layers: Sequence[str], base: Attribution
) -> Iterator[tuple[str, Attributes]]:
    system = f"{report.os_family} {report.os_name}".strip()
    yield (
        f"{IMAGE}/{_item(visit.tag or UNTAGGED)}",
        _value(
            base=base.name or ("" if base.source else "unknown"),
            base_layers=str(base.count),
            base_source=base.source or "unknown",
            digest=visit.digest or visit.image_id,
            eosl="yes" if report.end_of_life else "no",
            id=visit.image_id,
            layers=str(len(layers)),
            os=system or "unknown",
        ),
    )
    if report.end_of_life:
        yield END_OF_LIFE, _value(os=system, severity=Severity.HIGH.value)
    for found in report.vulnerabilities:
        yield (
            _vulnerability_key(found),
            _value(
                cvss=found.score,
                cvss_source=found.score_source,
                fixed=found.fixed,
                installed=found.installed,
                layer=part_of(found.layer, layers, base),
                package=found.package,
                severity=found.severity.value,
                severity_source=found.severity_source,
                status=found.status,
                title=found.title,
            ),
        )
    for secret in report.secrets:
        # What lies in no layer lies in the configuration, which the application's build wrote last.
        where = part_of(secret.layer, layers, base) if secret.layer else "configuration"
        path = secret.path if secret.layer else "configuration"
        yield (
            f"{SECRET}/{_item(f'{secret.rule}:{path}')}",
            _value(category=secret.category, layer=where, severity=secret.severity.value, title=secret.title),
        )
    for failed in report.misconfigurations:
        severity = failed.severity
        if failed.id not in _SURE_CHECKS:
            severity = min(severity, Severity.LOW, key=lambda one: one.rank)
        yield (
            f"{CONFIGURATION}/{_item(failed.id)}",
            _value(message=failed.message, severity=severity.value, title=failed.title),
        )


def _vulnerability_key(found: Vulnerability) -> str:
    """Recognised by package, path and CVE: a version that moved and is still vulnerable is the same problem."""
    purl = _VERSION.sub("", re.split(r"[?#]", found.purl, maxsplit=1)[0]) or f"pkg:generic/{found.package}"
    where = f"#{found.path}" if found.path else ""
    return f"{VULNERABILITY}/{_item(f'{purl}{where}:{found.id}')}"


def _item(text: str) -> str:
    """A key's item: two long ones that begin alike stay two."""
    shown = printable(text, 4_000)
    if len(shown) <= _LONGEST_ITEM:
        return "\\*" if shown == "*" else shown
    return f"{shown[:_LONGEST_ITEM]}…{hashlib.sha256(shown.encode()).hexdigest()[:16]}"


def _value(**told: str) -> Attributes:
    return tuple(sorted((name, printable(text, 500)) for name, text in told.items()))
