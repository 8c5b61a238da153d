"""Open a round of TLS grades: find the endpoints, admit them, plan the shards."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from ipaddress import ip_address
from itertools import groupby

from blocks.grading import Certificates
from estate.certificates.reading import read_certificates, spell_pem
from estate.certificates.sources import Source
from estate.diff import Breaker
from estate.errors import BadInput, BadReport, CouldNotLook, NothingToAsk, OutOfScope
from estate.scope import Scope
from estate.store.database import home
from estate.store.endpoints import declared_endpoints, found_endpoints, was_swept
from estate.store.leases import me
from estate.store.runs import NewRun, Profile
from estate.store.surroundings import Surroundings
from estate.tls.caps import CRITERIA
from estate.tls.evidence import Profile as AskedProfile
from estate.tls.shard import Endpoint, TlsShard
from tasks.rounds import Round, making_of, run_id, together
from tasks.tls.asker import TlsAsker
from tasks.tls.nursery import nursery
from tasks.tls.second_opinion import names_to_ask
from tasks.tls.sources import complaints, find_sources
from tasks.tls.turnstile import turnstile_in
from tasks.wanted import Wanted, admit, without_excluded

_SHARD = 16
"""Endpoints that one lost worker costs."""
_HANDSHAKES = 128
"""So many where one handshake is all that is asked."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a round of TLS would ask: `declared` is the scope as it was signed, `scope` the one that admits."""

    declared: Scope
    scope: Scope
    endpoints: tuple[Endpoint, ...]
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]


def planned(here: Surroundings, asked: Certificates, profile: AskedProfile, now: datetime) -> Planned:
    """Find the endpoints of a scope, and for certificates the files that were declared.

    Raises:
        OutOfScope: nothing of what was asked for may be touched now.
        NothingToAsk: the ports were swept, and nothing speaks TLS.
        CouldNotLook: nobody ever swept them, and nothing is declared.
    """
    declared = here.manifest.scope_named(asked.scope)
    declared.check_valid(now)
    bindings = here.bindings(declared.zone)
    scope = without_excluded(declared, bindings)
    sources = find_sources(here, scope.zone, scope.vantage, asked.only) if profile == "certificate" else ()
    holders = {one.asset for one in sources}
    only = tuple(word for word in asked.only if here.asset_key(word, scope.zone) not in holders)
    endpoints: tuple[Endpoint, ...] = ()
    warnings: tuple[str, ...] = tuple(complaints(sources))
    for words in (asked.only, only):
        try:
            wanted = admit(scope, bindings, words, now)
        except OutOfScope:
            # Files lie here, whether or not a scope covers the host whose they are.
            if not sources or words is only:
                raise
            if only:
                continue
        else:
            endpoints = find_endpoints(
                here, scope, wanted, guess=profile == "full" and here.manifest.tls.try_open_ports
            )
            warnings = (*wanted.warnings, *warnings)
        break
    if not endpoints and not sources:
        where = f"at {', '.join(asked.only)}" if asked.only else f"in scope {scope.name!r}"
        how = "[[endpoints]] declares one that the sweep cannot know of"
        if not was_swept(here.database, scope.zone, scope.vantage):
            raise CouldNotLook(f"no TLS endpoint is known {where}: `roundsman scan ports` finds them, {how}")
        raise NothingToAsk(f"no open port {where} is known to speak TLS, so nothing was asked; {how}")
    return Planned(declared, scope, endpoints, sources, warnings)


@contextmanager
def tls_round_of(
    here: Surroundings, asked: Certificates, profile: AskedProfile, flow_run_id: str | None
) -> Iterator[Round]:
    """Find what a scope has, and open the run that asks it for grades, or for certificates alone.

    Raises:
        OutOfScope, NothingToAsk, CouldNotLook: see `planned`.
        BadInput: the operator's roots cannot be read.
    """
    now = datetime.now(UTC)
    plan = planned(here, asked, profile, now)
    scope, endpoints = plan.scope, plan.endpoints
    roots = own_roots(here)
    size = _HANDSHAKES if profile == "certificate" else _SHARD
    second, kept_back = _second_opinions(here, scope, endpoints) if profile == "full" else (frozenset(), ())
    shards = [
        TlsShard(part, profile, roots, tuple(sorted({one.name for one in part if one.name} & second)))
        for part in _parts(endpoints, size)
    ]
    # All sources of an asset are one shard: only together they tell which of its files are gone.
    shards += [
        TlsShard((), profile, roots, sources=tuple(mine))
        for _, mine in groupby(plan.sources, key=lambda one: one.asset)
    ]
    new = NewRun(
        id=run_id(flow_run_id),
        scan="certificates" if profile == "certificate" else "tls",
        scope=scope.name,
        zone=scope.zone,
        vantage=scope.vantage,
        trigger=asked.trigger,
        profile=Profile(
            f"tls/{profile}",
            silences=scope.silences,
            breaker=Breaker(scope.breaker.share, scope.breaker.at_least),
        ),
        looked_at=now,
        shards=tuple(shard.to_json() for shard in shards),
        scope_sha256=plan.declared.sha256,
        scope_body=plan.declared.words,
        flow_run_id=flow_run_id,
        policy_sha256=here.policy.sha256,
        engine="handshake" if profile == "certificate" else f"sslyze {version('sslyze')}, guide {CRITERIA}",
        choice=f"{profile}: {_spell(plan)}",
        floor=scope.floor,
        warnings=(*plan.warnings, *kept_back),
        maker=me(),
    )
    hosts, proxy = here.manifest.tls.revocation_hosts, here.manifest.tls.proxy
    turnstile = turnstile_in(home(), scope.name)
    with (
        nursery() as children,
        making_of(
            here, scope, new, lambda stop: TlsAsker(scope, stop, hosts, turnstile, proxy, children), TlsShard.from_json
        ) as round_,
    ):
        yield round_


