"""What a sweep may ask: everything that is wanted, admitted one by one, sorted by what stands behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from estate.assets import parse_asset
from estate.coverage import NOTHING, Keys
from estate.errors import OutOfScope
from estate.ports.plan import Engine, plan_shards
from estate.ports.shard import PortShard
from estate.scope import NOTHING_SENT, Scope
from estate.targets import Targets
from tasks.names import resolve

OUT_OF_SCOPE = "out-of-scope"
UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be asked.

    Attributes:
        targets: addresses that are assets of their own.
        bindings: declared assets and names, with the addresses that they have now: tools get addresses, never names.
        unsent: assets to which nothing is sent, with the reason.
        warnings: what the operator should know of this.
    """

    targets: Targets
    bindings: Mapping[str, tuple[str, ...]]
    unsent: Mapping[str, str]
    warnings: tuple[str, ...]


def admit(scope: Scope, declared: Mapping[str, tuple[str, ...]], only: tuple[str, ...], now: datetime) -> Wanted:
    """Admit what is asked for, and resolve names at this very moment.

    A name of which one address is not admitted is asked at none of them; where nothing else is wanted, that is an
    error. Addresses that its owners declared are admitted by themselves.

    Args:
        scope: what may be touched.
        declared: assets of the scope's zone with their declared addresses.
        only: the words of an operator; all of the scope without any.
        now: the moment.

    Raises:
        OutOfScope: nothing of what was asked for may be touched now.
        BadTarget: a word is no target.
    """
    words = [word for each in only for word in _addresses_of(each, declared)]
    targets = scope.targets(now, words)
    bindings: dict[str, tuple[str, ...]] = {
        asset: inside
        for asset, addresses in declared.items()
        if (inside := tuple(address for address in addresses if address in targets))
    }
    unsent: dict[str, str] = {}
    warnings: list[str] = []
    refusals: list[OutOfScope] = []
    for name in targets.names:
        try:
            admitted = tuple(map(str, scope.admit_name(name, resolve(name), now)))
        except OutOfScope as error:
            refusals.append(error)
            warnings.append(f"{error}; {NOTHING_SENT}")
            if name not in bindings:
                unsent[name] = OUT_OF_SCOPE
            continue
        if admitted:
            bindings[name] = tuple(dict.fromkeys((*admitted, *bindings.get(name, ()))))
        elif name not in bindings:
            unsent[name] = UNRESOLVED
            warnings.append(f"{name} has no address now; nothing was sent to it")
    bound = {address for addresses in bindings.values() for address in addresses}
    left = targets.without({*bound, *targets.names})
    if refusals and not left and not bindings:
        raise refusals[0]
    return Wanted(left, bindings, unsent, tuple(warnings))


def _addresses_of(word: str, declared: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The addresses of a declared asset, an asset's key, or the word itself."""
    text = parse_asset(word).key if word.startswith("host:") else word
    return declared.get(text, (text,))


def without_excluded(scope: Scope, declared: Mapping[str, tuple[str, ...]]) -> Scope:
    """The scope without all addresses that its excluded names have, by what resolves now and by what was declared.

    Raises:
        OutOfScope: an excluded name has no known address, so that nobody can say what must not be touched.
    """
    known = {
        excluded: (
            *(address.partition("%")[0] for address in resolve(excluded)),
            *(
                address
                for name, addresses in declared.items()
                if name == excluded or name.endswith(f".{excluded}")
                for address in addresses
            ),
        )
        for excluded in scope.excluded_names
    }
    return scope.excluding(known)


def plan(wanted: Wanted, keys: Keys, engine: Engine, own_port: int | None = None) -> tuple[PortShard, ...]:
    """Shards in which all of it is asked; a sweep asks IPv4 addresses, and nmap the rest.

    Args:
        wanted: what may be asked.
        keys: what is asked of it.
        engine: who asks.
        own_port: where a temporary server of this very run listens on loopback, which is not asked there.
    """
    own = Keys.of((f"tcp/{own_port}",)) & keys if own_port else NOTHING
    served = [address for address in ("127.0.0.1", "::1") if own and address in wanted.targets]
    beside = {asset: found for asset, found in wanted.bindings.items() if own and {"127.0.0.1", "::1"} & {*found}}
    others = {asset: found for asset, found in wanted.bindings.items() if asset not in beside}
    rest = wanted.targets.without(served)
    swept = Targets()
    if engine == "zmap+nmap":
        swept, rest = by_family(rest)
    return (
        *plan_shards(Targets.parse(served), keys - own, beside, {}, "nmap-syn"),
        *plan_shards(rest, keys, others, wanted.unsent, "nmap-syn"),
        *plan_shards(swept, keys, {}, {}, "zmap+nmap"),
    )


def by_family(targets: Targets) -> tuple[Targets, Targets]:
    """IPv4 addresses, and all others."""
    words = [word for word in targets.words() if word not in targets.names]
    kinds = [[word for word in words if (":" in word) is sixth] for sixth in (False, True)]
    return Targets.parse(kinds[0]), Targets.parse([*kinds[1], *targets.names])
