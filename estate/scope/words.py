"""How the words of a scope are spelled: each type refuses what a tool could take for an option or a shell word."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from estate.assets import Network, canonical_address, canonical_name, canonical_zone
from estate.errors import BadTarget

_NETWORK = re.compile(r"([0-9A-Fa-f:.]{2,45})(?:/([0-9]{1,3}))?\Z")
_NUMBER_LIKE = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_TEXT = {"type": "string"}
T = TypeVar("T")


def read_network(value: object) -> Network:
    """One network, or one address as a network of its own; IPv4-mapped IPv6 becomes the IPv4 that it stands for.

    Raises:
        BadTarget: anything else; host bits that are set are refused with both things that may have been meant.
    """
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    text = _short(value, 49, "a network")
    matched = _NETWORK.match(text)
    if matched is None:
        raise BadTarget(f"{text!r} is not a network such as 10.0.0.0/24 or 2001:db8::/64, nor an address")
    try:
        network = ipaddress.ip_network(text, strict=False)
        address = ipaddress.ip_address(matched[1])
    except ValueError as error:
        raise BadTarget(f"{text!r} is not a network: {error}") from None
    if address != network.network_address:
        raise BadTarget(
            f"{text!r} is an address inside a network: write {network} for the network, or {address} for the address"
        )
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        return ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def read_address(value: object) -> str:
    """One address in its one spelling.

    Raises:
        BadTarget: anything else, and addresses with a zone id (`%eth0`), which mean another host on every machine.
    """
    text = _short(value, 45, "an address")
    address = canonical_address(text)
    if address is None:
        raise BadTarget(f"{text!r} is not an address")
    return address


def read_name(value: object) -> str:
    """One host name in its one spelling.

    Raises:
        BadTarget: anything else: options, white space, look-alike signs, and numbers that resolvers read as addresses.
    """
    text = _short(value, 254, "a host name")
    if any(unicodedata.category(sign)[0] not in "LMN" and sign not in "-._" for sign in text):
        raise BadTarget(f"{text!r} is not a host name: it may hold letters, digits, dots and plain hyphens")
    name = canonical_name(text)
    if _NUMBER_LIKE.match(name.rpartition(".")[2]):
        raise BadTarget(f"{text!r} is not a host name: resolvers read it as a number, and so as an address")
    return name


def read_excluded(value: object) -> str:
    """One network, address or name, in its one spelling.

    Raises:
        BadTarget: anything else.
    """
    text = _short(value, 254, "a network, an address or a host name")
    if not looks_like_network(text):
        return read_name(text)
    network = read_network(text)
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def looks_like_network(text: str) -> bool:
    """Whether the text is meant as a network or an address, and not as a name."""
    return "/" in text or ":" in text or re.fullmatch(r"[0-9.]+", text) is not None


def read_zone(value: object) -> str:
    """A short word that may become part of a run's name, a key or a queue.

    Raises:
        BadTarget: anything but lower-case letters, digits, dots, dashes and underscores.
    """
    return canonical_zone(_short(value, 63, "a name"))


def read_plain(value: object) -> str:
    """One line that people read.

    Raises:
        BadTarget: empty or very long text, and signs that steer a terminal or hide what is written.
    """
    text = _short(value, 200, "a line of text").strip()
    if not text:
        raise BadTarget("is empty: write who or what it is")
    if any(unicodedata.category(sign)[0] == "C" or unicodedata.category(sign) in {"Zl", "Zp"} for sign in text):
        raise BadTarget(f"{text!r} holds control characters: write one plain line")
    return text


def read_moment(value: object) -> datetime | date:
    """A moment with its offset, or a whole day.

    Raises:
        BadTarget: anything else, and a time that does not say in which offset it counts.
    """
    if isinstance(value, str):
        try:
            moment = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            raise BadTarget(
                f"{value[:40]!r} is not a day such as 2031-12-31 or a time such as 2031-12-31T18:00:00Z"
            ) from None
    elif isinstance(value, date):
        moment = value
    else:
        raise BadTarget("is not a day such as 2031-12-31 or a time such as 2031-12-31T18:00:00Z")
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise BadTarget(
                f"{moment.isoformat()} does not say in which time zone it counts: add Z or an offset (+01:00)"
            )
        if not 1 < moment.year < 9999:
            raise BadTarget(f"{moment.isoformat()} is too far away: leave the line out if there is no end")
    return moment


def first_instant(moment: datetime | date) -> datetime:
    """When it begins; a day begins at 00:00 UTC."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, time(), UTC)


def end_instant(moment: datetime | date) -> datetime:
    """The first instant after it; a day ends at 24:00 UTC."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    if moment == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(moment, time(), UTC) + timedelta(days=1)


def in_order(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Sorted and without repetition, so that two spellings of one list are one list."""
    return tuple(sorted(set(networks), key=lambda network: (network.version, int(network[0]), network.prefixlen)))


def _short(value: object, longest: int, what: str) -> str:
    if not isinstance(value, str):
        raise BadTarget(f"is not text: write {what} in quotes")
    if len(value) > longest:
        raise BadTarget(f"{value[:40]!r}… is {len(value):,} characters long, and {what} has {longest} at most")
    return value


def told(read: Callable[[object], T]) -> Callable[[object], T]:
    """The same reader for pydantic, which collects `ValueError` and knows in which field it arose."""

    def reader(value: object) -> T:
        try:
            return read(value)
        except BadTarget as error:
            raise ValueError(str(error)) from None

    return reader


def _sorted(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(words)))


NetworkText = Annotated[Network, BeforeValidator(told(read_network)), PlainSerializer(str), WithJsonSchema(_TEXT)]
Networks = Annotated[tuple[NetworkText, ...], AfterValidator(in_order)]
Names = Annotated[tuple[Annotated[str, BeforeValidator(told(read_name))], ...], AfterValidator(_sorted)]
Excluded = Annotated[tuple[Annotated[str, BeforeValidator(told(read_excluded))], ...], AfterValidator(_sorted)]
Word = Annotated[str, BeforeValidator(told(read_zone))]
Plain = Annotated[str, BeforeValidator(told(read_plain))]
AddressText = Annotated[str, BeforeValidator(told(read_address))]
Moment = Annotated[
    datetime | date,
    BeforeValidator(told(read_moment)),
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str),
    WithJsonSchema(_TEXT),
]
