"""Ask one server many times, and know whether its silence and its resets mean anything."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tasks.tls.client_hello import Offer
from tasks.tls.converse import Until, converse
from tasks.tls.failures import NoConversation
from tasks.tls.flight import Flight
from tasks.tls.question import TlsQuestion

_PAUSE = 0.1
_LONG_PAUSE = 2.0
_SPARE = 1.0

NO_ANSWERS = frozenset({"internal_error", "close_notify", "user_canceled"})
"""Alerts that may as well mean that the server is overloaded."""

Say = Callable[[], Flight]


class OutOfTime(Exception):
    """No further question fits before the deadline, or the server does not answer any more."""


class _Gate:
    """Many may ask at once, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asking = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._asking += 1
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
            self._changed.wait_for(lambda: not self._asking)
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()


@dataclass(slots=True)
class Patience:
    """One server, asked one hello after the other; threads may share it.

    A server may well reset a hello that it dislikes instead of declining it. That counts as a no only if it does so
    again, while what is known to work (the canary) works in between and afterwards: a server behind a rate limit fails
    that. The order of the looks (no yes no no yes) has no period that a limiter could hide in, and nobody else asks
    meanwhile.

    Attributes:
        question: the endpoint.
        until: when everything has to be done, on the monotonic clock.
        canary: a hello that was answered once.
        disturbed: why answers of this server cannot be told from accidents; empty while they can.
        lost: why nothing more is asked; empty while the server answers.
    """

    question: TlsQuestion
    until: float
    canary: Offer | None = None
    disturbed: str = ""
    lost: str = ""
    _gate: _Gate = field(default_factory=_Gate, repr=False)

    def ask(self, offer: Offer, until: Until = "flight") -> Flight:
        """An answer, or a flight whose `closed` and `ended` say how and whether the lack of one is trustworthy.

        Raises:
            OutOfTime: there is no time left, or no server.
        """
        return self.ask_by(lambda: converse(self.question, offer, until))

    def ask_by(self, say: Say) -> Flight:
        """The same for another way of asking.

        Raises:
            OutOfTime: there is no time left, or no server.
        """
        with self._gate.shared():
            first = self._once(say)
        if _spoke(first) or self.canary is None:
            return first
        with self._gate.exclusive():
            return self._doubt(first, say)

    def check_canary(self) -> bool:
        """Whether what worked still works; where it does not, the server is disturbed from here on, or lost.

        Raises:
            OutOfTime: there is no time left, or no server.
        """
        canary = self.canary
        if canary is None:
            return False
        with self._gate.shared():
            flight = self._once(lambda: converse(self.question, canary, "hello"))
        if flight.answered:
            return True
        self._disturb(f"a handshake that worked before did not any more: {flight.alert or flight.ended}")
        with self._gate.exclusive():
            return self._canary_sings()

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.until - time.monotonic()

    def _doubt(self, first: Flight, say: Say) -> Flight:
        if self.disturbed:
            # Accidents are known to happen here, so that only an answer means anything.
            return next((again for again in (self._once(say) for _ in "123") if _spoke(again)), first)
        for look in "cttc" if first.closed != "silent" else "ctc":
            if look == "c":
                if not self._canary_sings():
                    return self._doubt(first, say)
                continue
            again = self._once(say)
            if _spoke(again):
                self._disturb(f"a hello was answered after the same one met: {first.alert or first.ended}")
                return again
        first.consistent = True
        return first

    def _canary_sings(self) -> bool:
        canary = self.canary
        if canary is None:
            return False
        flight = self._once(lambda: converse(self.question, canary, "hello"))
        if flight.answered:
            return True
        words = f"a handshake that worked before did not any more: {flight.alert or flight.ended}"
        self._disturb(words)
        time.sleep(_LONG_PAUSE)
        if not self._once(lambda: converse(self.question, canary, "hello")).answered:
            self.lost = self.lost or words
        return False

    def _disturb(self, why: str) -> None:
        self.disturbed = self.disturbed or why

    def _once(self, say: Say) -> Flight:
        if self.lost:
            raise OutOfTime(self.lost)
        if self.left() < self.question.timeout + _SPARE:
            raise OutOfTime("no time was left to ask this")
        try:
            return say()
        except NoConversation as failure:
            time.sleep(_PAUSE)
            return Flight(ended=str(failure), closed=failure.outcome)


def _spoke(flight: Flight) -> bool:
    if flight.answered or flight.version is not None:
        return True
    return flight.alert is not None and flight.alert not in NO_ANSWERS
