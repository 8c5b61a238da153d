"""What the asking process hands over to its child: the question, and what the first hello told already."""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass

from estate.errors import BadTarget
from estate.tls.evidence import Hello
from tasks.tls.flight import Flight
from tasks.tls.question import TlsQuestion


@dataclass(frozen=True, slots=True)
class Handover:
    """One endpoint that speaks TLS; `took` is how many seconds its first answer took."""

    question: TlsQuestion
    hello: Hello
    flight: Flight
    took: float

    def to_json(self) -> str:
        """For a file that only the child reads."""
        flight = self.flight
        known = {
            "version": flight.version,
            "suite": flight.suite,
            "alert": flight.alert,
            "certificate_requested": flight.certificate_requested,
            "complete": flight.complete,
            "ended": flight.ended,
        }
        return json.dumps(
            {
                "question": asdict(self.question),
                "hello": asdict(self.hello),
                "flight": known,
                "chain": [b64encode(der).decode() for der in flight.chain],
                "staple": b64encode(flight.staple).decode() if flight.staple else None,
                "took": self.took,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Handover":
        """What `to_json` wrote.

        Raises:
            BadTarget: it says something else.
        """
        try:
            given = json.loads(text)
            flight = Flight(**given["flight"])
            flight.chain = [b64decode(der) for der in given["chain"]]
            flight.staple = b64decode(given["staple"]) if given["staple"] else None
            question = TlsQuestion.from_json(json.dumps(given["question"]))
            return cls(question, Hello(**given["hello"]), flight, float(given["took"]))
        except (ValueError, TypeError, KeyError) as error:
            raise BadTarget(f"this is no handover: {error}") from None
