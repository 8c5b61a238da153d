"""Whether Trivy's vulnerability database sees anything at all, and how old it is."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from estate.containers.image import WORKS
from estate.text import printable
from tasks.containers.server import server_database
from tasks.containers.trivy_run import Patience, TrivyFailed, holding, run_trivy, trivy_version

_CANARY = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "components": [
        {
            "type": "library",
            "bom-ref": "pkg:pypi/requests@2.30.0",
            "name": "requests",
            "version": "2.30.0",
            "purl": "pkg:pypi/requests@2.30.0",
        }
    ],
}
_KNOWN = "CVE-2023-32681"
"""Of requests before 2.31.0; whoever does not know it knows nothing."""
_CANARY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Canary:
    """Trivy's version, when its database was built, and `ok` or why the database is not to be trusted."""

    trivy: str = ""
    database: str = ""
    verdict: str = "not-asked"


def check_database(cache: Path, *, deadline: float = _CANARY_SECONDS, cancelled: Event | None = None) -> Canary:
    """Ask for one vulnerability that every database has: a cut one is made anew by Trivy, empty, and without a word.

    Raises:
        TrivyFailed: Trivy is missing, too old, or was held up.
    """
    patience = Patience(deadline, cancelled)
    with holding(cache, patience):
        return prove_database(cache, patience)


def aged(found: Canary, days: int, now: datetime) -> Canary:
    """The same, not to be trusted where the database is older than so many days, or nobody knows its age."""
    if found.verdict != WORKS:
        return found
    built = moment_of(found.database)
    if built is not None and timedelta(days=-1) <= now - built <= timedelta(days=days):
        return found
    told = f"{built:%Y-%m-%d}" if built else "nobody knows when"
    return replace(found, verdict=f"the database is of {told}; {days} days are allowed")


def moment_of(text: str) -> datetime | None:
    """A time in RFC 3339, of which Trivy writes nanoseconds."""
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def prove_database(cache: Path, patience: Patience) -> Canary:
    """The same for whoever holds the cache.

    Raises:
        TrivyFailed: Trivy is missing, too old, or was held up.
    """
    version, database = trivy_version(cache, patience), database_of(cache, patience)
    with TemporaryDirectory(prefix="roundsman-canary-") as work:
        asked, output = Path(work) / "canary.cdx.json", Path(work) / "canary.json"
        asked.write_text(json.dumps(_CANARY))
        settings = {"TRIVY_FORMAT": "json", "TRIVY_OUTPUT": str(output)}
        try:
            run_trivy(("sbom", str(asked)), settings, cache, patience)
            seen = _KNOWN in output.read_text("utf-8", "replace")
        except TrivyFailed as error:
            if error.word in {"cancelled", "timeout", "locked", "no-tool"}:
                raise
            return Canary(version, database, f"{error.word}: {error.detail}"[:300])
        except OSError:
            seen = False
    return Canary(version, database, WORKS if seen else f"{_KNOWN} of requests 2.30.0 was not found")


def database_of(cache: Path, patience: Patience) -> str:
    """When the database was built that is asked now, be it a server's; empty where that is not known."""
    return server_database(patience) or database_age(cache)


def database_age(cache: Path) -> str:
    """When the database in a cache was built, in its own words; empty where there is none."""
    try:
        told = json.loads((cache / "db" / "metadata.json").read_text())
        return printable(str(told["UpdatedAt"]), 60)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
