"""An accepted risk: asked for by one, approved by another, and over when its time is."""

from datetime import UTC, datetime, timedelta

import pytest

from estate.errors import BadInput
from estate.store.suppressions import suppress

A = "10.0.0.1"
UNTIL = datetime(2030, 6, 1, tzinfo=UTC)


@pytest.fixture
def exposed(estate_on_both):
    estate_on_both.look("2026-01-01", {A: {"tcp/22": "open", "tcp/80": "open"}})
    return estate_on_both


def ask(here, selector="locator=tcp/22", *, by="Ada", approved=None, until=UNTIL, reason="an old appliance"):
    return suppress(
        here.database, selector, reason=reason, until=until, requested_by=by, approved_by=approved, now=here.now
    )


def shown(here) -> list[str]:
    return [row["locator"] for row in here.findings()]


def test_a_suppression_waits_for_another_person(exposed) -> None:
    assert ask(exposed) == "pending"
    assert shown(exposed) == ["tcp/22", "tcp/80"]
    assert ask(exposed, approved="Grace") == "approved"
    assert shown(exposed) == ["tcp/80"]
    found = {row["locator"]: row for row in exposed.findings(everything=True)}
    assert found["tcp/22"]["suppressed"]
    assert found["tcp/22"]["suppression"] == "until 2030-06-01, approved by Grace: an old appliance"
    assert found["tcp/22"]["detection"] == "present", "what evidence says is another matter"
    assert not found["tcp/80"]["suppressed"]


def test_two_people_can_do_it_together(exposed) -> None:
    assert ask(exposed, approved="Grace") == "approved"
    assert shown(exposed) == ["tcp/80"]


def test_the_same_words_twice_are_one_suppression(exposed) -> None:
    assert [ask(exposed), ask(exposed), ask(exposed, approved="Grace"), ask(exposed, approved="Grace")] == [
        "pending",
        "pending",
        "approved",
        "approved",
    ]
    assert ask(exposed) == "approved", "it is in force already"
    assert exposed.row_counts()["suppression"] == 1


@pytest.mark.parametrize("same", ["Ada", "ada", " ADA ", "\uff21da"])
def test_nobody_approves_their_own(exposed, same) -> None:
    with pytest.raises(BadInput, match="another person has to approve"):
        ask(exposed, approved=same)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"until": datetime(2029, 1, 1, tzinfo=UTC)}, "not in the future"),
        ({"reason": "  "}, "needs a reason"),
        ({"by": " "}, "needs a reason and the name"),
        ({"approved": " "}, "name of who approves"),
        ({"selector": ""}, "would suppress everything"),
        ({"selector": "port=22"}, "selects nothing"),
        ({"selector": "locator="}, "selects nothing"),
    ],
)
def test_what_a_suppression_must_not_lack(exposed, told, message) -> None:
    with pytest.raises(BadInput, match=message):
        ask(exposed, **told)


def test_a_suppression_ends_by_itself_and_the_finding_is_back(exposed) -> None:
    ask(exposed, approved="Grace")
    exposed.now = UNTIL - timedelta(seconds=1)
    assert shown(exposed) == ["tcp/80"]
    exposed.now = UNTIL
    assert shown(exposed) == ["tcp/22", "tcp/80"]


def test_a_suppressed_finding_keeps_its_life(exposed) -> None:
    ask(exposed, approved="Grace")
    exposed.look("2026-01-02", {A: {"tcp/80": "open"}})
    exposed.look("2026-01-03", {A: {"tcp/22": "open", "tcp/80": "open"}})
    steps = [row["step"] for row in exposed.dump()["findingstep"] if row["subject"].startswith("tcp/22")]
    assert sorted(steps) == ["opened", "reopened", "resolved"]
    assert shown(exposed) == ["tcp/80"]


@pytest.mark.parametrize(
    ("selector", "left"),
    [
        ("rule=unexpected-port", []),
        ("rule=unexpected-port locator=tcp/2*", ["tcp/80"]),
        ("asset=host:10.0.0.*", []),
        ("asset=host:10.0.1.*", ["tcp/22", "tcp/80"]),
        ("zone=lab", ["tcp/22", "tcp/80"]),
    ],
)
def test_selectors_mean_what_they_say(exposed, selector, left) -> None:
    ask(exposed, selector, approved="Grace")
    assert shown(exposed) == left


def test_a_fingerprint_selects_one_finding(exposed) -> None:
    (fingerprint,) = [row["fingerprint"] for row in exposed.findings() if row["locator"] == "tcp/80"]
    ask(exposed, fingerprint[:14], approved="Grace")
    assert shown(exposed) == ["tcp/22"]


def test_an_owner_selects_what_is_theirs(exposed) -> None:
    exposed.declare('[[assets]]\nname = "web.example"\naddresses = ["10.0.0.2"]\nowner = "Ada"\n')
    exposed.look("2026-01-02", {"10.0.0.2": {"tcp/22": "open"}})
    ask(exposed, "owner=Ada", approved="Grace")
    assert {row["asset"] for row in exposed.findings()} == {f"host:{A}"}
