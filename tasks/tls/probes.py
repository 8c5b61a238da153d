"""What a rating needs and sslyze cannot give, or gives wrongly: each by one or two hellos of our own."""

from dataclasses import replace

from estate.tls.evidence import Check, CheckName, Modern, Protocol, Version
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
from tasks.tls.suites import FALLBACK, codes, suites_for

OF_OLD_VERSIONS: tuple[CheckName, ...] = (
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


def compression(patience: Patience, old: Version | None) -> Check:
    """DEFLATE (CRIME), which TLS 1.3 does not have."""
    if old is None:
        return ONLY_13
    flight, why = _ask(patience, replace(offer_of(old, patience.question.name), compression=True))
    return why or Check("yes" if flight.compression else "no")


def from_hello(patience: Patience, old: Version | None) -> dict[CheckName, Check]:
    """What the server hello of an older version tells about its extensions."""
    if old is None:
        return {"secure_renegotiation": ONLY_13, "extended_master_secret": ONLY_13}
    flight, why = _ask(patience, offer_of(old, patience.question.name))
    if why is not None:
        return {"secure_renegotiation": why, "extended_master_secret": why}
    return {
        "secure_renegotiation": Check("yes" if RENEGOTIATION in flight.extensions else "no"),
        "extended_master_secret": Check("yes" if EXTENDED_MASTER_SECRET in flight.extensions else "no"),
    }


def heartbeats(patience: Patience, old: Version | None) -> Check:
    """Whether the server accepts heartbeats at all, without which it cannot bleed."""
    if old is None:
        return ONLY_13
    flight, why = _ask(patience, replace(offer_of(old, patience.question.name), heartbeat=True))
    return why or Check("yes" if HEARTBEAT in flight.extensions else "no")


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


def _ask(patience: Patience, offer: Offer) -> tuple[Flight, Check | None]:
    """The answer to an offer that was answered before, or why there was none."""
    try:
        flight = patience.ask(offer, "hello")
    except OutOfTime as end:
        return Flight(), Check("blind", str(end))
    if not flight.answered:
        return flight, Check("blind", no_or_blind(flight).reason)
    return flight, None
