"""One inventory over every place that shows a certificate, and what only several places together tell.

It is made from facts and not from one run's evidence, so that places which are asked by different runs are compared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from estate.assets import Asset
from estate.certificates.facts import FILES, problem_key, spell_place, split_place
from estate.certificates.ladder import rung_of
from estate.certificates.relations import DEPLOYMENT_LAG, HALF_ROLLED_OUT, KEY_REUSE, WILDCARD_SPREAD
from estate.findings import Detection, Rule, Ruling, Severity
from estate.observations import Attributes

_WILDCARD_ASSETS = 3
_MANY_ASSETS = 10
_GRACE = timedelta(days=1)
_SHOWN = 3
_BY_SIGHT = (Detection.PRESENT, Detection.SUSPECTED_ABSENT, Detection.UNOBSERVED)

Group = TypeVar("Group")


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the fact of a place says of the certificate there."""

    sha256: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    kind: str
    spki: str
    not_before: datetime
    not_after: datetime

    @staticmethod
    def of(value: Attributes) -> "Leaf | None":
        """From a fact's attributes, or None where they are not those of a certificate."""
        told = dict(value)
        try:
            return Leaf(
                told["sha256"],
                told["subject"],
                told["issuer"],
                tuple(name for name in told["names"].split() if name != "-"),
                told["key"].partition(" ")[0],
                told["spki"],
                datetime.fromisoformat(told["not_before"]),
                datetime.fromisoformat(told["not_after"]),
            )
        except (KeyError, ValueError):
            return None

    @property
    def lifetime(self) -> timedelta:
        """From its first moment to its last."""
        return self.not_after - self.not_before

    @property
    def wildcards(self) -> tuple[str, ...]:
        """Names that stand for many."""
        return tuple(name for name in self.names if name.startswith("*."))

    def __str__(self) -> str:
        return self.subject if self.subject != "-" or not self.names else self.names[0]


@dataclass(frozen=True, slots=True)
class Held:
    """A place with its certificate as it is known from one vantage; `detection` is how well it is in sight."""

    asset: Asset
    vantage: str
    place: str
    leaf: Leaf
    detection: Detection = Detection.PRESENT

    @property
    def served(self) -> bool:
        """Whether a server shows it, and it does not only lie on a disk."""
        return not self.place.startswith(f"{FILES}/")

    @property
    def sni(self) -> str | None:
        """The name that was asked for there."""
        return split_place(self.place)[1] if self.served else None

    def __str__(self) -> str:
        return spell_place(self.asset, self.place)


_Told = Iterator[tuple[Held, Severity, str]]
_Judge = Callable[[Sequence[Held], datetime], _Told]


def relate(held: Iterable[Held], now: datetime) -> Iterator[tuple[str, Ruling]]:
    """Every relation that holds, with the vantage of its place; a place without one is not mentioned.

    A relation is as well in sight as the least of the places that it takes: what holds only with a place that nobody
    could look at is not seen now, and neither is it over.
    """
    every = sorted(held, key=lambda one: (one.asset, one.place, one.vantage))
    told: dict[tuple[Rule, Asset, str, str], Ruling] = {}
    for number, detection in enumerate(_BY_SIGHT):
        if number and all(one.detection is not detection for one in every):
            continue
        seen = [one for one in every if one.detection in _BY_SIGHT[: number + 1]]
        for rule, one, severity, evidence in _firing(seen, now):
            subject = f"{rule.title}: {one}"
            locator = problem_key(one.place, rule.name)
            ruling = Ruling(rule, one.asset, locator, severity, detection, subject, evidence)
            told.setdefault((rule, one.asset, one.place, one.vantage), ruling)
    for (_, _, _, vantage), ruling in told.items():
        yield vantage, ruling


def _firing(seen: Sequence[Held], now: datetime) -> Iterator[tuple[Rule, Held, Severity, str]]:
    rolling = {one: (severity, evidence) for one, severity, evidence in _half_rolled_out(seen, now)}
    for rule, judge in ((KEY_REUSE, _key_reuse), (WILDCARD_SPREAD, _wildcard_spread)):
        for one, severity, evidence in judge(seen, now):
            yield rule, one, severity, evidence
    for one, (severity, evidence) in rolling.items():
        yield HALF_ROLLED_OUT, one, severity, evidence
    for one, severity, evidence in _deployment_lag(seen, now):
        # A roll-out under way is a lag as well; it is told once, by the nearer name.
        if one not in rolling:
            yield DEPLOYMENT_LAG, one, severity, evidence


