"""Ask one server many times, and know whether its silence and its resets mean anything."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.tls.client_hello import Offer
from tasks.tls.converse import Until, converse
from tasks.tls.failures import NoConversation
from tasks.tls.flight import Flight
from tasks.tls.question import TlsQuestion

_PAUSE = 0.1
_MOST_SILENCES = 12
_ENOUGH_SPARE = 2.0

Say = Callable[[], Flight]


class OutOfTime(Exception):
    """No further question fits before the deadline, or the server fell silent for good."""


@dataclass(slots=True)
class Patience:
    """One server, asked one hello after the other.

    A server may well reset a hello that it dislikes instead of declining it. That counts as a no only if it does so
    again, while what is known to work (the canary) works before, in between and afterwards: a server behind a rate
    limit fails that. The order of the looks (no yes no no yes) has no period that a limiter could hide in.

    Attributes:
        question: the endpoint.
        until: when everything has to be done, on the monotonic clock.
        canary: a hello that was answered once.
        disturbed: why answers of this server cannot be told from accidents; empty while they can.
    """

    question: TlsQuestion
    until: float
    canary: Offer | None = None
    disturbed: str = ""
    _silences: int = field(default=0, repr=False)

    def ask(self, offer: Offer, until: Until = "flight") -> Flight:
        """An answer, or a flight whose `closed` and `ended` say how and whether the lack of one is trustworthy.

        Raises:
            OutOfTime: there is no time left.
        """
        return self.ask_by(lambda: converse(self.question, offer, until))

    def ask_by(self, say: Say) -> Flight:
        """The same for another way of asking.

        Raises:
            OutOfTime: there is no time left.
        """
        first = self._once(say)
        if _spoke(first):
            return first
        if self.canary is None:
            return first
        for look in "cttc" if first.closed != "silent" else "ctc":
            if look == "c":
                if not self.check_canary():
                    return first
                continue
            again = self._once(say)
            if _spoke(again):
                self._disturb(f"a hello was answered after the same one met: {first.ended}")
                return again
        first.consistent = True
        return first

    def check_canary(self) -> bool:
        """Whether what worked still works; where it does not, the server is disturbed from here on."""
        if self.canary is None:
            return False
        canary = self.canary
        flight = self._once(lambda: converse(self.question, canary, "hello"))
        if flight.answered:
            return True
        self._disturb(f"a handshake that worked before did not any more: {flight.alert or flight.ended}")
        return False

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.until - time.monotonic()

    def _disturb(self, why: str) -> None:
        self.disturbed = self.disturbed or why

    def _once(self, say: Say) -> Flight:
        if self.left() < self.question.timeout + _ENOUGH_SPARE:
            raise OutOfTime("no time was left to ask this")
        if self._silences >= _MOST_SILENCES:
            raise OutOfTime("the server fell silent too often")
        try:
            return say()
        except NoConversation as failure:
            self._silences += failure.outcome == "silent"
            time.sleep(_PAUSE)
            return Flight(ended=str(failure), closed=failure.outcome)


def _spoke(flight: Flight) -> bool:
    return flight.answered or flight.alert is not None or flight.version is not None
