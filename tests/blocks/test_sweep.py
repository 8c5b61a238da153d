"""What an operator fills in is read as it was meant, and what a tool could misread is refused."""

import pytest

from blocks.sweep import Sweep
from estate.errors import BadTarget


def test_an_empty_form_asks_what_the_scope_says() -> None:
    sweep = Sweep()
    assert (sweep.scope, sweep.only, sweep.ports, sweep.trigger) == ("", (), "", "manual")
    assert (sweep.asks_versions(True), sweep.asks_versions(False)) == (True, False)


def test_programs_may_say_none_and_true_where_people_leave_empty_and_choose() -> None:
    sweep = Sweep.model_validate({"scope": None, "ports": None, "versions": True})
    assert (sweep.scope, sweep.ports, sweep.asks_versions(False)) == ("", "", True)
    assert Sweep.model_validate({"versions": False}).asks_versions(True) is False
    assert Sweep.model_validate({"versions": None}) == Sweep()


@pytest.mark.parametrize("word", ["10.77.0.2", "10.77.0.0/24", "10.77.0.2-9", "::1", "2001:db8::/64", "host:web-7.lab"])
def test_targets_of_every_kind_are_taken(word: str) -> None:
    assert Sweep(only=(word,)).only == (word,)


@pytest.mark.parametrize("word", ["-iL", "a b", "a\n", "", "$(id)", "a;b", "x" * 300])
def test_a_target_that_could_be_more_than_that_is_refused_in_our_words(word: str) -> None:
    with pytest.raises(BadTarget, match="is no address, network, name or asset"):
        Sweep(only=(word,))


@pytest.mark.parametrize("fields", [{"ports": "80 -sC"}, {"scope": "-x"}, {"versions": "maybe"}, {"colour": "red"}])
def test_other_fields_refuse_what_they_do_not_know(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        Sweep.model_validate(fields)
