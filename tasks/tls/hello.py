"""Does this endpoint speak TLS at all: told within seconds, and in one word."""

from dataclasses import replace
from typing import get_args

from estate.tls.evidence import Hello, Outcome
from tasks.tls.client_hello import first_offer, offer_of
from tasks.tls.converse import converse, converse_ssl2
from tasks.tls.failures import NoConversation
from tasks.tls.flight import Flight
from tasks.tls.question import TlsQuestion

GUESS_PATIENCE = 2.0
PATIENCE = 6.0
"""Some servers look the client's name up before they say anything, which takes them 5 seconds where DNS is broken."""


def say_hello(question: TlsQuestion) -> tuple[Hello, Flight | None]:
    """Say hello as everybody would, and where that ends badly, as SSL 2 and then TLS 1.0 would.

    A refusal in TLS's own words is `tls` too: the port speaks it, though not with us. Where TLS is only a guess, one
    hello has to do.
    """
    patient = replace(question, timeout=GUESS_PATIENCE if question.guess else max(question.timeout, PATIENCE))
    try:
        flight = converse(patient, first_offer(question.name))
    except NoConversation as failure:
        if failure.outcome != "reset" or question.guess:
            return Hello(_outcome(failure), str(failure)), None
        return _ask_otherwise(question, failure)
    if flight.declined:
        return _ask_otherwise(question, None, flight)
    return _hello(flight), flight


def _ask_otherwise(
    question: TlsQuestion, failure: NoConversation | None, flight: Flight | None = None
) -> tuple[Hello, Flight | None]:
    """Old servers drop a hello that knows newer versions than they do; some only know SSL 2."""
    for version in ("TLS1.2", "TLS1.0"):
        try:
            second = converse(question, offer_of(version, question.name))
        except NoConversation:
            continue
        if second.answered:
            return _hello(second), second
        flight = flight or second
    try:
        oldest = converse_ssl2(question)
    except NoConversation:
        oldest = None
    if oldest is not None and oldest.version:
        return Hello("tls", "speaks SSL 2 only", "SSL2"), oldest
    if flight is not None:
        return Hello("tls", "declines every offer of ours", alert=flight.alert), flight
    return Hello("reset", str(failure or "the connection was closed")), None


def _outcome(failure: NoConversation) -> Outcome:
    return next((word for word in get_args(Outcome) if word == failure.outcome), "garbage")


def _hello(flight: Flight) -> Hello:
    return Hello("tls", flight.ended, flight.version, flight.alert, flight.dh_bits, flight.curve)
