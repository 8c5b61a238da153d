"""One inventory over every place that shows a certificate, and what only several places together tell."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from estate.assets import Asset
from estate.certificates.certificate import Certificate
from estate.certificates.facts import problem_key, spell_place
from estate.certificates.ladder import rung_of
from estate.certificates.names import Canonical
from estate.certificates.relations import DEPLOYMENT_LAG, HALF_ROLLED_OUT, KEY_REUSE, WILDCARD_SPREAD
from estate.findings import Detection, Rule, Ruling, Severity

LEAF = "leaf"
_WILDCARD_ASSETS = 3
_MANY_ASSETS = 10
_GRACE = timedelta(days=1)
_SHOWN = 3

Group = TypeVar("Group")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A certificate as it was seen once.

    `source` is who says so (`tls`, `file`, later `kubernetes`, `keyvault`, `acm`); `place` is the key of the fact
    (`certificate/443/web.example`); `role` is `leaf`, `intermediate` or `root`; `address` and `sni` are what was asked.
    """

    certificate: Certificate
    asset: Asset
    source: str
    place: str
    role: str
    address: str
    sni: str | None
    time: datetime

    def __str__(self) -> str:
        return spell_place(self.asset, self.place)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Sightings of leaf certificates as they are now: of each place and address only the latest."""

    leaves: tuple[Sighting, ...]

    @staticmethod
    def of(sightings: Iterable[Sighting]) -> "Inventory":
        """Keep what holds, in the order of places; the order of arrival does not matter."""
        latest: dict[tuple[Asset, str, str], Sighting] = {}
        for seen in sightings:
            if seen.role == LEAF:
                at = (seen.asset, seen.place, seen.address)
                before = latest.get(at)
                if before is None or _age(seen) > _age(before):
                    latest[at] = seen
        return Inventory(tuple(latest[at] for at in sorted(latest)))

    def places(self, sha256: str) -> tuple[Sighting, ...]:
        """Where a certificate is shown."""
        return tuple(seen for seen in self.leaves if seen.certificate.sha256 == sha256)

    def judge(self, now: datetime) -> Iterator[Ruling]:
        """Each rule's word on each place: present with its evidence, or absent."""
        told: dict[tuple[Rule, Asset, str], tuple[Severity, str]] = {}
        for rule, judge in (
            (KEY_REUSE, _key_reuse),
            (WILDCARD_SPREAD, _wildcard_spread),
            (HALF_ROLLED_OUT, _half_rolled_out),
            (DEPLOYMENT_LAG, _deployment_lag),
        ):
            for seen, severity, evidence in judge(self.leaves, now):
                told.setdefault((rule, seen.asset, seen.place), (severity, evidence))
        for asset, place in dict.fromkeys((seen.asset, seen.place) for seen in self.leaves):
            for rule in (KEY_REUSE, WILDCARD_SPREAD, HALF_ROLLED_OUT, DEPLOYMENT_LAG):
                # A roll-out under way is a lag as well; it is told once, by the nearer name.
                hidden = rule is DEPLOYMENT_LAG and (HALF_ROLLED_OUT, asset, place) in told
                severity, evidence = told.get((rule, asset, place), (Severity.INFO, ""))
                detection = Detection.PRESENT if evidence and not hidden else Detection.ABSENT
                subject = f"{rule.title}: {spell_place(asset, place)}"
                yield Ruling(rule, asset, problem_key(place, rule.name), severity, detection, subject, evidence)


_Told = Iterator[tuple[Sighting, Severity, str]]


def _key_reuse(leaves: tuple[Sighting, ...], _: datetime) -> _Told:
    """One key under different certificates, or one certificate at places that are no replicas of each other."""
    for sharing in _grouped(leaves, lambda seen: seen.certificate.key.spki_sha256).values():
        served = {(seen.asset, seen.place) for seen in sharing if seen.source != "file"}
        certificates = {seen.certificate.sha256: seen.certificate for seen in sharing}
        assets = {seen.asset for seen in sharing}
        different_names = len({_names(certificate) for certificate in certificates.values()}) > 1
        names = {seen.sni for seen in sharing if seen.sni and seen.source != "file"}
        no_replicas = len(names) > 1 and len(assets) > 1
        if not different_names and not (no_replicas and len(served) > 1):
            continue
        severity = Severity.HIGH if len(assets) >= _MANY_ASSETS else Severity.MEDIUM
        places = _places(sharing)
        if len(places) > 1:
            for seen in sharing:
                yield seen, severity if different_names else Severity.LOW, f"the same key at {_others(places, seen)}"


