"""Records of OSV, of which only what rating needs is kept: which versions a fix ends, and how bad it is.

Shapes as in the OSV schema, https://ossf.github.io/osv-schema/.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from estate.errors import BadReport
from estate.text import printable

_CVE = re.compile(r"(?:[A-Z]+-)?(CVE-\d{4}-\d{4,19})\Z")
_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Affected:
    """One package in a record; `fixed` are the versions in which a fix came, `urgency` the distribution's own word."""

    ecosystem: str
    name: str
    fixed: tuple[str, ...] = ()
    urgency: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `severity` are (type, vector or word) pairs, as `("CVSS_V3", "CVSS:3.1/AV:N/…")`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    id: str
    modified: str
    cves: tuple[str, ...] = ()
    summary: str = ""
    affected: tuple[Affected, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()
    withdrawn: bool = False

    def fixed_in(self, ecosystem: str, name: str) -> tuple[str, ...]:
        """The versions in which this package of this ecosystem was fixed."""
        return tuple(
            version for one in self.affected if (one.ecosystem, one.name) == (ecosystem, name) for version in one.fixed
        )

    def urgency_of(self, ecosystem: str, name: str) -> str:
        """What the distribution says of it there."""
        return next((one.urgency for one in self.affected if (one.ecosystem, one.name) == (ecosystem, name)), "")


_OBJECT = TypeAdapter(dict[str, object])


def read_record(text: bytes) -> Record:
    """Read an answer of `GET /v1/vulns/{id}`.

    Raises:
        BadReport: it is none.
    """
    try:
        told = _OBJECT.validate_json(text)
    except ValidationError:
        raise BadReport("an answer of OSV is no JSON object") from None
    identity, modified = told.get("id"), told.get("modified")
    if not isinstance(identity, str) or not isinstance(modified, str):
        raise BadReport("a record of OSV without id or time")
    return Record(
        printable(identity, 100),
        printable(modified, 40),
        tuple(sorted(_cves(told, identity))),
        printable(str(told.get("summary") or ""), 300),
        tuple(_affected(told)),
        tuple(_severity(told.get("severity"))),
        "withdrawn" in told,
    )


def _cves(told: Mapping[str, object], identity: str) -> set[str]:
    """Every CVE that the record is about; what it is merely related to does not count."""
    names = [identity, *_words(told.get("aliases")), *_words(told.get("upstream"))]
    return {match[1] for name in names if (match := _CVE.match(name))}


def _affected(told: Mapping[str, object]) -> Iterator[Affected]:
    for one in _objects(told.get("affected")):
        package = one.get("package")
        if not isinstance(package, dict):
            continue
        fixed = (
            str(event["fixed"])
            for each in _objects(one.get("ranges"))
            if each.get("type") != "GIT"
            for event in _objects(each.get("events"))
            if "fixed" in event
        )
        specific = one.get("ecosystem_specific")
        urgency = specific.get("urgency", "") if isinstance(specific, dict) else ""
        yield Affected(
            printable(str(package.get("ecosystem", "")), 100),
            printable(str(package.get("name", "")), 200),
            tuple(printable(version, 100) for version in fixed),
            printable(str(urgency), 40),
        )


def _severity(told: object) -> Iterator[tuple[str, str]]:
    for one in _objects(told):
        yield printable(str(one.get("type", "")), 20), printable(str(one.get("score", "")), 200)


def _objects(told: object) -> Iterable[Mapping[str, object]]:
    return [one for one in told[:_MOST] if isinstance(one, dict)] if isinstance(told, list) else ()


def _words(told: object) -> Iterable[str]:
    return [one for one in told[:_MOST] if isinstance(one, str)] if isinstance(told, list) else ()
