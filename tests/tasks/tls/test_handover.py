"""What the first hello told reaches the child whole."""

import pytest

from estate.errors import BadTarget
from tasks.tls.handover import Handover
from tasks.tls.hello import say_hello


def test_a_first_answer_survives_the_way(openssl, question) -> None:
    asked = question(openssl("-tls1_2", "-verify", "2"))
    hello, flight = say_hello(asked)
    assert flight is not None
    again = Handover.from_json(Handover(asked, hello, flight, 0.5).to_json())
    assert (again.question, again.hello, again.took) == (asked, hello, 0.5)
    assert (again.flight.version, again.flight.suite, again.flight.chain) == (
        flight.version,
        flight.suite,
        flight.chain,
    )
    assert (again.flight.complete, again.flight.certificate_requested) == (True, True)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null"])
def test_nothing_else_is_a_handover(text: str) -> None:
    with pytest.raises(BadTarget):
        Handover.from_json(text)
