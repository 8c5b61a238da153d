"""Which protocol versions and cipher suites a server offers, by hellos that leave out what it picked before."""

from dataclasses import replace

from estate.tls.evidence import Protocol, Suite, Version
from estate.tls.suites import bits_of
from tasks.tls import groups
from tasks.tls.client_hello import OLD_GROUPS, USUAL_GROUPS, Offer, offer_of
from tasks.tls.converse import converse_ssl2
from tasks.tls.flight import Flight
from tasks.tls.patience import NO_ANSWERS, OutOfTime, Patience
from tasks.tls.question import TlsQuestion
from tasks.tls.suites import all_suites, by_code, codes, name_of, suites_for

_FEW = 40


def probe_version(patience: Patience, version: Version) -> Protocol:
    """Whether a version is offered, and what the server prefers in it; suites are still to be listed."""
    try:
        if version == "SSL2":
            return _probe_ssl2(patience)
        flight = patience.ask(offer_of(version, patience.question.name))
        if not _chosen(flight, version) and flight.alert != "protocol_version" and not flight.answered:
            # A long hello may be what the server dislikes, so ask once more with a short one.
            flight = patience.ask(_short_offer(version, patience.question.name))
    except OutOfTime as end:
        return Protocol("blind", str(end))
    if _chosen(flight, version):
        return Protocol("offered", "", flight.suite_name, (suite_of(flight),))
    return no_or_blind(flight)


def no_or_blind(flight: Flight) -> Protocol:
    """What an answer that is no yes proves."""
    if flight.answered:
        return Protocol("not-offered", f"the server answers with {flight.version}")
    if flight.alert is not None and flight.alert not in NO_ANSWERS:
        return Protocol("not-offered", f"alert {flight.alert}")
    words = f"alert {flight.alert}" if flight.alert is not None else f"{flight.closed}: {flight.ended}"
    if flight.consistent:
        return Protocol("not-offered", f"each time, while other hellos were answered: {words}")
    return Protocol("blind", words)


def list_suites(
    patience: Patience, version: Version, among: tuple[int, ...] | None = None
) -> tuple[tuple[Suite, ...], str]:
    """The suites that are accepted, in the server's order or in ours, and why there may be more (empty if not).

    Args:
        patience: the server.
        version: one that is offered.
        among: codes to look among; all that go with the version if unsaid.
    """
    left = list(among if among is not None else codes(suites_for(version)))
    found: list[Suite] = []
    try:
        while left:
            flight = patience.ask(offer_of(version, patience.question.name, left))
            if not _chosen(flight, version):
                why = no_or_blind(flight)
                return tuple(found), why.reason if why.state == "blind" else ""
            if flight.suite not in left:
                return tuple(found), f"the server chose {flight.suite_name}, which was not on offer"
            found.append(suite_of(flight))
            left.remove(flight.suite)
    except OutOfTime as end:
        return tuple(found), str(end)
    return tuple(found), ""


def list_groups(patience: Patience, version: Version) -> tuple[tuple[str, ...], str]:
    """The groups that the server can exchange keys in, and why there may be more (empty if not)."""
    newest = version == "TLS1.3"
    left = list(groups.TLS13 if newest else OLD_GROUPS)
    chosen = [code for code in codes(suites_for(version)) if newest or "ECDHE" in name_of(code)]
    found: list[str] = []
    try:
        while left:
            # Without a share, a server of TLS 1.3 says which group it wants.
            offer = replace(offer_of(version, patience.question.name, chosen), groups=tuple(left), shares=())
            flight = patience.ask(offer, "hello" if newest else "flight")
            picked = flight.retry_group if newest else flight.group
            if not flight.answered:
                why = no_or_blind(flight)
                return tuple(found), why.reason if why.state == "blind" else ""
            if picked not in left:
                return tuple(found), flight.ended
            found.append(groups.name_of(picked))
            left.remove(picked)
    except OutOfTime as end:
        return tuple(found), str(end)
    return tuple(found), ""


def suite_of(flight: Flight) -> Suite:
    """The suite of an answer, with the parameters that came along."""
    code = flight.suite or 0
    name = name_of(code)
    known = by_code().get(code)
    return Suite(
        name=name,
        bits=bits_of(name),
        anonymous=known.anonymous if known else False,
        dh_bits=flight.dh_bits,
        curve=flight.curve,
        curve_bits=groups.bits_of(flight.group) if flight.group is not None else None,
    )


def _chosen(flight: Flight, version: str) -> bool:
    return flight.suite is not None and flight.version == version


def _short_offer(version: str, name: str | None) -> Offer:
    usual = codes(suites_for(version))[:_FEW]
    return replace(offer_of(version, name, usual), groups=USUAL_GROUPS)


def _probe_ssl2(patience: Patience) -> Protocol:
    """A hello of its own format; a server that knows SSL 2 and has all its suites off answers too."""
    question: TlsQuestion = patience.question

    def say() -> Flight:
        return converse_ssl2(question) or Flight(alert="something else than SSL 2")

    flight = patience.ask_by(say)
    if flight.version != "SSL2":
        return no_or_blind(flight)
    named = {suite.code: suite for suite in all_suites() if suite.ssl2}
    offered = [named.get(int.from_bytes(code, "big")) for code in flight.extensions.values()]
    suites = tuple(Suite(suite.name, suite.bits) for suite in offered if suite is not None)
    return Protocol("offered", "" if suites else "SSL 2 answers with all its suites switched off", suites=suites)
