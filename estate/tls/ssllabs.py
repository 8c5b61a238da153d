"""A second opinion: which names SSL Labs may be asked about, what it answered, and where its grade is not ours.

Its API is described in `ssllabs-api-docs-v4.md` of ssllabs/ssllabs-scan. It sees public names on port 443 only, and
whoever asks tells Qualys that the name is there: so nothing is sent that is not public beyond doubt.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from estate.assets import canonical_address
from estate.errors import BadReport
from estate.text import printable
from estate.tls.rating import Rating

MEDIA = "ssllabs"
PORT = 443
GRADES = frozenset({"A+", "A", "A-", "B", "C", "D", "E", "F", "M", "T"})
_LONGEST = 64 * 1024 * 1024
_INTERNAL = frozenset(
    {
        *("local", "internal", "intranet", "lan", "corp", "home", "mail", "private", "localdomain", "localhost"),
        *("test", "invalid", "example", "onion", "alt", "arpa"),
    }
)
"""Last labels that no public name has: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, ICANN's SAC113 and its list of
names that collide. `home.arpa` is among `arpa`."""


def secret_because(name: str | None, addresses: Sequence[str]) -> str:
    """Why a name is never sent to SSL Labs; empty where it may be.

    Args:
        name: what an endpoint is asked by.
        addresses: everything that the name resolves to at this moment.
    """
    if name is None or canonical_address(name) is not None:
        return "it has no name"
    labels = name.rstrip(".").split(".")
    if len(labels) < 2:
        return f"{name} is a name of the house: it has a single label"
    if labels[-1] in _INTERNAL:
        return f"{name} is a name of the house: .{labels[-1]} is not public"
    if not addresses:
        return f"{name} resolves to nothing"
    inner = next((address for address in addresses if not _is_public(address)), None)
    return f"{name} resolves to {inner}, which is not public" if inner else ""


def _is_public(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or mapped.is_global)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, populate_by_name=True)


class _Endpoint(_Told):
    """`Endpoint` of its documentation, as far as we read it; while it is assessed it has no grade."""

    address: str = Field(alias="ipAddress", max_length=100)
    status: str = Field("", alias="statusMessage", max_length=1_000)
    grade: str | None = Field(None, max_length=10)
    trust_ignored: str | None = Field(None, alias="gradeTrustIgnored", max_length=10)


class _Host(_Told):
    """`Host` of its documentation."""

    host: str = Field(max_length=300)
    status: str = Field(max_length=100)
    message: str = Field("", alias="statusMessage", max_length=1_000)
    criteria: str = Field("", alias="criteriaVersion", max_length=100)
    endpoints: tuple[_Endpoint, ...] = Field((), max_length=1_000, strict=False)


class _Document(_Told):
    """What we keep: whom we asked about, what came of it, and the report as it was sent."""

    asked: str = Field(max_length=300)
    failed: str = Field(max_length=1_000)
    report: _Host | None


@dataclass(frozen=True, slots=True)
class Given:
    """Its grade of one address."""

    grade: str
    trust_ignored: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """What SSL Labs said of a name: the grade of each address, and why others have none."""

    name: str
    criteria: str
    grades: Mapping[str, Given]
    failed: Mapping[str, str]
    reason: str

    def at(self, address: str) -> Given | str:
        """The grade of an address, or why there is none."""
        found = self.grades.get(address)
        return found or self.failed.get(address) or self.reason or "SSL Labs saw another address"


def read_ssllabs(stream: BinaryIO) -> Opinion:
    """Read the evidence of one name.

    Raises:
        BadReport: it is something else.
    """
    body = stream.read(_LONGEST + 1)
    if len(body) > _LONGEST:
        raise BadReport("an SSL Labs report of more than 64 MB")
    try:
        told = _Document.model_validate(json.loads(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadReport(f"not an SSL Labs report: {place}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise BadReport(f"not an SSL Labs report: {error}") from None
    report = told.report
    if report is None or told.failed:
        return Opinion(told.asked, "", {}, {}, told.failed or "nothing came")
    if report.status != "READY":
        return Opinion(told.asked, "", {}, {}, report.message or report.status)
    grades, failed = {}, {}
    for endpoint in report.endpoints:
        address = canonical_address(endpoint.address)
        if address is None:
            continue
        if endpoint.grade in GRADES:
            aside = endpoint.trust_ignored if endpoint.trust_ignored in GRADES else endpoint.grade
            grades[address] = Given(endpoint.grade, aside)
        else:
            failed[address] = endpoint.status or "no grade"
    return Opinion(told.asked, report.criteria, grades, failed, "" if report.endpoints else "no address was assessed")


def difference(ours: Rating, theirs: Given) -> str:
    """In which way the two grades differ, in words; empty where they are the same."""
    if ours.grade == theirs.grade and (ours.grade_trust_ignored == theirs.trust_ignored):
        return ""
    aside = ""
    if theirs.trust_ignored != theirs.grade or ours.grade_trust_ignored != ours.grade:
        aside = f" (with trust ignored: ours {ours.grade_trust_ignored}, SSL Labs' {theirs.trust_ignored})"
    return printable(f"ours is {ours.grade}, SSL Labs' is {theirs.grade}{aside}", 200)
