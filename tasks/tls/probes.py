"""What a rating needs and sslyze cannot give, or gives wrongly: each by one or two hellos of our own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from estate.tls.evidence import Check, CheckName, Modern, Protocol, Version
from tasks.tls.attacks import early_change, insecure_renegotiation
from tasks.tls.client_hello import (
    EXTENDED_MASTER_SECRET,
    HEARTBEAT,
    RENEGOTIATION,
    Offer,
    lenient_offer,
    modern_offer,
    offer_of,
)
from tasks.tls.flight import Flight
from tasks.tls.groups import X25519MLKEM768
from tasks.tls.offers import no_or_blind
from tasks.tls.patience import OutOfTime, Patience
from tasks.tls.question import TlsQuestion
from tasks.tls.suites import FALLBACK, codes, suites_for

_OF_HELLO: tuple[CheckName, ...] = (
    "compression", "secure_renegotiation", "extended_master_secret",
)  # fmt: skip
ONLY_13 = Check("not-applicable", "TLS 1.3 only")


def modern_client(patience: Patience) -> Modern:
    """What a current browser gets, or where it gets nothing, what one of ten years ago did."""
    name = patience.question.name
    reason = ""
    for offer in (modern_offer(name), lenient_offer(name)):
        try:
            flight = patience.ask(offer, "hello")
        except OutOfTime as end:
            return Modern("blind", str(end))
        if flight.answered:
            return Modern("known", reason, flight.version, flight.suite_name)
        why = no_or_blind(flight)
        if why.state == "blind":
            return Modern("blind", why.reason)
        reason = f"a current browser is declined: {why.reason}"
    return Modern("blind", reason)


@dataclass(frozen=True, slots=True)
class Told:
    """What server hellos tell; whether heartbeats are accepted is no verdict yet."""

    checks: Mapping[CheckName, Check]
    heartbeats: Check


def from_hello(patience: Patience, old: Version | Check | None) -> Told:
    """What a server hello of before TLS 1.3 tells: one hello for all, or one each where that is declined."""
    if not isinstance(old, str):
        return Told(dict.fromkeys(_OF_HELLO, old or ONLY_13), old or ONLY_13)
    plain = offer_of(old, patience.question.name)
    flight, why = _ask(patience, replace(plain, compression=True, heartbeat=True))
    flights = [(flight, why)] * 3
    if why is not None:
        offers = (plain, replace(plain, compression=True), replace(plain, heartbeat=True))
        flights = [_ask(patience, offer) for offer in offers]
    (hello, why), (compressed, why_compressed), (beating, why_beating) = flights
    return Told(
        {
            "secure_renegotiation": why or _plain(RENEGOTIATION in hello.extensions),
            "extended_master_secret": why or _plain(EXTENDED_MASTER_SECRET in hello.extensions),
            "compression": why_compressed or _plain(bool(compressed.compression)),
        },
        why_beating or _plain(HEARTBEAT in beating.extensions),
    )


def ccs_injection(patience: Patience, old: Version | Check | None) -> Check:
    """CVE-2014-0224, by what the server says to a change of ciphers that comes too early."""
    said = _go_on(patience, old, early_change)
    if isinstance(said, Check):
        return said
    if said == "bad_record_mac":
        return Check("yes", "took a change of ciphers before there were keys")
    return (
        Check("no", f"answered with {said}") if said else Check("blind", "no handshake came to where it could be tried")
    )


def legacy_renegotiation(patience: Patience, old: Version | Check | None) -> Check:
    """Whether the server renegotiates for clients that never heard of RFC 5746."""
    said = _go_on(patience, old, insecure_renegotiation)
    if isinstance(said, Check):
        return said
    if said == "accepted":
        return Check("yes", "renegotiated for a client without RFC 5746")
    return Check("no", f"answered with {said}") if said else Check("blind", "no session came about in which to try it")


def _go_on(
    patience: Patience, old: Version | Check | None, attempt: Callable[[TlsQuestion, str], tuple[Flight, str]]
) -> str | Check:
    """What the server said to an attempt that goes on with a handshake."""
    if not isinstance(old, str):
        return old or ONLY_13
    said = [""]

    def say() -> Flight:
        flight, said[0] = attempt(patience.question, old)
        return flight

    try:
        patience.ask_by(say)
    except OutOfTime as end:
        return Check("blind", str(end))
    return said[0]


def fallback_scsv(patience: Patience, protocols: dict[Version, Protocol]) -> Check:
    """RFC 7507: a client that comes with less than the server's best, and says so, is sent back."""
    offered = [version for version, protocol in protocols.items() if protocol.state == "offered" and version != "SSL2"]
    unknown = [version for version, protocol in protocols.items() if protocol.state == "blind"]
    if len(offered) < 2:
        return Check("blind", f"{unknown[0]} is not known") if unknown else Check("not-applicable", "one version only")
    lower = offered[-2]
    offer = offer_of(lower, patience.question.name, (*codes(suites_for(lower)), FALLBACK))
    try:
        flight = patience.ask(offer, "hello")
    except OutOfTime as end:
        return Check("blind", str(end))
    if flight.alert == "inappropriate_fallback":
        return Check("yes")
    if flight.answered:
        return Check("no")
    why = no_or_blind(flight)
    return Check("blind" if why.state == "blind" else "yes", f"sent back otherwise: {why.reason}")


def post_quantum(patience: Patience, newest: Protocol) -> Check:
    """Offer X25519MLKEM768 only, and no share: a server that can do it asks for one."""
    if newest.state != "offered":
        return Check("blind" if newest.state == "blind" else "no", newest.reason or "it needs TLS 1.3")
    offer = replace(offer_of("TLS1.3", patience.question.name), groups=(X25519MLKEM768,), shares=())
    try:
        flight = patience.ask(offer, "hello")
    except OutOfTime as end:
        return Check("blind", str(end))
    if flight.answered:
        return Check("yes" if flight.retry_group == X25519MLKEM768 else "no")
    why = no_or_blind(flight)
    return Check("blind" if why.state == "blind" else "no", why.reason)


def _plain(found: bool) -> Check:
    return Check("yes" if found else "no")


def _ask(patience: Patience, offer: Offer) -> tuple[Flight, Check | None]:
    """The answer to an offer that was answered before, or why there was none."""
    try:
        flight = patience.ask(offer, "hello")
    except OutOfTime as end:
        return Flight(), Check("blind", str(end))
    if not flight.answered:
        return flight, Check("blind", no_or_blind(flight).reason)
    return flight, None
