"""When what is right or what is ours changes, findings follow and say why; the estate itself did not change."""

import pytest

from estate.scope import Scope

A, B = "10.0.0.1", "10.0.0.2"
OPEN = {"tcp/22": "open", "tcp/80": "open"}
EXPECTED = f'[[expected]]\nasset = "{A}"\nports = "tcp/22,80"\n'


def detections(estate) -> dict[tuple[str, str, str], tuple[str, str]]:
    return {
        (row["rule"], row["asset"], row["locator"]): (row["detection"], row["cause"])
        for row in estate.findings(everything=True)
    }


def test_what_is_expected_from_now_on_is_resolved_by_policy_without_a_change(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: OPEN, B: OPEN})
    here.declare(EXPECTED)
    second = here.look("2026-01-02", {A: OPEN, B: OPEN})
    assert here.kinds(second) == {}
    found = detections(here)
    assert found["unexpected-port", f"host:{A}", "tcp/22"] == ("absent", "policy")
    assert found["unexpected-port", f"host:{B}", "tcp/22"] == ("present", "scope")


def test_what_is_expected_no_more_is_opened_by_policy_without_a_change(estate_on_both) -> None:
    here = estate_on_both
    here.declare(EXPECTED)
    here.look("2026-01-01", {A: OPEN})
    assert here.findings() == []
    here.declare(EXPECTED.replace("tcp/22,80", "tcp/22"))
    assert here.kinds(here.look("2026-01-02", {A: OPEN})) == {}
    assert detections(here) == {("unexpected-port", f"host:{A}", "tcp/80"): ("present", "policy")}


def test_a_policy_holds_for_assets_that_the_run_did_not_ask(estate) -> None:
    estate.look("2026-01-01", {A: OPEN, B: OPEN})
    estate.declare(EXPECTED)
    estate.look("2026-01-02", {B: OPEN})
    assert detections(estate)["unexpected-port", f"host:{A}", "tcp/22"] == ("absent", "policy")


def test_nobody_misses_a_port_that_is_expected_no_more(estate_on_both) -> None:
    here = estate_on_both
    here.declare(EXPECTED)
    here.look("2026-01-01", {A: {"tcp/22": "open"}})
    missed = ("expected-port-closed", f"host:{A}", "tcp/80")
    assert detections(here)[missed] == ("present", "estate")
    here.declare(EXPECTED.replace("tcp/22,80", "tcp/22"))
    assert here.kinds(here.look("2026-01-02", {B: {}})) == {}
    assert detections(here)[missed] == ("absent", "policy")


def test_a_port_that_is_declared_and_was_closed_all_along_is_missed_by_policy(estate) -> None:
    estate.look("2026-01-01", {A: {"tcp/22": "open"}})
    estate.declare(EXPECTED)
    assert estate.kinds(estate.look("2026-01-02", {A: {"tcp/22": "open"}})) == {}
    assert detections(estate)["expected-port-closed", f"host:{A}", "tcp/80"] == ("present", "policy")


def test_a_port_that_closes_while_it_is_being_declared_is_the_estates_doing(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    estate.declare(EXPECTED)
    estate.look("2026-01-02", {A: {"tcp/22": "open"}})
    assert detections(estate)["expected-port-closed", f"host:{A}", "tcp/80"] == ("present", "estate")


def test_a_policy_that_did_not_change_judges_nothing_again(estate) -> None:
    estate.declare(EXPECTED)
    estate.look("2026-01-01", {A: OPEN, B: OPEN})
    steps = estate.dump()["findingstep"]
    estate.look("2026-01-02", {A: OPEN, B: OPEN})
    assert estate.dump()["findingstep"] == steps


def scope(*networks: str, name: str = "house") -> dict[str, str]:
    made = Scope(name=name, networks=networks, authorised_by="Ada", zone="default")
    return {"scope_sha256": made.sha256, "scope_body": made.words}


BOTH = {A: OPEN, B: OPEN}


def test_a_host_that_left_the_scope_is_told_once_and_its_findings_are_unobserved(estate_on_both) -> None:
    here = estate_on_both
    here.declare(EXPECTED.replace(A, B))
    here.sweep("2026-01-01", {A: OPEN, B: {"tcp/22": "open"}}, **scope("10.0.0.0/24"))
    left = here.sweep("2026-01-02", {A: OPEN}, **scope(f"{A}/32"))
    assert here.told(left) == [("rescoped_out", f"host:{B}", "tcp/22")]
    assert {(c["cause"], c["certainty"]) for c in here.changes(left.run)} == {("scope", "proved")}
    found = detections(here)
    assert found["expected-port-closed", f"host:{B}", "tcp/80"] == ("unobserved", "scope")
    assert found["unexpected-port", f"host:{A}", "tcp/22"] == ("present", "scope")
    assert here.kinds(here.sweep("2026-01-03", {A: OPEN}, **scope(f"{A}/32"))) == {}


def test_a_host_that_comes_back_into_the_scope_is_seen_again(estate) -> None:
    estate.sweep("2026-01-01", BOTH, **scope("10.0.0.0/24"))
    estate.sweep("2026-01-02", {A: OPEN}, **scope(f"{A}/32"))
    back = estate.sweep("2026-01-03", BOTH, **scope("10.0.0.0/24"))
    assert set(estate.told(back)) == {("sight_regained", f"host:{B}", key) for key in OPEN}
    assert detections(estate)["unexpected-port", f"host:{B}", "tcp/22"][0] == "present"


def test_a_host_that_another_scope_still_holds_did_not_leave(estate) -> None:
    estate.sweep("2026-01-01", BOTH, **scope("10.0.0.0/24"))
    estate.sweep("2026-01-02", {B: OPEN}, scope="other", **scope(f"{B}/32", name="other"))
    assert estate.kinds(estate.sweep("2026-01-03", {A: OPEN}, **scope(f"{A}/32"))) == {}


def test_a_host_that_was_never_in_the_scope_did_not_leave_it(estate) -> None:
    estate.look("2026-01-01", {"10.7.7.7": OPEN})
    estate.sweep("2026-01-02", BOTH, **scope("10.0.0.0/24"))
    assert {asset for _, asset, _ in estate.told(estate.sweep("2026-01-03", {A: OPEN}, **scope(f"{A}/32")))} == {
        f"host:{B}"
    }


@pytest.mark.parametrize("body", ['{"name": "house", "from_the_future": 1}', "{"])
def test_a_scope_in_words_of_another_version_is_no_reason_to_say_that_anybody_left(estate, body) -> None:
    estate.sweep("2026-01-01", BOTH, scope_sha256="0" * 64, scope_body=body)
    second = estate.sweep("2026-01-02", {A: OPEN}, **scope(f"{A}/32"))
    assert (second.state, estate.kinds(second)) == ("complete", {})