def _second_opinions(
    here: Surroundings, scope: Scope, endpoints: Sequence[Endpoint]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names that SSL Labs is asked about too, and a word on those that are not sent.

    Raises:
        BadInput: it shall be asked, and nobody is registered.
    """
    if not here.manifest.ssllabs.enabled:
        return frozenset(), ()
    from blocks.ssllabs import registered_email  # noqa: PLC0415  # a Prefect block, for who wants a second opinion

    registered_email(here.manifest.ssllabs)
    found = names_to_ask(scope, endpoints)
    refused = [why for why in found.values() if why]
    more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
    words = (f"SSL Labs is not asked: {refused[0]}{more}",) if refused else ()
    return frozenset(name for name, why in found.items() if not why), words


def _parts(endpoints: Sequence[Endpoint], size: int) -> Iterator[tuple[Endpoint, ...]]:
    """What is known to speak TLS, and apart from it what is only tried, which takes a hello each."""
    yield from plan_parts((one for one in endpoints if not one.guess), size)
    yield from plan_parts((one for one in endpoints if one.guess), _HANDSHAKES)


def _spell(plan: Planned) -> str:
    """How much is asked, in words."""
    paths = sum(len(one.paths) for one in plan.sources)
    guesses = sum(one.guess for one in plan.endpoints)
    counts = ((len(plan.endpoints) - guesses, "endpoint"), (guesses, "other open port"), (paths, "path"))
    return ", ".join(f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counts if count)


def find_endpoints(here: Surroundings, scope: Scope, wanted: Wanted, *, guess: bool = False) -> tuple[Endpoint, ...]:
    """Every endpoint at an address that was admitted; what is fragile is never asked.

    Args:
        here: the surroundings.
        scope: what may be touched.
        wanted: what was admitted.
        guess: whether open ports of which nobody knows what they speak are tried.
    """
    addresses: Mapping[str, tuple[str, ...]] = _Addresses(wanted)
    declared = set(declared_endpoints(here.manifest, scope.zone, addresses))
    places = {(one.address, one.port) for one in declared}
    # What the owners declare goes before what the sweep found at the same place.
    found = {
        one
        for one in found_endpoints(here.database, scope.zone, scope.vantage, addresses, guess=guess)
        if (one.address, one.port) not in places
    }
    return tuple(
        sorted(
            (one for one in declared | found if not _is_fragile(here, scope, one)),
            key=lambda one: (one.asset, one.address, one.port, one.name or ""),
        )
    )


def plan_parts(endpoints: Iterable[Endpoint], size: int) -> Iterator[tuple[Endpoint, ...]]:
    """Parts of about this size; an asset's endpoints stay together, since only all of them tell its worst grade."""
    return together(endpoints, lambda one: one.asset, size)


def _is_fragile(here: Surroundings, scope: Scope, one: Endpoint) -> bool:
    asset = here.manifest.declared.asset_for(one.asset, scope.zone)
    return scope.is_fragile(ip_address(one.address)) or here.manifest.declared.is_fragile(asset)


class _Addresses(Mapping[str, tuple[str, ...]]):
    """The admitted addresses of an asset, a name or an address, without spelling out a network."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def __getitem__(self, key: str) -> tuple[str, ...]:
        if key in self._wanted.bindings:
            return self._wanted.bindings[key]
        if key in self._wanted.targets:
            return (key,)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield from self._wanted.bindings
        yield from self._wanted.targets

    def __len__(self) -> int:
        return len(self._wanted.bindings) + len(self._wanted.targets)


def own_roots(here: Surroundings) -> str:
    """The operator's own roots as PEM, without anything else that the file may hold.

    Raises:
        BadInput: the file cannot be read, or holds no certificate.
    """
    declared = here.manifest.tls.roots
    if declared is None:
        return ""
    path = here.file(declared)
    try:
        found = read_certificates(path.read_bytes())
    except OSError as error:
        raise BadInput(f"[tls] roots: {path}: {error.strerror}") from None
    except BadReport as error:
        raise BadInput(f"[tls] roots: {path}: {error}") from None
    if not found:
        raise BadInput(f"[tls] roots: {path} holds no certificate")
    return "".join(spell_pem(certificate) for certificate in found)