def _key_reuse(seen: Sequence[Held], _: datetime) -> _Told:
    """One key under different certificates, or one certificate at places that are no replicas of each other."""
    for sharing in _grouped(seen, lambda one: one.leaf.spki).values():
        served = {(one.asset, one.place) for one in sharing if one.served}
        assets = {one.asset for one in sharing}
        different_names = len({frozenset(one.leaf.names) for one in sharing}) > 1
        names = {one.sni for one in sharing if one.sni}
        no_replicas = len(names) > 1 and len(assets) > 1
        if not different_names and not (no_replicas and len(served) > 1):
            continue
        severity = Severity.HIGH if len(assets) >= _MANY_ASSETS else Severity.MEDIUM
        places = _places(sharing)
        if len(places) > 1:
            for one in sharing:
                evidence = f"the same key ({one.leaf.spki[:16]}) at {_others(places, one)}"
                yield one, severity if different_names else Severity.LOW, evidence


def _wildcard_spread(seen: Sequence[Held], _: datetime) -> _Told:
    for sharing in _grouped([one for one in seen if one.leaf.wildcards], lambda one: one.leaf.spki).values():
        assets = {one.asset for one in sharing}
        if len(assets) >= _WILDCARD_ASSETS:
            severity = Severity.MEDIUM if len(assets) >= _MANY_ASSETS else Severity.LOW
            places = _places(sharing)
            for one in sharing:
                wildcards = ", ".join(one.leaf.wildcards[:_SHOWN])
                others = _others(places, one)
                yield one, severity, f"the key of {wildcards} is on {len(assets)} machines, also {others}"


def _half_rolled_out(seen: Sequence[Held], now: datetime) -> _Told:
    """Replicas are assets that were asked for the same name at the same port, from the same vantage."""
    named = [one for one in seen if one.sni]
    for replicas in _grouped(named, lambda one: (one.place, one.asset.zone, one.vantage, one.leaf.kind)).values():
        newest = max(replicas, key=_issued)
        for one in replicas:
            if one.leaf.sha256 != newest.leaf.sha256:
                yield one, _lag_severity(one, now), _behind(one, newest)


def _deployment_lag(seen: Sequence[Held], now: datetime) -> _Told:
    """Of certificates for the same names by the same CA the older one; a roll-out has a day, or a tenth of a life."""
    for sharing in _grouped(seen, lambda one: (frozenset(one.leaf.names), one.leaf.kind, one.leaf.issuer)).values():
        newest = max(sharing, key=_issued)
        grace = min(_GRACE, newest.leaf.lifetime / 10)
        if not newest.leaf.names or now - newest.leaf.not_before < grace:
            continue
        fresh = {(one.asset, one.place) for one in sharing if one.leaf.sha256 == newest.leaf.sha256}
        for one in sharing:
            # An old file next to the new one is a backup, and no place that serves anybody.
            if (one.asset, one.place) not in fresh and one.served:
                yield one, _lag_severity(one, now), _behind(one, newest)


def _lag_severity(one: Held, now: datetime) -> Severity:
    """Worse when the old one is near its end."""
    return Severity.HIGH if rung_of(one.leaf.lifetime, one.leaf.not_after, now) else Severity.MEDIUM


def _behind(one: Held, newest: Held) -> str:
    old, new = one.leaf, newest.leaf
    return (
        f"{old} of {old.not_before:%Y-%m-%d} (until {old.not_after:%Y-%m-%d}) is shown; "
        f"{newest} has that of {new.not_before:%Y-%m-%d} (until {new.not_after:%Y-%m-%d})"
    )


def _grouped(places: Iterable[Held], key: Callable[[Held], Group]) -> Mapping[Group, tuple[Held, ...]]:
    """Places that have something in common, where there are at least two."""
    groups: dict[Group, list[Held]] = {}
    for one in places:
        groups.setdefault(key(one), []).append(one)
    return {name: tuple(members) for name, members in groups.items() if len(members) > 1}


def _issued(one: Held) -> tuple[datetime, str]:
    return one.leaf.not_before, one.leaf.sha256


def _places(held: Iterable[Held]) -> list[str]:
    return list(dict.fromkeys(map(str, held)))


def _others(places: list[str], one: Held) -> str:
    """The other places, of many the first."""
    own = str(one)
    shown = [place for place in places[: _SHOWN + 1] if place != own][:_SHOWN]
    left = len(places) - 1 - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")
