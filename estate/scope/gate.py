"""The gate before the first packet: what a scope admits at a moment, and all that speaks against the rest."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from estate.assets import Address, Network
from estate.errors import BadTarget, OutOfScope, ScopeNotValid
from estate.scope.admission import WIDEST, Range
from estate.scope.declared import Declaration
from estate.scope.windows import open_until, opens_next
from estate.scope.words import end_instant, first_instant, read_address, read_name
from estate.targets import Targets

NOTHING_SENT = "nothing was sent to what it resolves to"
"""How every warning ends that tells of a name of the scope that was refused, while the rest was asked."""


class Scope(Declaration):
    """What an operator signed off. Nothing is sent to anything that this has not admitted at that moment."""

    def check_valid(self, now: datetime) -> None:
        """Refuse outside the authorisation's time and outside its windows.

        Raises:
            ScopeNotValid: with the moment at which that changes, where there is one.
        """
        if self.valid_from and now < first_instant(self.valid_from):
            raise ScopeNotValid(f"scope {self.name!r} is not valid before {_spell(first_instant(self.valid_from))}")
        if self.valid_until and now >= end_instant(self.valid_until):
            raise ScopeNotValid(
                f"scope {self.name!r} expired at {_spell(end_instant(self.valid_until))}: "
                f"have {self.authorised_by} sign it off again, then move valid_until"
            )
        if self.windows and open_until(self.windows, now) is None:
            opening = opens_next(self.windows, now)
            when = f"; the next one opens at {_spell(opening)}" if opening else ""
            windows = "; ".join(str(window) for window in self.windows)
            raise ScopeNotValid(f"scope {self.name!r} is outside its windows ({windows}) at {_spell(now)}{when}")

    def open_until(self, now: datetime) -> datetime | None:
        """When scanning has to stop: the end of the window or of the authorisation; None where neither has an end.

        Raises:
            ScopeNotValid: it may not even start.
        """
        self.check_valid(now)
        ends = [open_until(self.windows, now), end_instant(self.valid_until) if self.valid_until else None]
        return min((end for end in ends if end is not None), default=None)

    def admit(self, text: str, now: datetime) -> Address:
        """The address, if a packet may be sent to it now.

        Raises:
            BadTarget: it is no address.
            ScopeNotValid: not at this time.
            OutOfScope: with every reason.
        """
        address = ipaddress.ip_address(read_address(text))
        self.check_valid(now)
        if address not in self.admission:
            raise OutOfScope(f"{text} is out of scope {self.name!r}: {self.admission.refusal(address)}")
        return address

    def admit_name(self, text: str, resolved: Sequence[str], now: datetime) -> tuple[Address, ...]:
        """The addresses of a name, if packets may be sent to every one of them now; none if it resolves to none.

        Raises:
            BadTarget: it is no host name, or something that it resolves to is no address.
            ScopeNotValid: not at this time.
            OutOfScope: the name is not listed or is excluded, or one of its addresses is not admitted.
        """
        name = read_name(text)
        self.check_valid(now)
        reasons = self._against_name(name)
        addresses = [ipaddress.ip_address(read_address(each)) for each in resolved if "%" not in each]
        refused = [self.admission.refusal(each) for each in addresses if each not in self.admission]
        refused += [f"{each} means another host on every machine" for each in resolved if "%" in each]
        if not reasons and not refused:
            return tuple(dict.fromkeys(addresses))
        shown = "; ".join(refused[:5])
        standing = reasons or f"{name} is one of its names"
        where = f", and it resolves to {', '.join(resolved[:5])}" if resolved else ""
        raise OutOfScope(f"{name} is out of scope {self.name!r}: {standing}{where}{': ' if shown else ''}{shown}")

    def targets(self, now: datetime, only: Iterable[str] = ()) -> Targets:
        """All that may be asked now, or what is admitted of each word of `only`; nothing is spelled out.

        Exclusions are left out silently, but a word of which nothing is left is refused. IPv6 networks in `wide`
        only authorise: their hosts have to be named.

        Raises:
            BadTarget: a word that is no target, or a network too wide to walk through.
            ScopeNotValid: not at this time.
            OutOfScope: a word names what is not in scope.
        """
        self.check_valid(now)
        words = list(only)
        if words:
            return self._only(words)
        targets = Targets(self.admission.ranges(), (name for name in self.names if not self._against_name(name)))
        if not targets and self.wide:
            raise _too_wide(self.wide[0])
        if not targets:
            raise OutOfScope(
                f"scope {self.name!r} leaves nothing to ask: all that its networks hold is excluded or special"
            )
        return targets

    @property
    def wide(self) -> tuple[Network, ...]:
        """The IPv6 networks that authorise what is named, but are too wide to be walked through."""
        return self.admission.wide

    def excluding(self, resolved: Mapping[str, Sequence[str]]) -> "Scope":
        """The same scope without the addresses that its excluded names have now; record the version of the original.

        Raises:
            OutOfScope: an excluded name has no known address, so that nobody can say what must not be touched.
        """
        unknown = [name for name in self.excluded_names if not resolved.get(name)]
        if unknown:
            raise OutOfScope(
                f"scope {self.name!r} excludes {', '.join(unknown)}, which cannot be resolved now, so that nobody "
                "can say which addresses must not be touched: exclude them by address"
            )
        addresses = (read_address(each) for name in self.excluded_names for each in resolved[name])
        try:
            return Scope.model_validate({**self.model_dump(), "exclude": (*self.exclude, *addresses)})
        except ValidationError as error:
            raise OutOfScope(
                f"scope {self.name!r} excludes its own canary by name: {error.errors()[0]['msg']}"
            ) from None

    def _only(self, words: Iterable[str]) -> Targets:
        ranges: list[Range] = []
        names: list[str] = []
        for word in words:
            asked = Targets.parse([word])
            for name in asked.names:
                if against := self._against_name(read_name(name)):
                    raise OutOfScope(f"{name} is out of scope {self.name!r}: {against}")
            names.extend(asked.names)
            ranges.extend(self._admitted_of(word, asked))
        return Targets(ranges, names)

    def _admitted_of(self, word: str, asked: Targets) -> tuple[Range, ...]:
        wanted = _ranges(asked)
        undeclared = self.admission.undeclared(wanted)
        admitted = self.admission.within(wanted)
        if undeclared or (wanted and not admitted):
            version, low, _ = (undeclared or wanted)[0]
            first = ipaddress.IPv4Address(low) if version == 4 else ipaddress.IPv6Address(low)
            raise OutOfScope(f"{word.strip()} is out of scope {self.name!r}: {self.admission.refusal(first)}")
        if any(version == 6 and high - low >= 1 << 128 - WIDEST for version, low, high in admitted):
            raise _too_wide(word.strip())
        return admitted

    def _against_name(self, name: str) -> str:
        for excluded in self.excluded_names:
            if name == excluded or name.endswith(f".{excluded}"):
                return f"{name} is excluded by {excluded}"
        return (
            ""
            if name in self.names
            else f"{name} is not one of its names ({', '.join(self.names[:6]) or 'it has none'})"
        )


def _ranges(targets: Targets) -> list[Range]:
    found: list[Range] = []
    spelled = targets.words()
    for word in spelled[: len(spelled) - len(targets.names)]:
        first, _, last = word.partition("-")
        network = ipaddress.ip_network(first)
        end = ipaddress.ip_address(last) if last else network[-1]
        found.append((network.version, int(network[0]), int(end)))
    return found


def _too_wide(network: object) -> BadTarget:
    return BadTarget(
        f"{network} has too many addresses to walk through (an IPv6 network may be /{WIDEST} or narrower): "
        "name its hosts, as addresses (2001:db8::10) or names"
    )


def _spell(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC"
