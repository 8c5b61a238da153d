"""Which addresses a scope admits, worked out once as ranges, and the reasons for those that it refuses."""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter

from estate.assets import Address, Network
from estate.coverage import NOTHING, Keys
from estate.scope.special import EMBEDDING, SPECIAL, embedded, special
from estate.spans import Spans, merge_spans

Range = tuple[int, int, int]
"""IP version, first and last address as numbers."""

WIDEST = 108
"""The shortest IPv6 prefix whose addresses are walked through: a million of them."""


class Admission:
    """The addresses of some networks, less those that are excluded or that need an entry of their own.

    Address numbers are kept as keys of the families `4` and `6`, so that the algebra is that of every other key set.
    """

    __slots__ = ("_admitted", "_broadcasts", "_excluded", "_named", "_networks")

    def __init__(self, networks: tuple[Network, ...], excluded: tuple[Network, ...]) -> None:
        self._networks = networks
        self._excluded = excluded
        self._named = _named(networks)
        self._broadcasts = _broadcasts(networks)
        everything = (_keys(networks) - _keys(each.network for each in SPECIAL)) | self._named
        allowed = everything - self._broadcasts - _keys(excluded)
        through = _keys(network for network, _ in EMBEDDING)
        self._admitted = (allowed - through) | (allowed & _reaching(allowed.spans("4")))

    def __contains__(self, address: Address) -> bool:
        return _holds(self._admitted, address)

    def within(self, ranges: Iterable[Range]) -> tuple[Range, ...]:
        """What is admitted of these (IP version, first, last)."""
        return _triples(_ranged(ranges) & self._admitted)

    def ranges(self) -> tuple[Range, ...]:
        """All that can be walked through, as (IP version, first, last): wide IPv6 networks only authorise."""
        wide = _keys(self.wide)
        narrow = _keys(network for network in self._networks if network not in self.wide)
        return _triples(self._admitted - (wide - narrow))

    def undeclared(self, ranges: Iterable[Range]) -> tuple[Range, ...]:
        """What of these lies in none of the networks."""
        return _triples(_ranged(ranges) - _keys(self._networks))

    @property
    def wide(self) -> tuple[Network, ...]:
        """The IPv6 networks that are too wide to walk through."""
        return tuple(each for each in self._networks if each.version == 6 and each.prefixlen < WIDEST)

    def refusal(self, address: Address) -> str:
        """All that speaks against an address that is not admitted."""
        reasons = [f"{address} is excluded by {network}" for network in self._excluded if address in network]
        if not any(address in network for network in self._networks):
            shown = ", ".join(str(network) for network in self._networks[:6])
            more = f" and {len(self._networks) - 6} more" if len(self._networks) > 6 else ""
            reasons.append(f"{address} is in none of its networks ({shown}{more})")
        single = ipaddress.ip_network(address)
        named = special(address)
        if named is not None and not _holds(self._named, address):
            entry = f"inside {named.network}" if named.network.num_addresses > 1 else f"for {named.network} and no more"
            reasons.append(f"{address} is special ({named.what}) and needs a networks entry of its own, {entry}")
        elif _holds(self._broadcasts, address):
            reasons.append(f"{address} is the broadcast address of a network and needs an entry of its own, {single}")
        inner = embedded(address)
        if inner is not None and inner not in self:
            reasons.append(f"{address} is delivered to {inner}, and {self.refusal(inner)}")
        return "; ".join(reasons)


def _holds(keys: Keys, address: Address) -> bool:
    spans = keys.spans(str(address.version))
    number = int(address)
    at = bisect_right(spans, number, key=itemgetter(0)) - 1
    return at >= 0 and number <= spans[at][1]


def _inside(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner[0] in outer and inner[-1] in outer


def _keys(networks: Iterable[Network]) -> Keys:
    return _ranged((network.version, int(network[0]), int(network[-1])) for network in networks)


def _ranged(ranges: Iterable[Range]) -> Keys:
    found: dict[str, list[tuple[int, int]]] = {"4": [], "6": []}
    for version, low, high in ranges:
        found[str(version)].append((low, high))
    return Keys({family: merge_spans(spans) for family, spans in found.items()})


def _triples(keys: Keys) -> tuple[Range, ...]:
    return tuple((version, low, high) for version in (4, 6) for low, high in keys.spans(str(version)))


def _named(networks: tuple[Network, ...]) -> Keys:
    """The special addresses that an entry admits by lying wholly inside their narrowest range."""
    named = NOTHING
    for each in SPECIAL:
        narrower = (other.network for other in SPECIAL if other is not each and _inside(other.network, each.network))
        named |= _keys(network for network in networks if _inside(network, each.network)) - _keys(narrower)
    return named


def _broadcasts(networks: tuple[Network, ...]) -> Keys:
    """The last address of each IPv4 network, except where an entry names it as a host (/32) or one of two (/31)."""
    single = _keys(each for each in networks if each.version == 4 and each.prefixlen >= 31)
    wider = (int(each[-1]) for each in networks if each.version == 4 and each.prefixlen < 31)
    return _ranged((4, last, last) for last in wider) - single


def _reaching(spans: Spans) -> Keys:
    """The IPv6 addresses that a translator delivers to these IPv4 addresses."""
    return _ranged(
        (6, int(network[0]) + (low << shift), int(network[0]) + (high << shift) + (1 << shift) - 1)
        for network, shift in EMBEDDING
        for low, high in spans
    )
