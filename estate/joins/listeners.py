"""What a host says that it listens on, against what the port sweep saw from outside: filtered, hidden, or as is due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from estate.assets import canonical_address
from estate.coverage import Verdict
from estate.observations import Attributes


class Standing(StrEnum):
    """What both looks at one port come to."""

    REACHABLE = "reachable"
    FILTERED = "listens, but is filtered"
    REFUSED = "listens, but is refused from there"
    UNASKED = "listens, and nobody asked from outside"
    NO_PROCESS = "open, but no process listens"
    UNSEEN = "open, and nobody could look inside"


@dataclass(frozen=True, slots=True)
class Joined:
    """One port of one host, as both looks have it."""

    key: str
    standing: Standing
    inside: Attributes = ()
    outside: Attributes = ()


def join_listeners(
    listeners: Mapping[str, Attributes],
    inside: Verdict | None,
    ports: Mapping[str, Attributes],
    looked: Mapping[str, Verdict],
) -> Iterator[Joined]:
    """Join by port; listeners on loopback alone are no matter of the sweep's.

    Args:
        listeners: by key, as `listener/tcp/443@0.0.0.0`, what the host's last audit saw.
        inside: what that audit says of listeners that it did not see; `NEGATIVE` where its list was whole.
        ports: by key, as `tcp/443`, what the last sweep saw open.
        looked: by key, what the last sweep said of ports that it did not see open; a missing one was not asked.
    """
    by_port: dict[str, Attributes] = {}
    for name, told in sorted(listeners.items()):
        key, address = _split(name)
        if key and not _is_loopback(address):
            by_port.setdefault(key, told)
    for key, told in sorted(by_port.items()):
        if key in ports:
            yield Joined(key, Standing.REACHABLE, told, ports[key])
            continue
        verdict = looked.get(key)
        standing = {Verdict.SILENT: Standing.FILTERED, Verdict.NEGATIVE: Standing.REFUSED}.get(
            verdict if verdict is not None else Verdict.BLIND, Standing.UNASKED
        )
        yield Joined(key, standing, told)
    for key, told in sorted(ports.items()):
        if key not in by_port and key.partition("/")[0] in {"tcp", "udp"}:
            standing = Standing.NO_PROCESS if inside is Verdict.NEGATIVE else Standing.UNSEEN
            yield Joined(key, standing, (), told)


def _split(name: str) -> tuple[str, str]:
    """Port and address of `listener/tcp/443@0.0.0.0`."""
    key, _, address = name.partition("/")[2].partition("@")
    return key, address.strip("[]").partition("%")[0]


def _is_loopback(address: str) -> bool:
    found = canonical_address(address) or ""
    return found.startswith("127.") or found == "::1"
