"""KEV and EPSS as their publishers write them."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from estate.errors import BadReport
from estate.intel.knowledge import Exploited

_OBJECT = TypeAdapter(dict[str, object])


@dataclass(frozen=True, slots=True)
class Kev:
    """CISA's catalogue: its version, and the entries by CVE."""

    version: str
    entries: Mapping[str, Exploited]


@dataclass(frozen=True, slots=True)
class Epss:
    """Probabilities by CVE, and the day that they are of."""

    version: str
    scores: Mapping[str, float]


def read_kev(text: bytes) -> Kev:
    """Read the catalogue's JSON (schema: https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities_schema.json).

    Raises:
        BadReport: it is no catalogue, or an empty one.
    """
    try:
        told = _OBJECT.validate_json(text)
    except ValidationError:
        raise BadReport("the KEV catalogue is no JSON object") from None
    rows = told.get("vulnerabilities")
    entries = {
        str(row["cveID"]): Exploited(str(row.get("dateAdded", "")), row.get("knownRansomwareCampaignUse") == "Known")
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and "cveID" in row
    }
    if not entries:
        raise BadReport("the KEV catalogue has no entries")
    return Kev(str(told.get("catalogVersion", "")), entries)


def read_epss(text: bytes) -> Epss:
    """Read the uncompressed CSV: a comment with the day, a head, and `cve,epss,percentile` rows.

    Raises:
        BadReport: it is no such file, or an empty one.
    """
    stream = io.StringIO(text.decode("utf-8", "replace"))
    first = stream.readline()
    if not first.startswith("#"):
        stream.seek(0)
    day = next((word.partition(":")[2] for word in first.split(",") if word.startswith("score_date:")), "")
    scores: dict[str, float] = {}
    try:
        for row in csv.DictReader(stream):
            scores[row["cve"]] = min(1.0, max(0.0, float(row["epss"])))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise BadReport(f"the EPSS file cannot be read: {type(error).__name__}") from None
    if not scores:
        raise BadReport("the EPSS file has no rows")
    return Epss(day.strip()[:10], scores)
