"""Open a round of host audits: find the ways in, admit what they lead to, plan the shards."""

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event

from blocks.audit import Audit
from estate.assets import canonical_address, canonical_name, parse_asset
from estate.diff import Breaker
from estate.errors import BadInput, BadTarget, OutOfScope
from estate.hosts.shard import HostShard, Target
from estate.manifest import DeclaredHost
from estate.scope import Scope
from estate.store.leases import me
from estate.store.runs import NewRun, Profile
from estate.store.surroundings import Surroundings
from tasks.hosts.asker import HostAsker
from tasks.hosts.collector import digest
from tasks.intel.rater import Rater
from tasks.names import resolve
from tasks.rounds import MOST_LANES, Round, making_of, run_id
from tasks.wanted import without_excluded

_MOST_SHARDS = 200
HERE = "this-machine"
"""The scope of audits for which nobody had to sign."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What is visited, and what is not and why."""

    targets: tuple[Target, ...]
    warnings: tuple[str, ...] = ()


@contextmanager
def host_round_of(here: Surroundings, asked: Audit, flow_run_id: str | None) -> Iterator[Round]:
    """Open the run that audits the declared hosts of a scope, or this machine where none is declared.

    Raises:
        OutOfScope: nothing of what was asked for may be touched now.
        BadInput: `only` names a host that has no row.
    """
    now = datetime.now(UTC)
    scope, ways = find_ways(here, asked, now)
    with open_round(here, scope, ways, now, asked.trigger, flow_run_id) as round_:
        yield round_


@contextmanager
def open_round(
    here: Surroundings,
    scope: Scope | None,
    ways: Ways,
    now: datetime,
    trigger: str = "manual",
    flow_run_id: str | None = None,
) -> Iterator[Round]:
    """Open a run that visits these hosts; without a scope, by the word of whoever asks."""
    size = max(1, -(-len(ways.targets) // _MOST_SHARDS))
    parts = [ways.targets[at : at + size] for at in range(0, len(ways.targets), size)]
    shards = [HostShard(part, tuple(_addresses(part))) for part in parts]
    count = len(ways.targets)
    zone = scope.zone if scope else here.default_zone or "default"
    new = NewRun(
        id=run_id(flow_run_id),
        scan="hosts",
        scope=scope.name if scope else HERE,
        zone=zone,
        vantage=scope.vantage if scope else "inside",
        trigger=trigger,
        profile=Profile("hosts", breaker=Breaker(scope.breaker.share, scope.breaker.at_least) if scope else Breaker()),
        looked_at=now,
        shards=tuple(shard.to_json() for shard in shards),
        scope_sha256=scope.sha256 if scope else None,
        scope_body=scope.words if scope else "",
        flow_run_id=flow_run_id,
        policy_sha256=here.policy.sha256,
        engine=f"collector {digest()[:12]}",
        intel=f"osv {now:%Y-%m-%dT%H:%MZ}" if here.manifest.intel.osv else "",
        choice=f"{count} host{'' if count == 1 else 's'}",
        floor=scope.floor if scope else 0.5,
        warnings=ways.warnings,
        maker=me(),
    )
    lanes = min(MOST_LANES, max(1, len(shards)))
    intel = here.manifest.intel
    admitting = without_excluded(scope, here.bindings(scope.zone)) if scope else None

    def asker(stop: Event) -> HostAsker:
        return HostAsker(admitting, stop, lanes, Rater(intel, stop) if intel.osv else None)

    with making_of(here, scope, new, asker, HostShard.from_json) as round_:
        yield round_


def find_ways(here: Surroundings, asked: Audit, now: datetime) -> tuple[Scope | None, Ways]:
    """The declared ways in, each admitted, with what is refused as a warning; this machine where none is declared.

    Raises:
        OutOfScope: all of them are refused.
        BadInput: `only` names a host that has no row.
    """
    rows = here.manifest.hosts
    over_net = any(row.via == "ssh" for row in rows)
    declared = here.manifest.scope_named(asked.scope or None) if asked.scope or over_net or _single(here) else None
    zone = declared.zone if declared else here.default_zone or "default"
    if not rows:
        chosen: Sequence[DeclaredHost] = ()
        targets = [this_machine(here, zone)]
        if asked.only and not {parse_asset(word).key for word in asked.only} & {targets[0].asset, "localhost", "local"}:
            raise BadInput(f"estate.toml declares no [[hosts]]; without any only {targets[0].asset!r} is audited")
        return declared, Ways(tuple(targets))
    chosen = [row for row in rows if row.zone == zone]
    if asked.only:
        chosen = _only(here, chosen, asked.only, zone)
    scope = without_excluded(declared, here.bindings(zone)) if declared else None
    found: list[Target] = []
    refusals: list[OutOfScope] = []
    for row in chosen:
        try:
            found.append(_target(here, row, scope, now))
        except OutOfScope as error:
            refusals.append(error)
    if refusals and not found:
        raise refusals[0]
    return declared, Ways(tuple(found), tuple(f"{error}; it was not visited" for error in refusals))


def this_machine(here: Surroundings, zone: str) -> Target:
    """The machine that this runs on, by its own name or by how the estate calls it."""
    name = socket.gethostname()
    try:
        key = canonical_name(name)
    except BadTarget:
        key = canonical_address(name) or "localhost"
    return Target(here.manifest.declared.asset_for(key, zone).key, "local")


def _single(here: Surroundings) -> bool:
    return len(here.manifest.scopes) == 1


def _only(here: Surroundings, rows: Iterable[DeclaredHost], words: Iterable[str], zone: str) -> list[DeclaredHost]:
    assets = {here.manifest.declared.asset_for(row.host, zone).key: row for row in rows}
    found = []
    for word in words:
        key = here.manifest.declared.asset_for(parse_asset(word).key, zone).key
        if key not in assets:
            raise BadInput(f"there is no [[hosts]] row for {word}; there are: {', '.join(sorted(assets)) or 'none'}")
        found.append(assets[key])
    return found


def _target(here: Surroundings, row: DeclaredHost, scope: Scope | None, now: datetime) -> Target:
    asset = here.manifest.declared.asset_for(row.host, row.zone)
    target = Target(
        asset.key,
        row.via,
        name=row.host,
        port=row.port or 0,
        user=row.user or "",
        sudo=row.sudo,
        identity=str(here.file(row.identity)) if row.identity else "",
        known_hosts=str(here.file(row.known_hosts)) if row.known_hosts else "",
        config=str(here.file(row.config)) if row.config else "",
        container=row.container or "",
        level="cloud" if row.cloud else "standard",
    )
    if row.via != "ssh":
        return target
    if scope is None:
        raise OutOfScope(f"no scope covers {row.host}")
    return replace(target, address=_admitted(here, row, scope, now))


def _admitted(here: Surroundings, row: DeclaredHost, scope: Scope, now: datetime) -> str:
    """Where the host is reached, as far as the scope lets it be touched: what is declared goes before what resolves."""
    declared = here.manifest.declared.declaration(here.manifest.declared.asset_for(row.host, row.zone))
    first = declared.addresses[0] if declared and declared.addresses else ""
    known = row.address or canonical_address(row.host) or first
    if known:
        return str(scope.admit(known, now))
    found = scope.admit_name(row.host, resolve(row.host), now)
    if not found:
        raise OutOfScope(f"{row.host} has no address now")
    return str(found[0])


def _addresses(targets: Iterable[Target]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for target in targets:
        if target.address:
            yield target.asset, (target.address,)
