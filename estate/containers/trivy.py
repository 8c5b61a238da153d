"""A report of Trivy (JSON, schema 2), read strictly into frozen values; lists that it leaves out are empty.

Shapes as in https://github.com/aquasecurity/trivy/blob/main/pkg/types/report.go.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from estate.errors import BadReport
from estate.findings import Severity
from estate.text import printable

MOST_BYTES = 512 * 1024 * 1024
_SCHEMA = 2
_MOST_DEPTH = 60
_SPELLED = re.compile(r"\A(?:AVD-)?DS-0(\d{3})\Z")
_SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "UNKNOWN": Severity.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one package; `layer` is the DiffID of the first layer that has the package."""

    id: str
    package: str
    purl: str
    path: str
    installed: str
    fixed: str
    status: str
    severity: Severity
    severity_source: str
    score: str
    score_source: str
    title: str
    layer: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that was found: the rule and the place; what it is was never read."""

    rule: str
    category: str
    severity: Severity
    title: str
    path: str
    layer: str


@dataclass(frozen=True, slots=True)
class Misconfiguration:
    """A failed check of the image's configuration."""

    id: str
    severity: Severity
    title: str
    message: str
    resolution: str


@dataclass(frozen=True, slots=True)
class TrivyReport:
    """What a report says; `os_family` is empty where none was recognised, and then nothing is known of its packages."""

    os_family: str
    os_name: str
    end_of_life: bool
    image_id: str
    layers: tuple[str, ...]
    repo_digests: tuple[str, ...]
    created_layers: int
    vulnerabilities: tuple[Vulnerability, ...]
    secrets: tuple[Secret, ...]
    misconfigurations: tuple[Misconfiguration, ...]
    classes: frozenset[str]


def read_trivy(stream: BinaryIO) -> TrivyReport:
    """Read a report.

    Raises:
        BadReport: it is none, is of another schema, or is too large.
    """
    text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise BadReport(f"a report of Trivy with more than {MOST_BYTES:,} bytes")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise BadReport("this is no report of Trivy: no JSON, or cut short") from None
    if not isinstance(told, dict) or told.get("SchemaVersion") != _SCHEMA:
        raise BadReport("this is no report of Trivy of schema 2")
    metadata = _object(told.get("Metadata"))
    system = _object(metadata.get("OS"))
    results = _objects(told.get("Results"))
    return TrivyReport(
        _word(system, "Family"),
        _word(system, "Name"),
        system.get("EOSL") is True,
        _word(metadata, "ImageID"),
        _words(metadata.get("DiffIDs")),
        _words(metadata.get("RepoDigests")),
        len(_words(metadata.get("DiffIDs"))),
        tuple(found for result in results for found in _vulnerabilities(result)),
        tuple(found for result in results for found in _secrets(result)),
        tuple(found for result in results for found in _misconfigurations(result)),
        frozenset(_word(result, "Class") for result in results),
    )


def _vulnerabilities(result: Mapping[str, object]) -> Iterator[Vulnerability]:
    for one in _objects(result.get("Vulnerabilities")):
        identity, package = _word(one, "VulnerabilityID"), _word(one, "PkgName")
        if not identity or not package:
            raise BadReport("a vulnerability in Trivy's report without its id or package")
        score, source = _score(_object(one.get("CVSS")), _word(one, "SeveritySource"))
        yield Vulnerability(
            identity,
            package,
            _word(_object(one.get("PkgIdentifier")), "PURL"),
            _word(one, "PkgPath"),
            _word(one, "InstalledVersion"),
            _word(one, "FixedVersion"),
            _word(one, "Status"),
            _SEVERITIES.get(_word(one, "Severity"), Severity.MEDIUM),
            _word(one, "SeveritySource"),
            score,
            source,
            _word(one, "Title")[:200],
            _word(_object(one.get("Layer")), "DiffID"),
        )


def _score(rated: Mapping[str, object], preferred: str) -> tuple[str, str]:
    """The base score and who gave it: whoever gave the severity first, then NVD, then by name; newest CVSS first."""
    for source in dict.fromkeys((preferred, "nvd", *sorted(rated))):
        scores = _object(rated.get(source))
        for name in ("V40Score", "V3Score", "V2Score"):
            value = scores.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10:
                return f"{value:.1f}", source
    return "", ""


def _secrets(result: Mapping[str, object]) -> Iterator[Secret]:
    for one in _objects(result.get("Secrets")):
        yield Secret(
            _word(one, "RuleID") or "unknown",
            _word(one, "Category"),
            _SEVERITIES.get(_word(one, "Severity"), Severity.HIGH),
            _word(one, "Title")[:200],
            _word(result, "Target"),
            _word(_object(one.get("Layer")), "DiffID"),
        )


def _misconfigurations(result: Mapping[str, object]) -> Iterator[Misconfiguration]:
    for one in _objects(result.get("Misconfigurations")):
        if _word(one, "Status") in {"", "FAIL"}:
            yield Misconfiguration(
                check_id(_word(one, "ID")) or "unknown",
                _SEVERITIES.get(_word(one, "Severity"), Severity.LOW),
                _word(one, "Title")[:200],
                _word(one, "Message")[:300],
                _word(one, "Resolution")[:300],
            )


def check_id(text: str) -> str:
    """A check by its short name: newer versions spell `DS031` as `DS-0031` and `AVD-DS-0031`."""
    return _SPELLED.sub(r"DS\1", text)


def _object(told: object) -> Mapping[str, object]:
    return told if isinstance(told, dict) else {}


def _objects(told: object) -> tuple[Mapping[str, object], ...]:
    return tuple(one for one in told if isinstance(one, dict)) if isinstance(told, list) else ()


def _words(told: object) -> tuple[str, ...]:
    return tuple(printable(one) for one in told if isinstance(one, str)) if isinstance(told, list) else ()


def _word(told: Mapping[str, object], name: str) -> str:
    value = told.get(name)
    return printable(value, 1_000) if isinstance(value, str) else ""