def _wildcard_spread(leaves: tuple[Sighting, ...], _: datetime) -> _Told:
    wild = tuple(seen for seen in leaves if seen.certificate.wildcard)
    for sharing in _grouped(wild, lambda seen: seen.certificate.key.spki_sha256).values():
        assets = {seen.asset for seen in sharing}
        if len(assets) >= _WILDCARD_ASSETS:
            severity = Severity.MEDIUM if len(assets) >= _MANY_ASSETS else Severity.LOW
            places = _places(sharing)
            for seen in sharing:
                wildcards = [name for name in seen.certificate.dns_names if name.startswith("*.")][:_SHOWN]
                others = _others(places, seen)
                yield seen, severity, f"the key of {', '.join(wildcards)} is on {len(assets)} machines, also {others}"


def _half_rolled_out(leaves: tuple[Sighting, ...], now: datetime) -> _Told:
    """Replicas are addresses or assets that were asked for the same name at the same port."""
    named = tuple(seen for seen in leaves if seen.sni and seen.source != "file")
    for replicas in _grouped(named, lambda seen: (seen.place, seen.asset.zone, seen.certificate.key.kind)).values():
        newest = max(replicas, key=_issued)
        for seen in replicas:
            if seen.certificate != newest.certificate:
                yield seen, _lag_severity(seen, now), _behind(seen, newest)


def _deployment_lag(leaves: tuple[Sighting, ...], now: datetime) -> _Told:
    """Of certificates for the same names by the same CA the older one; a roll-out has a day, or a tenth of a life."""

    def line(seen: Sighting) -> tuple[frozenset[str], str, Canonical]:
        certificate = seen.certificate
        return _names(certificate), certificate.key.kind, certificate.issuer.canonical

    for sharing in _grouped(leaves, line).values():
        newest = max(sharing, key=_issued)
        grace = min(_GRACE, newest.certificate.lifetime / 10)
        if not newest.certificate.names or now - newest.certificate.not_before < grace:
            continue
        fresh = {(seen.asset, seen.place) for seen in sharing if seen.certificate == newest.certificate}
        for seen in sharing:
            # An old file next to the new one is a backup, and no place that serves anybody.
            if (seen.asset, seen.place) not in fresh and seen.source != "file":
                yield seen, _lag_severity(seen, now), _behind(seen, newest)


def _lag_severity(seen: Sighting, now: datetime) -> Severity:
    """Worse when the old one is near its end."""
    certificate = seen.certificate
    return Severity.HIGH if rung_of(certificate.lifetime, certificate.not_after, now) else Severity.MEDIUM


def _behind(seen: Sighting, newest: Sighting) -> str:
    old, new = seen.certificate, newest.certificate
    return (
        f"{old} of {old.not_before:%Y-%m-%d} (until {old.not_after:%Y-%m-%d}) is shown; "
        f"{newest} has that of {new.not_before:%Y-%m-%d} (until {new.not_after:%Y-%m-%d})"
    )


def _grouped(sightings: Iterable[Sighting], key: Callable[[Sighting], Group]) -> Mapping[Group, tuple[Sighting, ...]]:
    """Sightings that have something in common, where there are at least two."""
    groups: dict[Group, list[Sighting]] = {}
    for seen in sightings:
        groups.setdefault(key(seen), []).append(seen)
    return {name: tuple(members) for name, members in groups.items() if len(members) > 1}


def _names(certificate: Certificate) -> frozenset[str]:
    return frozenset(certificate.names)


def _age(seen: Sighting) -> tuple[datetime, str]:
    return seen.time, seen.certificate.sha256


def _issued(seen: Sighting) -> tuple[datetime, str]:
    return seen.certificate.not_before, seen.certificate.sha256


def _places(sightings: Iterable[Sighting]) -> list[str]:
    return list(dict.fromkeys(map(str, sightings)))


def _others(places: list[str], seen: Sighting) -> str:
    """The other places, of many the first."""
    own = str(seen)
    shown = [place for place in places[: _SHOWN + 1] if place != own][:_SHOWN]
    left = len(places) - 1 - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")
