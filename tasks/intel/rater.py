"""Bring one document of knowledge about some packages: what OSV answers, and what KEV and EPSS say of that."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from threading import Event

import httpx

from estate.errors import BadReport
from estate.intel.feeds import read_epss, read_kev
from estate.intel.knowledge import Exploited, Knowledge
from estate.intel.packages import Asked
from estate.manifest.settings import IntelSettings
from estate.store.database import home
from tasks.intel.cache import Cache
from tasks.intel.feeds import fetch_feed
from tasks.intel.osv import ask_osv

_TIMEOUT = httpx.Timeout(40.0, connect=5.0)
_PATIENCE_SECONDS = 120.0


def known_exploited(url: str) -> frozenset[str] | None:
    """Every CVE of the catalogue at this place; None where neither it nor an earlier copy was to be had."""
    cache = Cache(home() / "intel" / "cache.db")
    agent = {"User-Agent": f"roundsman/{version('roundsman')}"}
    with httpx.Client(timeout=_TIMEOUT, headers=agent) as client:
        body = fetch_feed(client, url, cache, datetime.now(UTC), read_kev)
    try:
        return frozenset(read_kev(body).entries) if body is not None else None
    except BadReport:
        return None


@dataclass(frozen=True, slots=True)
class Rater:
    """Asks what `[intel]` of estate.toml names; about packages only, never about the host that has them."""

    settings: IntelSettings
    stop: Event

    def know(self, wanted: Collection[Asked]) -> Knowledge:
        """Ask; what does not come in time is missing, and said to be."""
        now = datetime.now(UTC)
        ending = time.monotonic() + _PATIENCE_SECONDS
        cache = Cache(home() / "intel" / "cache.db")
        since = now - timedelta(hours=self.settings.hours)
        agent = {"User-Agent": f"roundsman/{version('roundsman')}"}
        with httpx.Client(timeout=_TIMEOUT, headers=agent) as client:
            url = (self.settings.osv or "").rstrip("/")
            answered = ask_osv(
                client,
                url,
                sorted(wanted),
                cache,
                now,
                since,
                lambda: self.stop.is_set() or time.monotonic() > ending,
            )
            cves = {cve for record in answered.records.values() for cve in record.cves}
            kev, kev_version = self._kev(client, cache, now, cves)
            epss, epss_version = self._epss(client, cache, now, cves)
        versions = {"osv": f"{now:%Y-%m-%dT%H:%MZ}", "kev": kev_version, "epss": epss_version}
        return Knowledge(
            now,
            tuple((*asked, ids) for asked, ids in sorted(answered.answers.items())),
            dict(sorted(answered.records.items())),
            answered.failed,
            kev,
            epss,
            {name: word for name, word in versions.items() if word},
        )

    def _kev(
        self, client: httpx.Client, cache: Cache, now: datetime, cves: Collection[str]
    ) -> tuple[dict[str, Exploited] | None, str]:
        if not self.settings.kev:
            return {}, ""  # nobody wants it, which is not the same as not having got it
        body = fetch_feed(client, self.settings.kev, cache, now, read_kev)
        try:
            found = read_kev(body) if body is not None else None
        except BadReport:
            found = None
        if found is None:
            return None, ""
        return {cve: found.entries[cve] for cve in sorted(cves) if cve in found.entries}, found.version

    def _epss(
        self, client: httpx.Client, cache: Cache, now: datetime, cves: Collection[str]
    ) -> tuple[dict[str, float] | None, str]:
        body = fetch_feed(client, self.settings.epss, cache, now, read_epss) if self.settings.epss else None
        try:
            found = read_epss(body) if body is not None else None
        except BadReport:
            found = None
        if found is None:
            return None, ""
        return {cve: found.scores[cve] for cve in sorted(cves) if cve in found.scores}, found.version
