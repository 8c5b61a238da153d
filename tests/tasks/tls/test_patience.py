"""A reset is a no only where it comes each time and all else works: limiters of every period are seen through."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tasks.tls import patience as module
from tasks.tls.client_hello import offer_of
from tasks.tls.failures import Refused, Reset, Silent
from tasks.tls.flight import Flight
from tasks.tls.patience import OutOfTime, Patience

CANARY = offer_of("TLS1.2", "a.example", (0xC02F,))
DISLIKED = offer_of("TLS1.0", "a.example")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    monkeypatch.setattr(module, "_LONG_PAUSE", 0.0)


@pytest.fixture
def patient(question, monkeypatch):
    """Patience with a server that is a function of the number of the connection and of what is offered."""

    def make(server: Callable[..., Flight], *, seconds: float = 60.0) -> Patience:
        asked = 0

        def converse(_question, offer, _until="flight", _seconds=None) -> Flight:
            nonlocal asked
            asked += 1
            return server(asked, offer)

        monkeypatch.setattr(module, "converse", converse)
        return Patience(question(443), time.monotonic() + seconds, CANARY)

    return make


def yes() -> Flight:
    return Flight(version="TLS1.2", suite=0xC02F)


def test_an_answer_needs_no_second_look(patient) -> None:
    assert patient(lambda number, _: yes() if number == 1 else Flight(alert="never asked")).ask(DISLIKED).answered


def test_a_refusal_in_words_needs_none_either(patient) -> None:
    patience = patient(lambda _number, _offer: Flight(alert="protocol_version"))
    assert patience.ask(DISLIKED).alert == "protocol_version"
    assert patience.disturbed == ""


@pytest.mark.parametrize("failure", [Reset, Silent])
def test_a_server_that_resets_what_it_dislikes_says_no(patient, failure) -> None:
    def server(_number: int, offer) -> Flight:
        if offer is CANARY:
            return yes()
        raise failure("as ever")

    patience = patient(server)
    assert patience.ask(DISLIKED).consistent
    assert patience.disturbed == ""


@pytest.mark.parametrize("period", range(2, 12))
@pytest.mark.parametrize("phase", range(12))
def test_no_limiter_with_a_period_passes_for_a_no(patient, period: int, phase: int) -> None:
    def server(number: int, _offer) -> Flight:
        if (number + phase) % period == 0:
            raise Reset("limited")
        return yes()

    patience = patient(server)
    for _ in range(30):
        flight = patience.ask(DISLIKED)
        assert flight.answered
        assert not flight.consistent
    assert patience.disturbed


@pytest.mark.parametrize("closes_after", range(1, 8))
def test_no_limiter_that_closes_for_good_passes_for_a_no(patient, closes_after: int) -> None:
    def server(number: int, offer) -> Flight:
        if number > closes_after:
            raise Refused("limited")
        if offer is CANARY:
            return yes()
        raise Reset("as ever")

    patience = patient(server)
    with suppress(OutOfTime):
        for _ in range(5):
            patience.ask(DISLIKED)
    assert patience.disturbed
    assert patience.lost


def test_an_overloaded_server_that_says_internal_error_says_nothing(patient) -> None:
    def server(number: int, _offer) -> Flight:
        return Flight(alert="internal_error") if number == 1 else yes()

    patience = patient(server)
    assert patience.ask(DISLIKED).answered
    assert "internal_error" in patience.disturbed


def test_one_that_says_so_each_time_says_no(patient) -> None:
    patience = patient(lambda _number, offer: yes() if offer is CANARY else Flight(alert="internal_error"))
    assert patience.ask(DISLIKED).consistent


def test_nothing_is_begun_that_does_not_fit_before_the_deadline(patient) -> None:
    with pytest.raises(OutOfTime):
        patient(lambda _number, _offer: yes(), seconds=1.0).ask(DISLIKED)


def test_without_a_canary_silence_stays_silence(question, monkeypatch) -> None:
    def converse(*_: object) -> Flight:
        raise Reset("as ever")

    monkeypatch.setattr(module, "converse", converse)
    flight = Patience(question(443), time.monotonic() + 60).ask(DISLIKED)
    assert (flight.consistent, flight.closed) == (False, "reset")
